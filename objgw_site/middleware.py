"""Middleware of the whole site."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from objgw_site.hosts import host_judge
from objgw_site.origins import SAFE_METHODS, refusal
from objgw_site.s3_clients import meant_for_s3, s3_refusal
from problems.handler import log, problem_response

#: RFC 9110 section 8.6: no Content-Length here, or only that of the answer without conditions.
_NO_BODY = frozenset({204, 304})
#: What is served on one path or another.
_ALLOW_SOMEWHERE = "GET, HEAD, PUT, DELETE, OPTIONS"


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
    """Lets through what is for a view.

    Refuses hosts that the gateway does not answer for, changes by foreign web pages, and what is
    meant for S3; answers ``OPTIONS *`` (RFC 9110 section 9.3.7), which no URL pattern could, for
    each of them begins with a slash.
    """
    judge = host_judge(settings.EXTRA_HOSTS)
    trusted = frozenset(settings.OBJGW_CORS_ORIGINS)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        host = meta.get("HTTP_HOST")
        # HTTP/1.0 has none, and browsers do not speak it.
        problem = None if host is None else judge(host)
        if problem is None and request.method not in SAFE_METHODS:
            problem = refusal(meta, trusted)
        if problem is not None:
            log(problem, problem, request)
            return problem_response(problem)
        if meant_for_s3(meta):
            return s3_refusal(request)
        if request.path_info == "*":
            return HttpResponse(status=204, headers={"Allow": _ALLOW_SOMEWHERE})
        return get_response(request)

    return middleware
