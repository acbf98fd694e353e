"""One id a request: in its answer, in every log line about it, and in its problem document."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="-")


def current() -> str:
    """The id of the request that is being answered, or "-" outside of one."""
    return _current.get()


def new() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def begin(offered: str | None) -> str:
    """Start a request: take over the client's id when it is well-formed, else make one."""
    request_id = offered if offered and _WELL_FORMED.fullmatch(offered) else new()
    _current.set(request_id)
    return request_id


def request_id_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Django middleware that gives each request its id and sends it back."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id = begin(request.META.get("HTTP_X_REQUEST_ID"))
        response = get_response(request)
        response.headers[HEADER] = request_id
        return response

    return middleware


class RequestIdFilter(logging.Filter):
    """Puts ``request_id`` on every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get()
        return True
