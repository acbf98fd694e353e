"""Middleware of the whole site."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

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
        return response

    return middleware
