"""Tables fit the terminal and are whole elsewhere; colours come only where they are wanted."""

import io
import re

import pytest

from terminal.tables import Cell, Look, table

ROWS: list[list[str | Cell]] = [
    ["amazin-object-storage-node-1", Cell("no: it cannot be reached " * 3, "bad"), "12"]
]
HEAD = ("NAME", "HEALTHY", "COUNT")
PIPE = Look(live=False, colour=False, width=100_000)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_each_row_is_one_line_of_fields_two_spaces_apart() -> None:
    head, row = table(HEAD, ROWS, PIPE, numbers=1).split("\n")
    assert re.split(r" {2,}", head) == ["NAME", "HEALTHY", "COUNT"]
    assert row.startswith("amazin-object-storage-node-1  no: it cannot")
    assert row.endswith("12")
    assert "\x1b" not in row


def test_on_a_terminal_it_fits_and_nothing_is_left_out() -> None:
    text = table(HEAD, ROWS, Look(live=True, colour=False, width=60), numbers=1)
    assert max(map(len, text.split("\n"))) <= 60
    assert text.count("reached") == 3


@pytest.mark.parametrize("width", [50, 20])
def test_lines_of_prose_are_broken_first(width: int) -> None:
    look = Look(live=True, colour=False, width=width)
    text = table(HEAD, ROWS, look, numbers=1, prose="HEALTHY")
    assert max(map(len, text.split("\n"))) <= width
    whole = "amazin-object-storage-node-1" in text
    assert whole == (width == 50)


def test_no_brackets_are_taken_for_markup() -> None:
    assert "[red]x[/red] [::1]:9000" in table(("A",), [["[red]x[/red] [::1]:9000"]], PIPE)


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Look.of(Terminal()).colour
    assert "\x1b[1;31mno" in table(HEAD, ROWS, Look.of(Terminal()))
    assert not Look.of(io.StringIO()).colour
    assert Look.of(io.StringIO(), force_colour=True).colour
    assert not Look.of(Terminal(), no_colour=True).colour


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_none_are_wanted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    look = Look.of(Terminal())
    assert look.live
    assert "\x1b[" not in table(HEAD, ROWS, look)


def test_an_empty_no_color_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "")
    assert Look.of(Terminal()).colour
