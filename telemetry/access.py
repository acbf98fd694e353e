"""The access log: one line for each request, on standard output.

It is the one log line that each request pays for, so it takes the short way: no record of the
standard library, and JSON that is encoded once.
"""

import re
import sys
import time
from typing import Any, BinaryIO
from urllib.parse import unquote

import structlog

from telemetry.logs import Event, Render, json_line, renderer, utc
from telemetry.tracing import current_ids

LOGGER = "objgw.access"
#: Characters of a path that are logged: a line has to fit into what a pipe takes as a whole
#: (PIPE_BUF, 4,096 bytes), or lines of two workers could be mixed; JSON takes six for each.
_LONGEST = 300
_OBJECT = re.compile(r"/object/([A-Za-z0-9]{1,32})", re.ASCII)
#: Parameters whose values are nobody's business: those of presigned URLs, and what people put into
#: a query by mistake.
_SECRET = re.compile(r"sig|cred|token|secret|passw|auth|key", re.IGNORECASE)
_USER = re.compile(r"//[^/@]*@")


class AccessLog:
    """Writes the lines.

    :param form: one of `telemetry.logs.FORMATS`.
    :param file: where to.
    """

    def __init__(self, form: str, file: BinaryIO | None = None) -> None:
        self._log = structlog.wrap_logger(
            structlog.BytesLogger(sys.stdout.buffer if file is None else file),
            processors=[_to_json] if form == "json" else [_Columns(renderer(form))],
            wrapper_class=_Logger,
        ).bind()

    def request(
        self,
        *,
        request_id: str,
        client: str,
        method: str,
        target: str,
        status: str,
        problem: str,
        owner: str,
        bytes_in: int,
        bytes_out: int,
        seconds: float,
    ) -> None:
        """Write the line of one request; see `Account` for what it has."""
        found = _OBJECT.match(target)
        fields: dict[str, Any] = {
            "timestamp": time.time(),
            "level": "info",
            "logger": LOGGER,
            "request_id": request_id,
            "client": client,
            "method": method,
            "path": shown(target),
            "status": int(status),
            "bytes_in": bytes_in,
            "bytes_out": bytes_out,
            "duration": round(seconds, 6),
        }
        if found:
            fields["id"] = found[1]
        if owner:
            fields["owner"] = owner
        if problem:
            fields["problem"] = problem
        if ids := current_ids():
            fields |= ids
        try:
            self._log.request(**fields)
        except (OSError, ValueError):
            # Whoever reads the log has gone: that is no reason to refuse a request.
            return


class _Logger(structlog.BoundLoggerBase):
    """Has the one kind of line that there is."""

    def request(self, **fields: Any) -> None:
        """Write the line of a request."""
        self._proxy_to_logger("info", "request", **fields)


def _to_json(_logger: Any, _method: str, event: Event) -> bytes:
    event["timestamp"] = utc(event["timestamp"])
    if event["request_id"] == "-":
        del event["request_id"]
    return json_line(event)


class _Columns:
    """With method, path and status as the text; all else is behind it."""

    def __init__(self, render: Render) -> None:
        self._render = render

    def __call__(self, logger: Any, method: str, event: Event) -> bytes:
        event["event"] = f"{event.pop('method')} {event.pop('path')} {event.pop('status')}"
        return self._render(logger, method, event).encode()


def shown(target: str) -> str:
    """A request target as it may be logged: cut short, and without what looks like a credential."""
    if "@" in target:
        target = _USER.sub("//***@", target)
    path, mark, query = target.partition("?")
    if mark:
        query = "&".join(map(_without_secret, query[: 8 * _LONGEST].split("&")))
    text = f"{path}{mark}{query}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _without_secret(parameter: str) -> str:
    name, mark, value = parameter.partition("=")
    return f"{name}{mark}***" if value and _SECRET.search(unquote(name)) else parameter
