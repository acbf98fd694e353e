"""Which web pages may send requests that change something.

As in Go 1.25 (``net/http.CrossOriginProtection``): browsers say where a request comes from, so no
tokens are needed, and whatever is not a browser is not concerned.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from problems.problem import Problem

#: RFC 9110 section 9.2.1, without TRACE.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# As browsers send it (RFC 6454 section 6.1): in lower case, without a path and without the port
# that the scheme stands for.
_ORIGIN = re.compile(
    r"(?!http://[^/]*:80$)(?!https://[^/]*:443$)"
    r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::[0-9]{1,5})?",
    re.ASCII,
)


class CrossOrigin(Problem):
    """A page of another origin asked for a change."""

    status = 403
    code = "cross_origin"
    title = "Cross-origin request"
    example = (
        "A web page of https://app.example may not change anything here. Name its origin in "
        "OBJGW_CORS_ORIGINS to allow it."
    )


def is_origin(text: str) -> bool:
    """Whether it can stand in OBJGW_CORS_ORIGINS."""
    return _ORIGIN.fullmatch(text) is not None


def refusal(meta: Mapping[str, Any], trusted: Collection[str]) -> CrossOrigin | None:
    """What speaks against a request with an unsafe method, None for nothing.

    :param meta: the WSGI environment.
    :param trusted: origins whose pages may change objects.
    """
    site, origin = meta.get("HTTP_SEC_FETCH_SITE"), meta.get("HTTP_ORIGIN")
    if site in ("same-origin", "none") or origin in trusted:
        return None
    if not site:
        # A browser that does not say, because it is old or does not reach the gateway by TLS.
        host = meta.get("HTTP_HOST", "")
        if not origin or origin.lower().partition("://")[2] == host.lower():
            return None
    page = f"A web page of {origin}" if origin else "A web page of another origin"
    return CrossOrigin(
        f"{page} may not change anything here. Name its origin in OBJGW_CORS_ORIGINS to allow it."
    )
