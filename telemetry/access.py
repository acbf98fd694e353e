"""The access log: one line for each request, on standard output.

It is the one log line that each request pays for, so it takes the short way: no record of the
standard library, and JSON that is encoded once.
"""

import re
import sys
import time
from contextlib import suppress
from typing import Any, TextIO
from urllib.parse import unquote

import structlog

from telemetry.logs import Event, renderer
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

    def __init__(self, form: str, file: TextIO | None = None) -> None:
        render = renderer(form)
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(sys.stdout if file is None else file),
            processors=[_describe if form == "json" else _describe_for_people, render],
            wrapper_class=structlog.make_filtering_bound_logger(0),
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
        # Whoever reads the log has gone: that is no reason to refuse a request.
        with suppress(OSError, ValueError):
            self._log.info("request", **fields)


def _describe(_logger: Any, _method: str, event: Event) -> Event:
    return {
        "timestamp": time.time(),
        "level": "info",
        "logger": LOGGER,
        "event": "request",
        **event,
        **current_ids(),
    }


def _describe_for_people(logger: Any, method: str, event: Event) -> Event:
    """With method, path and status as the text; all else is behind it."""
    text = f"{event.pop('method')} {event.pop('path')} {event.pop('status')}"
    return {**_describe(logger, method, event), "event": text}


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
