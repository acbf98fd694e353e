"""What the status page says, and how it draws."""

import re

import pytest

from nodes.membership import Snapshot, Status
from objgw_site.status.drawing import bar, sparkline
from objgw_site.status.page import RELOAD, _in_words, _verdict, reload_after, traffic
from objgw_site.status.report import NodeReport
from telemetry.figures import BUCKETS, NOTHING, Figures
from telemetry.history import KEPT

UP = NodeReport(0, "a", "192.0.2.1:9000", "running", True, None, 0.5)
DOWN = NodeReport(1, "b", None, "exited", False, "its container is exited", 0.5)
KNOWN = Status(Snapshot((), 0.0), None)
STALE = Status(Snapshot((), 0.0), "Docker does not answer")


@pytest.mark.parametrize(
    ("status", "reports", "refusal", "mood", "text", "more"),
    [
        (KNOWN, [UP], "", "good", "The one node can serve.", ""),
        (KNOWN, [UP, UP], "", "good", "All 2 nodes can serve.", ""),
        (KNOWN, [UP, DOWN], "", "bad", "1 of 2 nodes can serve. Down: b", ""),
        (KNOWN, [DOWN], "", "bad", "None of 1 nodes can serve. Down: b", ""),
        (STALE, [UP], "", "warn", "The one node can serve.", "Docker does not answer"),
        (STALE, [UP, DOWN], "", "bad", "1 of 2 nodes can serve. Down: b", "Docker does not answer"),
        (Status(None, "x"), [], "Not known.", "bad", "object can be answered: Not known.", ""),
        (KNOWN, [UP], "2 are expected.", "bad", "answered: 2 are expected.", ""),
    ],
)
def test_the_verdict(
    status: Status, reports: list[NodeReport], refusal: str, mood: str, text: str, more: str
) -> None:
    found = _verdict(status, reports, refusal)
    assert found.mood == mood
    assert text in found.text
    assert more in found.more
    assert bool(found.more) == bool(more)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, RELOAD), ("0", 0), ("60", 60), ("3601", RELOAD), ("-1", RELOAD), ("x", RELOAD)],
)
def test_when_to_load_it_anew(asked: str | None, seconds: int) -> None:
    assert reload_after(asked) == seconds


@pytest.mark.parametrize("asked", ["9" * 5000, "\u0661", "", "1.5"])
def test_what_is_no_time_to_load_it_anew(asked: str) -> None:
    assert reload_after(asked) == RELOAD


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 minutes"), (7200, "2 hours"), (259_200, "3 days")],
)
def test_ages_in_words(seconds: float, words: str) -> None:
    assert _in_words(seconds) == words


def heights(svg: str) -> list[float]:
    drawn = svg.split('class="floor"')[1].partition("/>")[2]
    return [float(height) for height in re.findall(r'height="([\d.]+)"', drawn)]


def test_a_sparkline_has_a_bar_for_each_value_that_is_something() -> None:
    svg = sparkline([0, None, 5, 10, 0.001], "what <it> shows", "rate")
    assert heights(svg) == [18.0, 36.0, 1.5]
    assert 'aria-label="what &lt;it&gt; shows"' in svg
    assert 'role="img"' in svg


def test_a_sparkline_of_nothing() -> None:
    assert heights(sparkline([0, None], "nothing", "rate")) == []


@pytest.mark.parametrize(
    ("part", "most", "width"), [(1, 2, "50.00"), (2, 2, "100.00"), (0, 0, "0")]
)
def test_a_bar(part: float, most: float, width: str) -> None:
    assert f'width="{width}' in bar(part, most, "share").split('class="floor"')[1]


def test_traffic_in_words() -> None:
    some = Figures(100, 3, 1.0, (50, 0, 0, 49, 1) + (0,) * (len(BUCKETS) - 4))
    found = traffic([NOTHING] * (KEPT - 1) + [some], "of a")
    assert (found.requests, found.rate, found.errors) == ("100", "20.0/s now", "3 (3.0%)")
    assert found.failing
    assert found.typical == "1.00 ms"
    assert found.slowest == "10.0 ms"
    assert "of a in the last 5 minutes: 20.0 at the end, 20.0 at most" in found.rates
    assert "10.0 ms at most" in found.times


def test_no_traffic() -> None:
    found = traffic([NOTHING] * KEPT, "of a")
    assert (found.requests, found.errors, found.typical, found.slowest) == ("0", "0", "-", "-")
    assert not found.failing
    assert "none was made" in found.times


def test_only_errors() -> None:
    found = traffic([NOTHING, Figures(2, 2)], "of a")
    assert (found.errors, found.typical) == ("2 (100.0%)", "-")
