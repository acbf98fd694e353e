"""Tables for people, which programs can split into fields as well."""

import io
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Wide enough for any line: what goes to a file or a program is not broken into lines.
_ENDLESS = 100_000
# Columns for prose without which it is better to break all lines.
_LEAST = 8


@dataclass(frozen=True, slots=True)
class Look:
    """How output may look.

    :ivar live: whether it can be written over: it goes to a terminal.
    :ivar width: columns.
    """

    live: bool
    colour: bool
    width: int

    @classmethod
    def of(cls, stream: TextIO, *, no_colour: bool = False, force_colour: bool = False) -> "Look":
        """What goes to a terminal fits it, and has colours unless NO_COLOR is set
        (https://no-color.org) or the terminal has none.
        """
        live = stream.isatty()
        plain = no_colour or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        width = shutil.get_terminal_size().columns if live else _ENDLESS
        return cls(live, force_colour or (live and not plain), width)


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a meaning, which a colour shows in addition.

    :ivar mood: ``good``, ``bad``, ``quiet``, or "" for none.
    """

    text: str
    mood: str = ""


_STYLES = {"good": "green", "bad": "bold red", "quiet": "dim", "": ""}


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    look: Look,
    *,
    numbers: int = 0,
    prose: str = "",
) -> str:
    """A table whose columns are two spaces apart. Lines are broken to fit; nothing is left out.

    :param numbers: how many columns, the last ones, have numbers: they are set to the right.
    :param prose: the title of the column whose lines are broken, if that is enough.
    """
    cells = [[each if isinstance(each, Cell) else Cell(each) for each in row] for row in rows]
    others = [
        max(len(title), *(len(row[place].text) for row in cells), 0) + 2
        for place, title in enumerate(head)
        if title != prose
    ]
    enough = sum(others) + _LEAST <= look.width
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, title in enumerate(head):
        right = place >= len(head) - numbers
        drawn.add_column(
            title,
            overflow="fold",
            justify="right" if right else "left",
            no_wrap=enough and title != prose,
        )
    for row in cells:
        drawn.add_row(*(Text(each.text, style=_STYLES[each.mood]) for each in row))
    console = console_of(io.StringIO(), look)
    with console.capture() as capture:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


def console_of(stream: TextIO, look: Look) -> Console:
    """A console of the library that writes to a stream."""
    return Console(
        file=stream,
        force_terminal=look.colour or look.live,
        color_system="standard" if look.colour else None,
        no_color=not look.colour,
        width=look.width,
        highlight=False,
        markup=False,
        legacy_windows=False,
    )
