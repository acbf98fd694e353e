"""Conditional requests (RFC 9110 section 13)."""

import re
from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, parse_http_date_safe

from objects.exceptions import InvalidCondition

_READ_CONDITIONS = frozenset(
    {
        "HTTP_IF_MATCH",
        "HTTP_IF_NONE_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_UNMODIFIED_SINCE",
    }
)
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"', re.ASCII)


def has_conditions(request: HttpRequest) -> bool:
    """Whether a GET or HEAD has any condition."""
    return not _READ_CONDITIONS.isdisjoint(request.META)


def outcome(request: HttpRequest, node_headers: Mapping[str, str]) -> int | None:
    """What the conditions of a GET or HEAD come to (section 13.2.2): 304, 412, or None to go on.

    :param node_headers: of the node's answer, in lower case.
    """
    if not has_conditions(request):
        return None
    verdict = get_conditional_response(
        request,
        etag=node_headers.get("etag"),
        last_modified=parse_http_date_safe(node_headers.get("last-modified", "")),
    )
    return None if verdict is None else verdict.status_code


def for_node(request: HttpRequest) -> dict[str, str]:
    """The condition of a GET or HEAD that the node can judge, so that a 304 moves no bytes.

    A node takes one strong tag, so only that is handed over, or a date; the rest waits for
    `outcome`.
    """
    if not has_conditions(request):
        return {}
    meta = request.META
    if meta.get("HTTP_IF_MATCH") or meta.get("HTTP_IF_UNMODIFIED_SINCE"):
        return {}
    if none_match := meta.get("HTTP_IF_NONE_MATCH"):
        tags = [tag.removeprefix("W/") for tag in parse_etags(none_match)]
        return {"If-None-Match": tags[0]} if len(tags) == 1 and tags[0] != "*" else {}
    if parse_http_date_safe(meta.get("HTTP_IF_MODIFIED_SINCE", "")):
        return {"If-Modified-Since": meta["HTTP_IF_MODIFIED_SINCE"]}
    return {}


def if_range_holds(request: HttpRequest, node_headers: Mapping[str, str]) -> bool:
    """Whether a range may be answered with a part (section 13.1.5): the validator must be the
    object's own, by strong comparison. True when there is no If-Range.
    """
    validator = str(request.META.get("HTTP_IF_RANGE", "")).strip()
    if not validator:
        return True
    if validator.startswith('"'):
        return validator == node_headers.get("etag")
    return validator == node_headers.get("last-modified")


def for_put(request: HttpRequest) -> dict[str, str]:
    """The conditions of a PUT, for the node to judge at the moment it stores.

    :raises InvalidCondition: for what a node cannot judge then. Nothing else is safe: a condition
        that is left out would overwrite what the client wanted to keep.
    """
    _refuse(request, "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")
    found = {
        name: str(request.META[key]).strip()
        for name, key in (("If-Match", "HTTP_IF_MATCH"), ("If-None-Match", "HTTP_IF_NONE_MATCH"))
        if key in request.META
    }
    if len(found) > 1:
        raise InvalidCondition("A PUT takes If-Match or If-None-Match, not both.")
    for name, value in found.items():
        if value != "*" and not _STRONG_TAG.fullmatch(value):
            raise InvalidCondition(
                f'{name} of a PUT must be * or one strong entity tag in quotes, such as "abc".'
            )
    return found


def refuse_all(request: HttpRequest) -> None:
    """For methods that know no conditions.

    :raises InvalidCondition: when there is one.
    """
    _refuse(request, *sorted(_READ_CONDITIONS))


def _refuse(request: HttpRequest, *names: str) -> None:
    for name in names:
        if request.META.get(name):
            field = name.removeprefix("HTTP_").replace("_", "-").title()
            raise InvalidCondition(
                f"{field} is not supported with {request.method}, and ignoring it could do harm."
            )
