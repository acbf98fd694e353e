"""Requests for no path, but for the server as a whole: ``OPTIONS *``."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

#: What is served on one path or another.
_ALLOW = "GET, HEAD, PUT, DELETE, OPTIONS"


def asterisk_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answers them (RFC 9110 section 9.3.7); no URL pattern could, for each begins with a slash."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info != "*":
            return get_response(request)
        return HttpResponse(status=204, headers={"Allow": _ALLOW})

    return middleware
