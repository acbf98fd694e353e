"""Amounts, plans and progress in words."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from objects.layout import Layout, Member
from objects.layout.placement import Placement
from objects.moving.one import Outcome
from objects.moving.progress import Progress
from objects.moving.survey import Survey
from objects.moving.views import Bar, Lines, line_of
from objects.moving.whereabouts import Amount
from objects.moving.words import bytes_of, members_of, plan_of, size_of, time_of
from objects.store import Entry

NODE = "amazin-object-storage-node"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (2**40, "1.0 TiB")],
)
def test_sizes(number: int, text: str) -> None:
    assert size_of(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61, "1:01"), (3599.6, "1:00:00"), (36_000, "10:00:00")]
)
def test_durations(seconds: float, text: str) -> None:
    assert time_of(seconds) == text


@given(st.integers(1, 10**6), st.sampled_from(["", "K", "KiB", "m", "MiB", "G", "TB"]))
def test_numbers_of_bytes_are_read(number: int, unit: str) -> None:
    exponent = " KMGT".index((unit or " ")[0].upper())
    assert bytes_of(f"{number}{unit}") == number * 1024**exponent


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5M", "many", "1X", "1 MiB/s"])
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no number of bytes"):
        bytes_of(text)


def test_a_plan_fits_a_terminal() -> None:
    names = [f"{NODE}-{number}" for number in range(1, 5)]
    layout = Layout.adopted("rendezvous", names[:3])
    layout = layout.changed("ring", [Member(name) for name in names[1:]])
    found = Survey(
        flows={(names[0], name): Amount(1_234_567, 2**40) for name in names[1:]},
        kept=Amount(10**7, 2**45),
        unlisted={names[0]: "cannot be reached: Connection refused"},
    )
    found.misplaced.note(names[2], Entry("a" * 32, 3, '"tag"', ""))
    lines = "\n".join(plan_of(found, Placement(layout), 2**20)).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "to move 3,703,701 objects, 3.0 TiB (27.0% of 13,703,701)" in lines
    assert "at 1.0 MiB/s, the bytes take 873:48:48" in lines
    assert f"  {'a' * 32} on {names[2]}" in lines
    assert f"not counted: {names[0]} cannot be reached: Connection refused" in lines
    table = members_of(layout, dict.fromkeys(names, "127.0.0.1:9000"))
    assert max(len(line) for line in table.splitlines()) <= 80
    assert "leaves" in table.splitlines()[1]
    assert "joins" in table.splitlines()[4]


def test_a_plan_says_how_much_is_lost() -> None:
    layout = Layout.adopted("modulo", ["a", "b", "c", "d"])
    layout = layout.changed("modulo", layout.members[1:], lost=["a"])
    lines = list(plan_of(Survey(kept=Amount(300, 300)), Placement(layout), None))
    assert "lost    a: 25.0% of the ids, about 100 objects" in lines


def test_progress_is_said_at_its_end_and_seldom_before() -> None:
    said: list[str] = []
    lines = Lines(said.append)
    progress = Progress()
    progress.total = Amount(1000, 5000)
    for _ in range(1000):
        progress.moved(Outcome.MOVED, 5)
        lines.progress(progress)
    assert len(said) == 2
    assert said[-1].startswith("moved 1,000 of 1,000 objects, 4.9 KiB of 4.9 KiB, ")
    assert progress.outcomes == {Outcome.MOVED: 1000}
    assert len(line_of(progress)) <= 100


def test_what_is_waited_for_is_said_once() -> None:
    said: list[str] = []
    lines = Lines(said.append)
    for reason in ["node-1 is down"] * 50 + ["node-2 is down"] * 50:
        lines.waiting(reason)
    assert said == ["waiting: node-1 is down", "waiting: node-2 is down"]


def test_a_bar_has_objects_bytes_rate_and_time_left() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=200, highlight=False, markup=False)
    progress = Progress()
    progress.total = Amount(4000, 4 * 2**20)
    progress.began -= 1000
    with Bar(console) as bar:
        bar.entered(Layout.adopted("modulo", ["node-1"]))
        bar.waiting("[node-1] is down")
        bar.waiting("[node-1] is down")
        for _ in range(1000):
            progress.moved(Outcome.MOVED, 1024)
        bar.progress(progress)
    text = Text.from_ansi(output.getvalue()).plain
    assert text.count("waiting: [node-1] is down") == 1
    assert "layout 1: stable, router modulo" in text
    assert re.search(r"1,000/4,000 1000\.0 KiB 1\.0 KiB/s, 51:\d\d left", text), text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
