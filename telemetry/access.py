"""The access log: one line for each request, on standard output.

Every request pays for this line, so it is made in the cheapest way: without the standard library's
log records, and with JSON that is encoded once.
"""

import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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
#: A token (RFC 7519): its header begins with {".
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_USER = re.compile(r"//[^/@]*@")


#: So many lines are written together, at the latest after a second.
BATCH = 64
#: What a pipe takes as a whole (pipe(7)).
_PIPE_BUF = 4096


@dataclass(frozen=True, slots=True)
class _Lines:
    """What structlog writes to: keeps the lines until they are written."""

    pending: list[bytes] = field(default_factory=list)

    def info(self, line: bytes) -> None:
        self.pending.append(line + b"\n")


class AccessLog:
    """Writes the lines, some at once: one by one costs each request three times as much.

    :param form: one of `telemetry.logs.FORMATS`.
    :param file: where to.
    """

    def __init__(self, form: str, file: BinaryIO | None = None) -> None:
        self._file = sys.stdout.buffer if file is None else file
        self._lines = _Lines()
        self._log = structlog.wrap_logger(
            self._lines,
            processors=[_to_json] if form == "json" else [_Columns(renderer(form))],
            wrapper_class=_Logger,
        ).bind()
        self._pending: list[tuple[Any, ...]] = []

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
        bearer: tuple[str, str],
        bytes_in: int,
        bytes_out: int,
        seconds: float,
    ) -> None:
        """Have a line written, within a second or with the next `BATCH`; see `Account` for what
        it has.

        :param bearer: whom the request's token was issued for, and the token's id.
        """
        self._pending.append(
            (
                *(time.time(), request_id, client, method, target, status, problem, owner),
                *(bearer, bytes_in, bytes_out, seconds, current_ids()),
            )
        )
        if len(self._pending) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what has not been written yet; to be called once a second, and at the end."""
        pending, self._pending = self._pending, []
        for each in pending:
            self._write(*each)
        lines = self._lines.pending
        if not lines:
            return
        together = b""
        # Whoever reads the log may have gone: that is no reason to refuse a request.
        with suppress(OSError, ValueError):
            for line in lines:
                if len(together) + len(line) > _PIPE_BUF:
                    self._file.write(together)
                    self._file.flush()
                    together = b""
                together += line
            self._file.write(together)
            self._file.flush()
        lines.clear()

    def _write(
        self,
        now: float,
        request_id: str,
        client: str,
        method: str,
        target: str,
        status: str,
        problem: str,
        owner: str,
        bearer: tuple[str, str],
        bytes_in: int,
        bytes_out: int,
        seconds: float,
        ids: Mapping[str, str],
    ) -> None:
        found = _OBJECT.match(target)
        fields: dict[str, Any] = {
            "timestamp": now,
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
        subject, token_id = bearer
        if subject:
            fields["subject"] = subject
        if token_id:
            fields["token_id"] = token_id
        self._log.request(**fields, **ids)


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
    if "eyJ" in text:
        text = _JWT.sub("***", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _without_secret(parameter: str) -> str:
    name, mark, value = parameter.partition("=")
    return f"{name}{mark}***" if value and _SECRET.search(unquote(name)) else parameter
