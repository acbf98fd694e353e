"""Who did what: a log line for each write, each delete and each refusal."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from access.grant import Grant
from objgw_site.origins import SAFE_METHODS
from telemetry.access import shown

logger = logging.getLogger("objgw.audit")

#: RFC 9110 sections 15.5.2 and 15.5.4; RFC 9110 section 15.5.20.
_REFUSED = frozenset({401, 403, 421})


def audit_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Writes the lines, whatever came of the request."""
    trusted = settings.OBJGW_TRUSTED_PROXIES

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method not in SAFE_METHODS or response.status_code in _REFUSED:
            meta = request.META
            client = trusted.client_behind(
                meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR")
            )
            _tell(request, response.status_code, client)
        return response

    return middleware


def _tell(request: HttpRequest, status: int, client: str) -> None:
    grant = getattr(request, "user", None)
    who = {}
    if isinstance(grant, Grant):
        who = {"subject": grant.subject, "token_id": grant.token_id}
    match = request.resolver_match
    if match is not None and "object_id" in match.kwargs:
        who["id"] = match.kwargs["object_id"]
    path = shown(request.get_full_path())
    logger.info(
        "%s %s %d, by %s from %s",
        request.method,
        path,
        status,
        _named(grant),
        client or "a socket",
        extra={
            **who,
            "client": client,
            "method": request.method,
            "path": path,
            "status": status,
        },
    )


def _named(grant: object) -> str:
    if not isinstance(grant, Grant):
        return "somebody without an accepted token"
    return f"{grant.subject or 'somebody'} with {grant.token_id or 'a token without an id'}"
