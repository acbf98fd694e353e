"""Log lines: JSON for programs, columns for people; logged text cannot forge a line.

Does not import Django: gunicorn's master logs, too.
"""

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter
from structlog.stdlib import ProcessorFormatter

from telemetry.tracing import current_ids

#: What OBJGW_LOG_LEVEL may be.
LEVELS = ("debug", "info", "warning", "error", "critical")
#: What OBJGW_LOG_FORMAT may be.
FORMATS = ("json", "console")
#: What a record may carry beside its text, by ``extra``: for programs, since the text says it, too.
EXTRA = (
    *("source", "problem"),
    *("subject", "token_id", "client", "method", "path", "id", "status"),
)

#: What could begin a new line, move the cursor or hide text: the control characters C0 (with ESC,
#: which begins ANSI escape sequences), DEL and C1; the separators of lines and paragraphs and the
#: characters that turn the direction of text; and surrogates, which cannot be encoded.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Event = MutableMapping[str, Any]
Render = Callable[[Any, str, Event], str]
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def default_format(*, debug: bool) -> str:
    """Columns in development and where a person looks at a terminal, else JSON."""
    return "console" if debug or sys.stderr.isatty() else "json"


def escaped(text: str) -> str:
    """The text with control characters written as Python does in a literal: ``\\n``, ``\\x1b``."""
    return _CONTROL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def formatter(form: str) -> ProcessorFormatter:
    """For records of the standard library, ours and those of all libraries.

    :param form: one of `FORMATS`.
    """
    before: list[Any] = [_describe]
    if form == "json":
        before.append(structlog.stdlib.ExtraAdder(allow=EXTRA))
    before.append(_tell_exception if form == "json" else _tell_exception_indented)
    return ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[ProcessorFormatter.remove_processors_meta, renderer(form)],
    )


def renderer(form: str) -> Render:
    """Makes a line of the fields of an event: ``timestamp`` in POSIX seconds, ``level``,
    ``logger``, ``request_id``, ``event`` and any others.
    """
    return _render_json if form == "json" else _Columns(colors=sys.stderr.isatty())


def _describe(_logger: Any, _method: str, event: Event) -> Event:
    """Say when, how grave, by whom and in which request."""
    record: logging.LogRecord = event["_record"]
    described = {
        "timestamp": record.created,
        "level": record.levelname.lower(),
        "logger": record.name,
        "request_id": getattr(record, "request_id", "-"),
        **current_ids(),
    }
    return {**described, **event}


def _tell_exception(_logger: Any, _method: str, event: Event) -> Event:
    info = _exc_info(event)
    if info is not None:
        event["exception"] = "".join(traceback.format_exception(*info))
    if "stack_info" in event:
        event["stack"] = event.pop("stack_info")
    return event


def _tell_exception_indented(_logger: Any, _method: str, event: Event) -> Event:
    """The same in lines that nobody can take for lines of the log."""
    info = _exc_info(event)
    if info is not None:
        lines: list[str] = []
        for part in traceback.format_exception(*info):
            if part.startswith(("  ", "\n")):
                # A line of code, which may have more lines below it, or what joins two tracebacks.
                lines += part.strip("\n").split("\n")
            else:
                lines.append(part.removesuffix("\n"))
        event["exception"] = _indented(lines)
    if "stack_info" in event:
        event["stack"] = _indented(event.pop("stack_info").splitlines())
    return event


def _exc_info(event: Event) -> _ExcInfo | None:
    info = event.pop("exc_info", None)
    return info if isinstance(info, tuple) and info[0] is not None else None


def _indented(lines: list[str]) -> str:
    return "\n".join("  " + escaped(line) for line in lines)


def _render_json(_logger: Any, _method: str, event: Event) -> str:
    event["timestamp"] = utc(event["timestamp"])
    if event.get("request_id") == "-":
        del event["request_id"]
    return json_line(event).decode()


_encode = json.JSONEncoder(default=repr, separators=(",", ":")).encode


def json_line(event: Event) -> bytes:
    """An object of JSON in printable ASCII."""
    try:
        line = orjson.dumps(event, default=repr)
    except TypeError:  # surrogates
        line = b"\x7f"
    # orjson takes a fifth of the time, and does not escape what is beyond ASCII.
    if not line.isascii() or b"\x7f" in line:
        line = _encode(event).replace("\x7f", "\\u007f").encode()
    return line


def utc(seconds: float) -> str:
    """POSIX time as ISO 8601 has it, to the millisecond."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


class _Second:
    """The latest second, written out: it is the same for many lines."""

    def __init__(self) -> None:
        self._latest = (-1, "")

    def __call__(self, second: int) -> str:
        known, text = self._latest
        if known != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._latest = second, text
        return text


_second = _Second()


class _Columns:
    """``time level logger [request id] text key=value …``, for people.

    :param colors: whether the level stands out.
    """

    def __init__(self, *, colors: bool) -> None:
        styles = ConsoleRenderer.get_default_level_styles(colors=colors)
        reset = "\x1b[0m" if colors else ""

        def column(key: str, style: Any = "", **more: Any) -> Column:
            return Column(key, KeyValueColumnFormatter(None, style, "", str, **more))

        def level(key: str, value: object) -> str:
            return f"{styles.get(str(value), '')}{str(value).upper():<8}{reset}"

        self._render = ConsoleRenderer(
            sort_keys=False,
            columns=[
                Column("", KeyValueColumnFormatter("", "", "", str)),
                column("timestamp"),
                Column("level", level),
                column("logger", width=16),
                column("request_id", prefix="[", postfix="]"),
                column("event"),
            ],
        )

    def __call__(self, logger: Any, method: str, event: Event) -> str:
        shown = {
            name: value if name in {"exception", "stack"} else escaped(str(value))
            for name, value in event.items()
        }
        shown["timestamp"] = _local(event["timestamp"])
        return self._render(logger, method, shown)


def _local(seconds: float) -> str:
    whole = int(seconds)
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(whole))
    return f"{text},{int((seconds - whole) * 1000):03d}"
