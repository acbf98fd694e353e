"""Log lines: one format for all of them, which nothing that is logged can imitate.

Does not import Django: gunicorn's master logs, too.
"""

import logging
import re
import traceback
from types import TracebackType

#: What OBJGW_LOG_LEVEL may be.
LEVELS = ("debug", "info", "warning", "error", "critical")
FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"

#: What could begin a new line, move the cursor or hide text: the control characters C0 (with ESC,
#: which begins ANSI escape sequences), DEL and C1; the separators of lines and paragraphs and the
#: characters that turn the direction of text; and surrogates, which cannot be encoded.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def escaped(text: str) -> str:
    """The text with control characters written as Python does in a literal: ``\\n``, ``\\x1b``."""
    return _CONTROL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


class LineFormatter(logging.Formatter):
    """One line a record, whatever is in it.

    A traceback takes more lines. They are indented, so none of them looks like a record, and what
    an exception says is escaped like any other text.
    """

    def format(self, record: logging.LogRecord) -> str:
        # Not the base class's: it keeps a formatted traceback on the record, even another
        # handler's.
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        text = escaped(self.formatMessage(record))
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            text += "\n" + _indented(record.stack_info.splitlines())
        return text

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  (the base class names it)
        lines: list[str] = []
        for part in traceback.format_exception(*ei):
            if part.startswith(("  ", "\n")):
                # A line of code, which may have more lines below it, or what joins two tracebacks.
                lines += part.strip("\n").split("\n")
            else:
                lines.append(part.removesuffix("\n"))
        return _indented(lines)


def _indented(lines: list[str]) -> str:
    return "\n".join("  " + escaped(line) for line in lines)
