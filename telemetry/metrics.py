"""All metrics of the gateway, named as https://prometheus.io/docs/practices/naming/ has it.

A worker counts with `get_metrics`, and what can be looked up is not counted but asked for: once a
second, and at each scrape. Labels have few values that are known beforehand: never an id, a path or
anything else that a client may choose. Nodes are the most that grows: one value each.

Does not import Django: the server needs it before Django is there.
"""

import os
from collections import Counter as CountOf
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue

from telemetry.figures import BUCKETS, CLIENTS, Tally
from telemetry.observations import BATCH, Observations
from telemetry.readings import Asked, Merged, Reading, Sample
from telemetry.routes import METHODS, OTHER, route_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


#: Requests for objects, and not of whoever watches the gateway.
_OBJECTS = frozenset({"object", "objects"})


@dataclass(slots=True)
class _Configured:
    folder: Path | None = None
    identity: str = ""
    enabled: bool = True


_configured = _Configured()


def configure(*, enabled: bool, folder: Path | None = None, identity: str = "") -> None:
    """Say how this process counts. To be called before the first metric is made.

    :param enabled: False for not at all.
    :param folder: that the processes share whose counts are to be added up; None for one process.
    :param identity: of this process among them. A process may take over the identity of one that
        has ended, and then goes on with its counts.
    :raises RuntimeError: when there are metrics already.
    """
    if get_metrics.cache_info().currsize:
        raise RuntimeError("the metrics of this process have been made already")
    _configured.enabled, _configured.folder, _configured.identity = enabled, folder, identity
    if folder is not None:
        # Read by the library when a value is made.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        # The library's way to name another identity than the pid (its README, on uWSGI).
        values.ValueClass = MultiProcessValue(process_identifier=lambda: identity)


def is_enabled() -> bool:
    """Whether this process counts."""
    return _configured.enabled


def shared_by() -> tuple[Path | None, str]:
    """The folder that the processes share whose counts are added up, and what stands for this
    process among them; None and "" for one process.
    """
    return _configured.folder, _configured.identity


class NodeMetrics:
    """The metrics of one node, in this process."""

    __slots__ = ("_count_refused", "_failures", "_name", "_tally", "first_byte", "observations")

    def __init__(self, metrics: "Metrics", name: str) -> None:
        self._name = name
        self._failures = metrics.node_failures
        self._tally = metrics.tallies.setdefault(name, Tally())
        #: Seconds from the request to the first byte of the answer.
        self.observations = Observations(metrics.node_first_byte.labels(name), self._tally)
        self.first_byte = self.observations.add
        self._count_refused = metrics.node_refused.labels(name).inc
        for reason in ("down", "unavailable", "timeout", "bad_answer", "status_5xx"):
            self._failures.labels(name, reason)

    def refused(self) -> None:
        """A request was not sent, because too many wait."""
        self._count_refused()
        self._tally.unanswered()
        self._tally.failed()

    def failed(self, reason: str) -> None:
        """A request without an answer that can be used.

        :param reason: ``down`` (not sent, for discovery says so), ``unavailable``, ``timeout``,
            ``bad_answer`` or ``status_5xx``.
        """
        self._failures.labels(self._name, reason).inc()
        if reason != "status_5xx":  # that one has been answered
            self._tally.unanswered()
        self._tally.failed()


class Metrics:
    """What this process counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "objgw_http_requests_total",
            "Requests answered, by the code of the problem document, if it was one.",
            ["method", "route", "status", "problem"],
            registry=registry,
        )
        self.duration = Histogram(
            "objgw_http_request_duration_seconds",
            "Time from the head of a request to the last byte of its answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.received = Counter(
            "objgw_http_received_bytes_total",
            "Bytes of bodies that clients sent.",
            registry=registry,
        )
        self.sent = Counter(
            "objgw_http_sent_bytes_total",
            "Bytes of bodies that were sent to clients.",
            registry=registry,
        )
        self.in_flight = Gauge(
            "objgw_http_requests_in_flight",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.connections = Gauge(
            "objgw_http_connections",
            "Connections of clients.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.workers = Gauge(
            "objgw_workers",
            "Worker processes that serve.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.node_first_byte = Histogram(
            "objgw_node_first_byte_seconds",
            "Time from a request to a node to the first byte of its answer.",
            ["node"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.node_failures = Counter(
            "objgw_node_request_failures_total",
            "Requests to a node without an answer that can be used.",
            ["node", "reason"],
            registry=registry,
        )
        self.node_refused = Counter(
            "objgw_node_requests_refused_total",
            "Requests not sent to a node, because too many wait for it.",
            ["node"],
            registry=registry,
        )
        self.node_in_flight = Gauge(
            "objgw_node_requests_in_flight",
            "Requests to a node whose answer is not complete.",
            ["node"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.node_waiting = Gauge(
            "objgw_node_requests_waiting",
            "Requests that wait for a node to say something.",
            ["node"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.discoveries = Counter(
            "objgw_discoveries_total", "Discoveries of the nodes.", registry=registry
        )
        self.discovery_failures = Counter(
            "objgw_discovery_failures_total",
            "Discoveries of the nodes that failed.",
            registry=registry,
        )
        self.snapshot_timestamp = Gauge(
            "objgw_snapshot_timestamp_seconds",
            "When the nodes were discovered: the oldest snapshot that a worker routes by.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        #: What the status page tells of: clients' requests (`CLIENTS`), and those to each node.
        self.tallies = {CLIENTS: Tally()}
        self._samplers: list[Callable[[Metrics], None]] = []
        self._readers: list[Callable[[], Iterable[Reading]]] = []
        self._finished: list[tuple[str, str, str, str, float | None, int, int]] = []
        self._durations: dict[tuple[str, str], Observations] = {}
        self._nodes: dict[str, NodeMetrics] = {}
        # Opens the file of histograms. Later there may be no descriptor left for it.
        self.duration.labels("GET", "object")

    def request_finished(
        self,
        method: str,
        path: str,
        status: str,
        problem: str,
        *,
        seconds: float | None,
        received: int,
        sent: int,
    ) -> None:
        """Count one request, within a second or with the next `BATCH`.

        :param method: as it came, likewise ``path``; "" for what could not be read.
        :param status: three digits.
        :param problem: the code of the problem document that was the answer, "" for none.
        :param seconds: that it took, None when it was refused without being looked at.
        :param received: bytes of its body, and of that of the answer: ``sent``.
        """
        self._finished.append((method, path, status, problem, seconds, received, sent))
        if len(self._finished) >= BATCH:
            self._settle_requests()

    def _settle_requests(self) -> None:
        finished, self._finished = self._finished, []
        requests: CountOf[tuple[str, str, str, str]] = CountOf()
        received = sent = 0
        for method, path, status, problem, seconds, bytes_in, bytes_out in finished:
            key = (method if method in METHODS else OTHER), route_of(path)
            requests[*key, status, problem] += 1
            if seconds is not None:
                if key not in self._durations:
                    self._durations[key] = Observations(self.duration.labels(*key))
                self._durations[key].add(seconds)
            if key[1] in _OBJECTS:
                self._tell_of(status, seconds)
            received += bytes_in
            sent += bytes_out
        for labels, number in requests.items():
            self.requests.labels(*labels).inc(number)
        self.received.inc(received)
        self.sent.inc(sent)

    def _tell_of(self, status: str, seconds: float | None) -> None:
        clients = self.tallies[CLIENTS]
        if seconds is None:
            clients.unanswered()
        else:
            clients.answered(seconds)
        if status.startswith("5"):
            clients.failed()

    def settle(self) -> None:
        """Count what has not been counted yet; to be called once a second, and at the end."""
        if self._finished:
            self._settle_requests()
        for durations in self._durations.values():
            durations.settle()
        for node in self._nodes.values():
            node.observations.settle()

    def node(self, name: str) -> NodeMetrics:
        """Those of one node."""
        return self._nodes.setdefault(name, NodeMetrics(self, name))

    def sample_with(self, sampler: Callable[["Metrics"], None]) -> None:
        """Have ``sampler`` set gauges of this process, once a second and before each scrape."""
        self._samplers.append(sampler)

    def read_with(self, reader: Callable[[], Iterable[Reading]]) -> None:
        """Ask ``reader`` at each scrape, in the process that answers it, for further gauges.

        They are to be the same whichever process answers.
        """
        self._readers.append(reader)

    def sample(self) -> None:
        """`settle`, and set the gauges of this process; to be called once a second."""
        self.settle()
        for sampler in self._samplers:
            sampler(self)

    def exposition(self) -> bytes:
        """What Prometheus reads, of all processes together, in `CONTENT_TYPE`."""
        return bytes(generate_latest(self._all()))

    def samples(self) -> Iterator[Sample]:
        """The same as numbers."""
        for metric in self._all().collect():
            for sample in metric.samples:
                yield Sample(sample.name, sample.labels, sample.value)

    def _all(self) -> CollectorRegistry:
        self.sample()
        registry = CollectorRegistry()
        if _configured.folder is None:
            registry.register(Merged(self.registry))
        else:
            MultiProcessCollector(registry, path=str(_configured.folder))
        registry.register(Asked(self._readers))
        return registry


@lru_cache(maxsize=1)
def get_metrics() -> Metrics:
    """The metrics of this process."""
    return Metrics()


def node_metrics(name: str) -> NodeMetrics | None:
    """Those of one node, None where nothing is counted."""
    return get_metrics().node(name) if is_enabled() else None
