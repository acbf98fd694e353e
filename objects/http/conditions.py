"""Conditional requests (RFC 9110 section 13)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.http import parse_etags, parse_http_date_safe

from objects.exceptions import InvalidCondition

#: The most entity tags that one field may list. Caches send one for each version that they hold;
#: each costs time to read and to compare, and a longer list is refused rather than left out
#: (RFC 9110 section 5.4: a field that is larger than a server wishes to process is a 4xx).
MAX_TAGS = 64
_READ_CONDITIONS = frozenset(
    {
        "HTTP_IF_MATCH",
        "HTTP_IF_NONE_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_UNMODIFIED_SINCE",
    }
)
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"', re.ASCII)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a GET or HEAD, each read once.

    :ivar match: the tags of If-Match, ``("*",)`` for any, () without the field or a tag in it.
    :ivar none_match: those of If-None-Match.
    :ivar modified_since: If-Modified-Since in seconds since 1970, None without a date.
    :ivar unmodified_since: If-Unmodified-Since.
    :ivar for_node: what of it the node can judge, so that a 304 moves no bytes: it takes one strong
        tag, or a date; the rest waits for `outcome`.
    """

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()
    modified_since: int | None = None
    unmodified_since: int | None = None
    for_node: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self is not NONE

    def outcome(self, node_headers: Mapping[str, str]) -> int | None:
        """What they come to (section 13.2.2): 304, 412, or None to go on.

        :param node_headers: of the node's answer, in lower case.
        """
        if self is NONE:
            return None
        etag = node_headers.get("etag", "")
        modified = parse_http_date_safe(node_headers.get("last-modified", ""))
        if self.match:
            if not _matches_strongly(etag, self.match):
                return 412
        elif self.unmodified_since is not None and not (
            modified is not None and modified <= self.unmodified_since
        ):
            return 412
        if self.none_match:
            return 304 if _matches_weakly(etag, self.none_match) else None
        if self.modified_since is not None and modified is not None:
            return 304 if modified <= self.modified_since else None
        return None


#: Of a request that has none, as most.
NONE = Conditions()


def conditions_of(meta: Mapping[str, Any]) -> Conditions:
    """The conditions of a GET or HEAD.

    :param meta: the WSGI environment.
    :raises InvalidCondition: for more than `MAX_TAGS` entity tags in one field.
    """
    if _READ_CONDITIONS.isdisjoint(meta):
        return NONE
    match = _tags("If-Match", meta.get("HTTP_IF_MATCH", ""))
    none_match = _tags("If-None-Match", meta.get("HTTP_IF_NONE_MATCH", ""))
    modified_since = meta.get("HTTP_IF_MODIFIED_SINCE", "")
    since = parse_http_date_safe(modified_since)
    for_node: dict[str, str] = {}
    if not (meta.get("HTTP_IF_MATCH") or meta.get("HTTP_IF_UNMODIFIED_SINCE")):
        if meta.get("HTTP_IF_NONE_MATCH"):
            if len(none_match) == 1 and none_match[0] != "*":
                for_node["If-None-Match"] = none_match[0].removeprefix("W/")
        elif since is not None:
            for_node["If-Modified-Since"] = modified_since
    return Conditions(
        match,
        none_match,
        since,
        parse_http_date_safe(meta.get("HTTP_IF_UNMODIFIED_SINCE", "")),
        for_node,
    )


def _tags(name: str, value: str) -> tuple[str, ...]:
    # Before they are told apart, which is what costs.
    if value.count(",") >= MAX_TAGS:
        raise InvalidCondition(f"{name} may list up to {MAX_TAGS} entity tags.")
    return tuple(parse_etags(value)) if value else ()


def _matches_strongly(etag: str, tags: tuple[str, ...]) -> bool:
    """Section 8.8.3.2."""
    return bool(etag) and (tags == ("*",) or (not etag.startswith("W/") and etag in tags))


def _matches_weakly(etag: str, tags: tuple[str, ...]) -> bool:
    """Section 8.8.3.2."""
    opaque = etag.removeprefix("W/")
    return bool(etag) and (tags == ("*",) or any(tag.removeprefix("W/") == opaque for tag in tags))


def if_range_holds(validator: str, node_headers: Mapping[str, str]) -> bool:
    """Whether a range may be answered with a part (section 13.1.5): the validator must be the
    object's own, by strong comparison.

    :param validator: the value of If-Range, "" when there is none: then it holds.
    :param node_headers: of the node's answer, in lower case.
    """
    if not validator:
        return True
    if validator.startswith('"'):
        return validator == node_headers.get("etag")
    return validator == node_headers.get("last-modified")


def for_put(meta: Mapping[str, Any]) -> dict[str, str]:
    """The conditions of a PUT, for the node to judge at the moment it stores.

    :param meta: the WSGI environment.
    :raises InvalidCondition: for what a node cannot judge then. Nothing else is safe: a condition
        that is left out would overwrite what the client wanted to keep.
    """
    _refuse(meta, "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")
    found = {
        name: str(meta[key]).strip()
        for name, key in (("If-Match", "HTTP_IF_MATCH"), ("If-None-Match", "HTTP_IF_NONE_MATCH"))
        if key in meta
    }
    if len(found) > 1:
        raise InvalidCondition("A PUT takes If-Match or If-None-Match, not both.")
    for name, value in found.items():
        if value != "*" and not _STRONG_TAG.fullmatch(value):
            raise InvalidCondition(
                f'{name} of a PUT must be * or one strong entity tag in quotes, such as "abc".'
            )
    return found


def refuse_all(meta: Mapping[str, Any]) -> None:
    """For methods that know no conditions.

    :param meta: the WSGI environment.
    :raises InvalidCondition: when there is one.
    """
    _refuse(meta, *sorted(_READ_CONDITIONS))


def _refuse(meta: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if meta.get(name):
            field = name.removeprefix("HTTP_").replace("_", "-").title()
            raise InvalidCondition(
                f"{field} is not supported with {meta['REQUEST_METHOD']}, and ignoring it could do "
                "harm."
            )
