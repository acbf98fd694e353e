"""Nothing that is logged looks like another line of the log, or does anything to a terminal."""

import json
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.logs import escaped, formatter, utc

FORGED = "2026-11-24 00:00:00,000 ERROR objgw.forged [-] the house is on fire"
RECORD = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2} ", re.MULTILINE)


def line(message: str, *args: object, exc_info: bool = False, stack: str | None = None) -> str:
    record = logging.LogRecord(
        "objgw.test",
        logging.WARNING,
        __file__,
        1,
        message,
        args,
        sys.exc_info() if exc_info else None,
        sinfo=stack,
    )
    return formatted(record)


def formatted(record: logging.LogRecord, form: str = "console") -> str:
    record.request_id = "the-id"
    return formatter(form).format(record)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with \u00fc and \u4e2d", "plain, with \u00fc and \u4e2d"),
        ("a\nb\r\nc", "a\\nb\\r\\nc"),
        ("tab\there", "tab\\there"),
        ("\x00\x07\x08\x7f", "\\x00\\x07\\x08\\x7f"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x85\x9b31m", "\\x85\\x9b31m"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800 \udfff", "\\ud800 \\udfff"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown
    for written in (line(text), line("%s", text), line(f"node {text}: %d", 1)):
        assert shown in written
        assert len(written.splitlines()) == 1
        written.encode()


def test_every_control_character() -> None:
    controls = [*range(32), *range(127, 160), 0x2028, 0x2029, *range(0xD800, 0xE000)]
    written = line("%s", "".join(map(chr, controls)))
    assert written.isprintable()
    assert written.isascii()


def test_a_line_is_what_it_was() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARNING  objgw.test       \[the-id\] 7 of 9",
        line("%d of %d", 7, 9),
    )


class TestTracebacks:
    def test_they_stay_readable(self) -> None:
        try:
            try:
                int("x")
            except ValueError as error:
                raise KeyError("hidden") from error
        except KeyError:
            written = line("unexpected", exc_info=True)
        first, *rest = written.splitlines()
        assert first.endswith("] unexpected")
        assert rest[0] == "  Traceback (most recent call last):"
        assert '                int("x")' in "\n".join(rest) or any("int(" in each for each in rest)
        assert "  ValueError: invalid literal for int() with base 10: 'x'" in rest
        assert "  The above exception was the direct cause of the following exception:" in rest
        assert rest[-1] == "  KeyError: 'hidden'"

    @pytest.mark.parametrize("separator", ["\n", "\r", "\r\n", "\u2028", "\x85"])
    def test_what_an_exception_says_forges_nothing(self, separator: str) -> None:
        try:
            raise ValueError(f"bad{separator}{FORGED}{separator}  File \x1b[31m")
        except ValueError as error:
            error.add_note(f"noted{separator}{FORGED}")
            written = line("unexpected", exc_info=True)
        assert len(RECORD.findall(written)) == 1
        assert "\x1b" not in written
        (message,) = [each for each in written.splitlines() if "ValueError: bad" in each]
        assert (
            message
            == f"  ValueError: {escaped(f'bad{separator}{FORGED}{separator}  File ')}\\x1b[31m"
        )

    def test_nor_does_a_group_of_them(self) -> None:
        try:
            raise ExceptionGroup(f"many\n{FORGED}", [ValueError(f"one\n{FORGED}")])
        except ExceptionGroup:
            written = line("unexpected", exc_info=True)
        assert len(RECORD.findall(written)) == 1

    def test_nor_does_one_that_another_handler_formatted(self) -> None:
        record = logging.LogRecord("objgw", logging.ERROR, __file__, 1, "x", (), None)
        record.exc_text = FORGED
        assert "on fire" not in formatted(record)

    def test_nor_a_stack(self) -> None:
        assert len(RECORD.findall(line("here", stack=f"Stack:\n{FORGED}"))) == 1


class TestJson:
    def record(self, message: str, **more: object) -> logging.LogRecord:
        record = logging.LogRecord("objgw.test", logging.WARNING, "", 1, message, (), None)
        record.created = 1_700_000_000.25
        vars(record).update(more)
        return record

    def test_a_line_is_one_object(self) -> None:
        line = formatted(self.record("two\nlines"), "json")
        assert json.loads(line) == {
            "timestamp": "2023-11-14T22:13:20.250Z",
            "level": "warning",
            "logger": "objgw.test",
            "request_id": "the-id",
            "event": "two\nlines",
        }
        assert len(line.splitlines()) == 1

    def test_what_failed_is_a_field_of_its_own(self) -> None:
        record = self.record("x", source="node one", problem="503 node_unavailable", other=1)
        found = json.loads(formatted(record, "json"))
        assert (found["source"], found["problem"]) == ("node one", "503 node_unavailable")
        assert "other" not in found
        assert "source" not in formatted(record)

    @given(text=st.text())
    def test_nothing_ends_a_line_or_moves_the_cursor(self, text: str) -> None:
        line = formatted(self.record(text.replace("%", "")), "json")
        assert line.isprintable()
        assert line.isascii()
        assert json.loads(line)["event"] == text.replace("%", "")

    def test_every_control_character(self) -> None:
        controls = [*range(32), *range(127, 160), 0x2028, 0x2029, *range(0xD800, 0xE000)]
        line = formatted(self.record("".join(map(chr, controls))), "json")
        assert line.isprintable()
        assert line.isascii()

    def test_an_exception_is_told_with_its_cause(self) -> None:
        try:
            try:
                int("x")
            except ValueError as error:
                raise KeyError("hidden") from error
        except KeyError:
            record = self.record("unexpected", exc_info=sys.exc_info())
        found = json.loads(formatted(record, "json"))
        assert found["exception"].startswith("Traceback (most recent call last):\n")
        assert "ValueError: invalid literal" in found["exception"]
        assert found["exception"].endswith("KeyError: 'hidden'\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.9996, "2023-11-14T22:13:20.999Z"),
        (1_700_000_001.0, "2023-11-14T22:13:21.000Z"),
    ],
)
def test_the_time_is_utc_to_the_millisecond(seconds: float, text: str) -> None:
    assert utc(seconds) == text
