"""Middleware of the whole site."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from problems.handler import log, problem_response
from problems.problem import BadRequest

#: RFC 9110 section 7.2, RFC 3986 section 3.2.2: an address in brackets or a name, and a port. More
#: than Django takes, which asks whether the host is one of DJANGO_ALLOWED_HOSTS where a link is
#: made: names with an underscore are common between containers.
_HOST = re.compile(
    r"(?:\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::\d*)?", re.ASCII | re.IGNORECASE
)
#: RFC 9110 section 8.6: no Content-Length here, or only that of the answer without conditions.
_NO_BODY = frozenset({204, 304})


def content_length_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Says how long an answer is when it is at hand as a whole."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.streaming or response.status_code in _NO_BODY:
            return response
        if "Content-Length" not in response.headers:
            response.headers["Content-Length"] = str(len(getattr(response, "content", b"")))
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            # The server would leave it out, too, and warn of it each time.
            response.content = b""
        return response

    return middleware


def host_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuses what is no host in the Host field, on any path (RFC 9112 section 3.2)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        host = request.META.get("HTTP_HOST")
        if host is None or _HOST.fullmatch(host):
            return get_response(request)
        problem = BadRequest("The Host field must be a host, and may be followed by a port.")
        log(problem, problem)
        return problem_response(problem)

    return middleware
