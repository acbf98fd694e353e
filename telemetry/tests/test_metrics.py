"""What is counted, in one process and in several, and that labels stay few."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import metrics
from telemetry.metrics import Metrics, get_metrics
from telemetry.observations import BATCH, Observations
from telemetry.readings import Reading
from telemetry.routes import METHODS, ROUTES, route_of

Labels = frozenset[tuple[str, str]]


@pytest.fixture
def counts() -> Iterator[Metrics]:
    get_metrics.cache_clear()
    yield get_metrics()
    get_metrics.cache_clear()


def found(counts: Metrics, name: str) -> dict[Labels, float]:
    return {
        frozenset(sample.labels.items()): sample.value
        for sample in counts.samples()
        if sample.name == name
    }


def finish(
    counts: Metrics,
    method: str = "GET",
    path: str = "/object/abc",
    *,
    status: str = "200",
    problem: str = "",
    seconds: float | None = 0.003,
) -> None:
    counts.request_finished(method, path, status, problem, seconds=seconds, received=3, sent=1024)


def test_a_request_is_counted_by_method_route_status_and_problem(counts: Metrics) -> None:
    finish(counts)
    finish(counts)
    finish(counts, status="404", problem="object_not_found")
    requests = found(counts, "objgw_http_requests_total")
    common = {("method", "GET"), ("route", "object")}
    assert requests == {
        frozenset({*common, ("status", "200"), ("problem", "")}): 2,
        frozenset({*common, ("status", "404"), ("problem", "object_not_found")}): 1,
    }
    assert found(counts, "objgw_http_received_bytes_total") == {frozenset(): 9}
    assert found(counts, "objgw_http_sent_bytes_total") == {frozenset(): 3 * 1024}
    assert found(counts, "objgw_http_request_duration_seconds_count") == {frozenset(common): 3}
    buckets = found(counts, "objgw_http_request_duration_seconds_bucket")
    assert buckets[frozenset({*common, ("le", "0.0025")})] == 0
    assert buckets[frozenset({*common, ("le", "0.005")})] == 3


def test_what_was_refused_at_once_has_no_duration(counts: Metrics) -> None:
    finish(counts, status="503", problem="too_many_connections", seconds=None)
    assert sum(found(counts, "objgw_http_requests_total").values()) == 1
    assert set(found(counts, "objgw_http_request_duration_seconds_count").values()) == {0}


@given(method=st.text(), path=st.text())
def test_labels_are_few_whatever_a_client_sends(method: str, path: str) -> None:
    counts = Metrics()
    finish(counts, method, path)
    [labels] = [
        sample.labels for sample in counts.samples() if sample.name == "objgw_http_requests_total"
    ]
    assert labels["method"] in {*METHODS, "other"}
    assert labels["route"] in {*ROUTES, "root", "other"}


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/object/abc", "object"),
        ("/object/", "object"),
        ("/objects", "objects"),
        ("/objects/abc", "objects"),
        ("/metrics", "metrics"),
        ("/static/x.css", "static"),
        ("/", "root"),
        ("//", "root"),
        ("", "other"),
        ("*", "other"),
        ("/objectx", "other"),
    ],
)
def test_the_route_of_a_path(path: str, route: str) -> None:
    assert route_of(path) == route


def test_the_failures_of_a_node_begin_at_zero(counts: Metrics) -> None:
    node = counts.node("one")
    failures = found(counts, "objgw_node_request_failures_total")
    assert set(failures.values()) == {0}
    node.failed("timeout")
    node.refused()
    node.first_byte(0.2)
    failures = found(counts, "objgw_node_request_failures_total")
    assert failures[frozenset({("node", "one"), ("reason", "timeout")})] == 1
    assert sum(failures.values()) == 1
    assert set(found(counts, "objgw_node_requests_refused_total").values()) == {1}
    assert set(found(counts, "objgw_node_first_byte_seconds_sum").values()) == {0.2}


@given(st.lists(st.floats(0, 1000), max_size=3 * BATCH))
def test_many_observations_are_those_that_each_would_make(seconds: list[float]) -> None:
    counts = Metrics()
    together = Observations(counts.duration.labels("GET", "together"))
    alone = counts.duration.labels("GET", "alone")
    for each in seconds:
        together.add(each)
        alone.observe(each)
    together.settle()
    found: dict[str, dict[tuple[str, str | None], float]] = {"together": {}, "alone": {}}
    for sample in counts.samples():
        if sample.labels.get("route") in found and not sample.name.endswith("_created"):
            key = sample.name, sample.labels.get("le")
            found[sample.labels["route"]][key] = sample.value
    assert found["together"] == pytest.approx(found["alone"])
    assert len(found["alone"]) == 19


def test_what_can_be_looked_up_is_looked_up_at_each_scrape(counts: Metrics) -> None:
    ages = iter((1.0, 2.0))
    counts.sample_with(lambda them: them.connections.set(7))
    counts.read_with(lambda: [Reading("objgw_age", "x", {("a",): next(ages)}, ("node",))])
    assert found(counts, "objgw_http_connections") == {frozenset(): 7}
    assert found(counts, "objgw_age") == {frozenset({("node", "a")}): 2.0}


def test_it_is_too_late_to_say_how_when_something_was_counted(counts: Metrics) -> None:
    with pytest.raises(RuntimeError):
        metrics.configure(enabled=False)


PROCESS = """
import json, sys
from pathlib import Path
from telemetry import metrics
folder, identity, requests = sys.argv[1:]
metrics.configure(enabled=True, folder=Path(folder), identity=identity)
counts = metrics.get_metrics()
counts.sample_with(lambda them: them.workers.set(1))
counts.sample()
for _ in range(int(requests)):
    counts.request_finished("GET", "/", "200", "", seconds=1, received=0, sent=0)
print(json.dumps({sample.name: sample.value for sample in counts.samples()}), flush=True)
sys.stdin.read()
"""


class Process:
    """Counts some requests, tells the sums of all processes, and waits for its end."""

    def __init__(self, folder: Path, identity: str, requests: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder), identity, str(requests)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
        )
        assert self._process.stdout is not None
        self.sums: dict[str, float] = json.loads(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def test_what_killed_processes_counted_stays_and_successors_go_on_with_it(
    tmp_path: Path,
) -> None:
    from telemetry.folder import MetricsFolder

    folder = MetricsFolder.make(tmp_path)
    one, two = Process(folder.path, "1", 3), Process(folder.path, "2", 4)
    assert two.sums["objgw_http_requests_total"] == 7
    assert two.sums["objgw_workers"] == 2
    one.kill()
    folder.forget("1")
    files = len(list(folder.path.iterdir()))
    successor = Process(folder.path, "1", 5)
    assert successor.sums["objgw_http_requests_total"] == 12
    assert successor.sums["objgw_workers"] == 2
    successor.kill()
    folder.forget("1")
    assert len(list(folder.path.iterdir())) == files
    two.kill()
    folder.remove()
    assert not folder.path.exists()
