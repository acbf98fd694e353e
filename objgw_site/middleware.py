"""Middleware of the whole site."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from objgw_site.hosts import host_judge
from objgw_site.origins import SAFE_METHODS, refusal
from problems.handler import log, problem_response

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


def gate_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuses hosts that the gateway does not answer for, and changes by foreign web pages."""
    judge = host_judge(settings.EXTRA_HOSTS)
    trusted = frozenset(settings.OBJGW_CORS_ORIGINS)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        host = meta.get("HTTP_HOST")
        # HTTP/1.0 has none, and browsers do not speak it.
        problem = None if host is None else judge(host)
        if problem is None and request.method not in SAFE_METHODS:
            problem = refusal(meta, trusted)
        if problem is None:
            return get_response(request)
        log(problem, problem, request)
        return problem_response(problem)

    return middleware
