"""The request id's way into Django."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from problems.request_id import HEADER, start


def request_id_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Django middleware that gives each request its id and sends it back."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id = start(request.META.get("HTTP_X_REQUEST_ID"))
        response = get_response(request)
        response.headers[HEADER] = request_id
        return response

    return middleware
