"""The last minutes: what was counted in which period, of all processes together, nothing twice."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import history
from telemetry.figures import BUCKETS, NOTHING, Figures, total
from telemetry.history import KEPT, SPAN, Recorder, recent
from telemetry.metrics import Metrics, get_metrics
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts() -> Iterator[Metrics]:
    get_metrics.cache_clear()
    history._own.clear()
    history._recent.cache_clear()
    yield get_metrics()
    get_metrics.cache_clear()
    history._own.clear()


def request(counts: Metrics, status: str = "200", path: str = "/object/a") -> None:
    counts.request_finished("GET", path, status, "", seconds=0.004, received=0, sent=1)


def test_requests_are_in_the_period_in_which_they_were_counted(
    counts: Metrics, clock: Clock
) -> None:
    recorder = Recorder(counts, clock=clock)
    for number in range(3):
        for _ in range(number + 1):
            request(counts)
        clock.now += SPAN
        counts.settle()
        recorder.sample()
    clock.now += SPAN
    found = [each.requests for each in recent(clock=clock).clients]
    assert found == [0] * (KEPT - 4) + [1, 2, 3, 0]


def test_the_period_that_is_not_over_is_not_told(counts: Metrics, clock: Clock) -> None:
    recorder = Recorder(counts, clock=clock)
    request(counts)
    counts.settle()
    recorder.sample()
    assert total(recent(clock=clock).clients) == NOTHING


def test_what_counts(counts: Metrics, clock: Clock) -> None:
    recorder = Recorder(counts, clock=clock)
    for status in ("200", "404", "503", "502"):
        request(counts, status)
    for path in ("/readyz", "/metrics", "/", "/static/x"):
        request(counts, path=path)
    node = counts.node("n")
    node.first_byte(0.02)
    node.first_byte(0.04)
    node.failed("status_5xx")  # has been answered, so it is one of these two
    node.failed("timeout")
    node.failed("down")
    node.refused()
    clock.now += SPAN
    counts.settle()
    recorder.sample()
    found = recent(clock=clock)
    clients = total(found.clients)
    assert (clients.requests, clients.errors) == (4, 2)
    assert clients.mean == pytest.approx(0.004)
    at_node = total(found.node("n"))
    assert (at_node.requests, at_node.errors) == (5, 4)
    assert at_node.mean == pytest.approx(0.03)
    assert total(found.node("other")) == NOTHING


def test_nothing_is_noted_while_nothing_happens(counts: Metrics, clock: Clock) -> None:
    recorder = Recorder(counts, clock=clock)
    for _ in range(10):
        clock.now += SPAN
        counts.settle()
        recorder.sample()
    assert list(history._own) == []


def test_what_is_long_ago_is_gone(counts: Metrics, clock: Clock) -> None:
    recorder = Recorder(counts, clock=clock)
    request(counts)
    clock.now += SPAN
    counts.settle()
    recorder.sample()
    clock.now += SPAN * (KEPT - 1)
    assert total(recent(clock=clock).clients).requests == 1
    clock.now += SPAN
    assert total(recent(clock=clock).clients).requests == 0


def test_what_happened_while_nobody_looked_is_put_nowhere(counts: Metrics, clock: Clock) -> None:
    """As under the development server, where nobody calls once a second."""
    recorder = Recorder(counts, clock=clock)
    request(counts)
    clock.now += 100 * SPAN
    counts.settle()
    recorder.sample()
    request(counts)
    clock.now += SPAN
    counts.settle()
    recorder.sample()
    assert total(recent(clock=clock).clients).requests == 1


_WORKER = """
import sys, time
from pathlib import Path
from telemetry import metrics
from telemetry.history import Recorder
folder, identity, path, count, start = sys.argv[1:]
metrics.configure(enabled=True, folder=Path(folder), identity=identity)
counts = metrics.get_metrics()
now = float(start)
recorder = Recorder(counts, clock=lambda: now)
for _ in range(int(count)):
    counts.request_finished(path, "/object/a", "200", "", seconds=0.01, received=0, sent=0)
    counts.node("n").first_byte(0.01)
now += 5
counts.settle()
recorder.sample()
"""

_READER = """
import json, sys
from pathlib import Path
from telemetry import metrics
from telemetry.figures import total
from telemetry.history import recent
metrics.configure(enabled=True, folder=Path(sys.argv[1]), identity="reader")
found = recent(clock=lambda: float(sys.argv[2]))
print(json.dumps([[each.requests for each in found.clients], total(found.node("n")).requests]))
"""


def python(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_all_workers_count_and_a_successor_repeats_nothing(tmp_path: Path) -> None:
    folder = str(tmp_path)
    python(_WORKER, folder, "0", "GET", "3", "1000")
    python(_WORKER, folder, "1", "GET", "5", "1000")
    # The first was killed, and another one goes on with its counts: other requests first, so what
    # the first had counted comes up late.
    python(_WORKER, folder, "0", "PUT", "7", "1005")
    python(_WORKER, folder, "0", "GET", "1", "1010")
    (tmp_path / "history-2").write_text('[201,{"":[9,0,1.0,{}]}]\n[201,{"":[100,')  # being written
    clients, at_node = json.loads(python(_READER, folder, "1022"))
    assert clients[-5:] == [0, 8, 7 + 9, 1, 0]
    assert sum(clients) == 25
    assert at_node == 16


def test_a_file_does_not_grow_for_good(tmp_path: Path) -> None:
    journal = history._File(tmp_path / "history-0")
    for number in range(10 * KEPT):
        journal.append(f"[{number},{{}}]")
        lines = (tmp_path / "history-0").read_text().splitlines()
        assert len(lines) <= 2 * KEPT
        expected = range(max(0, number + 1 - KEPT), number + 1)
        assert lines[-len(expected) :] == [f"[{each},{{}}]" for each in expected]


FIGURES = st.builds(
    Figures,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 10**6).map(float),
    st.tuples(*[st.integers(0, 5)] * (len(BUCKETS) + 1)),
)


@given(FIGURES, FIGURES)
def test_figures_can_be_added_and_written_down(one: Figures, other: Figures) -> None:
    assert one + other == other + one
    assert total([one, other, NOTHING]).requests == one.requests + other.requests
    assert Figures.from_json(json.loads(json.dumps(one.as_json()))) == one


@given(FIGURES, st.floats(0.01, 0.99))
def test_a_quantile_is_in_the_bucket_that_it_falls_in(figures: Figures, q: float) -> None:
    found = figures.quantile(q)
    count = sum(figures.buckets)
    if found is None:
        assert not count
        return
    below = 0
    for low, high, number in zip((0, *BUCKETS), BUCKETS, figures.buckets, strict=False):
        below += number
        if q * count <= below:
            assert low <= found <= high
            return
    assert found == BUCKETS[-1]
