"""Measuring in rounds: A B C, then B C A, so that what disturbs one disturbs all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import heads, transfer, wrk
from benchmarks.cases import KIB, MIB, Case
from benchmarks.load import Load
from benchmarks.processes import ProcessTree
from benchmarks.servers import Server


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often.

    :ivar seconds: of load in each round.
    :ivar scale: the part of all ids that is used.
    :ivar large: bodies a connection in each round, for those whose number is fixed.
    """

    rounds: int
    seconds: int
    scale: float
    large: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one server in one case.

    :ivar cpu: seconds of the server's processes.
    :ivar nodes_cpu: seconds of the processes of the nodes behind it, None where there are none.
    :ivar peak: the most bytes resident in one of its workers, None for one without workers.
    """

    load: Load
    size: int
    cpu: float | None
    nodes_cpu: float | None
    peak: int | None

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.load.requests / self.load.seconds

    @property
    def throughput(self) -> float:
        """MiB a second."""
        return self.rate * self.size / MIB

    @property
    def cpu_per_request(self) -> float | None:
        return None if self.cpu is None else self.cpu / self.load.requests

    @property
    def nodes_cpu_per_request(self) -> float | None:
        return None if self.nodes_cpu is None else self.nodes_cpu / self.load.requests

    @property
    def cpu_per_gib(self) -> float | None:
        if self.cpu is None or self.size < 64 * KIB:
            return None
        return self.cpu / (self.load.requests * self.size / 2**30)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the least and the most."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Outcome:
    """All rounds of one case, by server, the rounds in the same order for each."""

    case: Case
    samples: Mapping[str, Sequence[Sample]]

    def spread(self, server: str, value: Callable[[Sample], float | None]) -> Spread | None:
        """The spread of a value over the rounds, None where there is none."""
        values = [found for sample in self.samples[server] if (found := value(sample)) is not None]
        return Spread.of(values) if values else None

    def ratio(self, server: str, other: str) -> Spread:
        """How a server's rate compares with another's, round by round."""
        pairs = zip(self.samples[server], self.samples[other], strict=True)
        return Spread.of([one.rate / two.rate for one, two in pairs])


def measure(servers: Sequence[Server], case: Case, plan: Plan, folder: Path) -> Outcome:
    """Load all servers with one case, interleaved.

    :param folder: for the lists of request targets.
    :raises CannotMeasure: when any answer is not what it has to be.
    """
    ids = case.ids(plan.scale)
    body = b"x" * case.size
    samples: dict[str, list[Sample]] = {server.name: [] for server in servers}
    lists = {server.name: _targets(server, case, ids, folder) for server in servers}
    for server in servers:
        server.check(case, ids[0], body)
    for number in range(plan.rounds):
        turn = number % len(servers)
        for server in (*servers[turn:], *servers[:turn]):
            samples[server.name].append(_sample(server, case, ids, lists[server.name], plan))
    for server in servers:
        server.check(case, ids[-1], body)
    return Outcome(case, samples)


def _targets(server: Server, case: Case, ids: Sequence[str], folder: Path) -> Path:
    path = folder / f"{server.name}-{case.key}.txt"
    if not case.large:
        path.write_text("\n".join(server.target(case.method, object_id) for object_id in ids))
    return path


def _sample(server: Server, case: Case, ids: list[str], targets: Path, plan: Plan) -> Sample:
    processes = server.processes
    before = 0.0
    if processes is not None:
        processes.reset_peaks()
        before = processes.cpu_seconds()
    nodes_before = _cpu_seconds(server.nodes)
    if case.large:
        count = max(case.connections, plan.large)
        wanted = (ids * (count // len(ids) + 1))[:count]
        load = transfer.load(server, case.method, case.size, wanted, connections=case.connections)
    elif case.method == "HEAD":
        load = heads.load(server, targets.read_text().split(), case.connections, plan.seconds)
    else:
        load = wrk.load(server, case, targets, plan.seconds)
    size = 0 if case.missing or case.method == "HEAD" else case.size
    nodes_cpu = _cpu_seconds(server.nodes) - nodes_before if server.nodes else None
    if processes is None:
        return Sample(load, size, None, nodes_cpu, None)
    cpu = processes.cpu_seconds() - before
    return Sample(load, size, cpu, nodes_cpu, max(processes.peaks().values(), default=None))


def _cpu_seconds(trees: Sequence[ProcessTree]) -> float:
    return sum(tree.cpu_seconds() for tree in trees)
