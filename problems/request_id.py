"""The request id: in the answer, in every log line about the request, and in problem documents.

Does not import Django: the server needs it before Django is there.
"""

import logging
import os
import re
from contextvars import ContextVar

HEADER = "X-Request-ID"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="-")


def current() -> str:
    """The id of the request that is being answered, or "-" outside of one."""
    return _current.get()


def new() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def start(offered: str | None) -> str:
    """Start a request: take over the client's id when it is well-formed, else make one."""
    request_id = offered if offered and _WELL_FORMED.fullmatch(offered) else new()
    _current.set(request_id)
    return request_id


class RequestIdFilter(logging.Filter):
    """Puts ``request_id`` on every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get()
        return True
