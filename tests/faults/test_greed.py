"""Clients, and nodes, that do their worst: the others go on as before, and nothing is left."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from tests.faults import hostile
from tests.faults.beside import running_beside
from tests.faults.bodies import MIB
from tests.faults.cluster import Cluster
from tests.faults.conftest import RunCluster
from tests.faults.greed import KINDS
from tests.faults.load import Lane, Round, Sample, figures, measured, percentile
from tests.faults.procfs import connections, holdings, unfinished_uploads
from tests.faults.table import SHORT, Outcome, cases
from tests.functional.stored import BUCKET, owner_of, s3_client
from tests.support.client import random_id
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(300)]

SECONDS = 3.0 if SHORT else 20.0
OTHERS = 20
PERIOD = 0.1
#: Seconds after which nobody would call it slow any more, even on a machine that is busy.
FROZEN = 15.0
#: Connections of each of the two workers.
SLOTS = 200
HOSTILE = "requests to a hostile node"
DOWNLOADS = "downloads that take nothing"
#: No attack on the gateway: what the node alone makes of the same requests.
PAST_IT = "downloads from the node itself"
#: So much more of it may be due to the gateway.
OWN_PART = 1.5


@dataclass
class Report:
    """What an attacker says at its end, see `tests.faults.greed`."""

    ended: int = 0
    most: int = 0


@contextlib.contextmanager
def attacked(
    cluster: Cluster, kind: str, target: str, address: str | None = None
) -> Iterator[Report]:
    """An attacker is at it inside of the block; its report is there behind it.

    :param address: of what is attacked, if not of the gateway.
    """
    address = address or f"{cluster.gateway.host}:{cluster.gateway.port}"
    report = Report()
    with running_beside("tests.faults.greed", kind, address, target) as program:
        assert program.ready == "begun"
        yield report
    found = json.loads(program.report)
    report.ended, report.most = found["ended"], found["most"]


def others(cluster: Cluster, ids: list[str], seconds: float) -> list[float]:
    address = (cluster.gateway.host, cluster.gateway.port)
    lanes = [Lane(i, address, ids[i % len(ids)], PERIOD) for i in range(OTHERS)]
    samples: list[Sample] = asyncio.run(measured(lanes, seconds))
    assert {sample.status for sample in samples} == {200}
    latencies = [sample.seconds for sample in samples]
    assert max(latencies) < FROZEN
    return latencies


@dataclass(frozen=True)
class Held:
    """What the gateway's processes hold, but for connections to nodes, which they keep.

    :ivar files: open files that are no sockets; among them those in which uploads wait.
    :ivar uploads: that nodes have and that nobody completes.
    """

    files: int
    threads: int
    clients: int
    uploads: int

    @classmethod
    def by(cls, cluster: Cluster) -> "Held":
        pids = [cluster.gateway.pid, *cluster.gateway.worker_pids()]
        return cls(
            sum(1 for pid in pids for link in links(pid) if not link.startswith("socket:")),
            holdings(pids, []).threads,
            connections(cluster.gateway.port),
            sum(len(unfinished_uploads(node.node)) for node in cluster.nodes),
        )

    def exceeds(self, other: "Held") -> bool:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return any(now > before for now, before in pairs)


def links(pid: int) -> Iterator[str]:
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(path.readlink())


def latencies_past_the_gateway(cluster: Cluster, ids: list[str], target: str) -> list[float]:
    """Of others, while the node of an object is asked for it without the gateway."""
    owner = owner_of(target, cluster.nodes).node
    with s3_client(owner) as client:
        path = client.presigned_get_object(BUCKET, target).split(owner.endpoint)[1]
    with attacked(cluster, PAST_IT, path, owner.endpoint):
        return others(cluster, ids, SECONDS)


def spared(
    cluster: Cluster,
    ids: list[str],
    kind: str,
    target: str,
    outcome: Outcome,
    nodes_part: Sequence[float] | Callable[[], Sequence[float]] = (),
) -> None:
    """Attack; others are served by the same workers, and all is as it was afterwards.

    :param nodes_part: latencies of others when it is only nodes that make them slow, which have the
        same few cores here; or what measures them.
    """
    client = cluster.client
    others(cluster, ids, SECONDS / 2)  # connections, caches, code: all warm
    assert client.put(ids[0], b"x" * 1024).status == 201
    seconds_until(lambda: connections(cluster.gateway.port) == 0, "the gateway has no client")
    workers = cluster.gateway.worker_pids()
    before = Held.by(cluster)
    without = others(cluster, ids, SECONDS / 2)
    with attacked(cluster, kind, target) as report:
        with_attack = others(cluster, ids, SECONDS)
        assert client.request("GET", "/livez").status == 200
        stored = client.put(ids[0], b"y" * 1024)
        assert stored.status == 201, stored
    outcome.recovery = seconds_until(
        lambda: not Held.by(cluster).exceeds(before), f"no more is held than before ({before})"
    )
    without += others(cluster, ids, SECONDS / 2)
    assert cluster.gateway.worker_pids() == workers
    log = cluster.gateway.logged()
    assert "Traceback" not in log
    assert "CRITICAL" not in log
    round_ = Round(without, with_attack)
    outcome.saw(f"others: {figures([round_])}; {report.ended} ends, {report.most} connections")
    if SHORT:
        return  # in CI there are others on the machine
    most = 3 * percentile(without, 99)
    if nodes_part and round_.ratio(99) > 3:
        of_nodes = percentile(nodes_part() if callable(nodes_part) else nodes_part, 99)
        outcome.saw(f"p99 {of_nodes * 1000:.1f} ms when it is only the nodes")
        most = max(most, OWN_PART * of_nodes)
    assert percentile(with_attack, 99) <= most


@pytest.mark.parametrize(
    "kind",
    cases(
        {kind: kind for kind in KINDS if kind not in {HOSTILE, PAST_IT}},
        "chunks of one byte",
        "heads that come byte by byte behind 60 KB",
        "uploads that stop after 7 bytes",
        "chunked uploads until the spool is full",
    ),
)
def test_clients(run_cluster: RunCluster, outcome: Outcome, kind: str) -> None:
    """A client that does its worst"""
    cluster = run_cluster(
        2,
        OBJGW_WORKER_CONNECTIONS=str(SLOTS),
        OBJGW_NODE_CONCURRENCY=str(SLOTS),
        OBJGW_SPOOL_SIZE="256M",
    )
    ids = cluster.put_one_on_each(b"x" * 1024)
    target = random_id()
    size = 16 * MIB if kind == DOWNLOADS else 1024
    assert cluster.client.put(target, bytes(size)).status == 201
    nodes_part: Sequence[float] | Callable[[], Sequence[float]] = ()
    if kind == DOWNLOADS:
        # Before it says a word, MinIO reads as much of an object as 10 MiB.
        nodes_part = partial(latencies_past_the_gateway, cluster, ids, target)
    spared(cluster, ids, kind, target, outcome, nodes_part)


@pytest.mark.parametrize("kind", list(hostile.KINDS))
def test_nodes(run_cluster: RunCluster, outcome: Outcome, kind: str) -> None:
    """A node that does its worst, and clients that ask for it"""
    operation, _ = hostile.KINDS[kind]
    with hostile.hostile_node(kind) as port:
        cluster = run_cluster(3, OBJGW_READ_TIMEOUT="2")
        ids = cluster.put_one_on_each(b"x" * 1024)
        target = "/objects" if operation == "list" else f"/object/{ids[-1]}"
        nodes_part: Sequence[float] = ()
        if operation == "list" and not SHORT:
            # A listing is work for the nodes that are healthy, too.
            with attacked(cluster, HOSTILE, target):
                nodes_part = others(cluster, ids, SECONDS)
        replaced = cluster.nodes[-1]
        replaced.node = replace(replaced.node, port=port)
        cluster.announce()
        cluster.gateway.restart_knowing(replaced.node.name)
        spared(cluster, ids[:-1], HOSTILE, target, outcome, nodes_part)
        cluster.gateway.stop()
