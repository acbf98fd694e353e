"""A node that hangs costs the clients of other nodes nothing."""

import asyncio
from collections import Counter

import pytest

from tests.faults.cluster import Cluster, seen
from tests.faults.conftest import RunCluster
from tests.faults.load import Lane, Round, Sample, figures, measured, pooled, typical_ratio
from tests.faults.table import SHORT, Outcome
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(600)]

CLIENTS = 100
PERIOD = 2.0
ROUNDS = 3 if SHORT else 6
SECONDS = 3.0 if SHORT else 4.0


def load(cluster: Cluster, ids: list[str]) -> list[Sample]:
    """Each client asks each node, one connection a node, at the same pace whatever happens."""
    address = (cluster.gateway.host, cluster.gateway.port)
    lanes = [
        Lane(node, address, object_id, PERIOD)
        for _ in range(CLIENTS)
        for node, object_id in enumerate(ids)
    ]
    return asyncio.run(measured(lanes, SECONDS))


def latencies(samples: list[Sample], sick: int) -> list[float]:
    healthy = [sample for sample in samples if sample.lane != sick]
    assert {sample.status for sample in healthy} == {200}
    return [sample.seconds for sample in healthy]


def test_one_of_three_nodes_paused(run_cluster: RunCluster, outcome: Outcome) -> None:
    """One of three nodes paused, 100 clients on all nodes"""
    cluster = run_cluster(3, OBJGW_READ_TIMEOUT="1")
    ids = cluster.put_one_on_each(b"x" * 1024)
    sick = cluster.nodes[1]
    load(cluster, ids)  # connections, caches, code: all warm
    rounds: list[Round] = []
    tries = 0
    while len(rounds) < ROUNDS:
        tries += 1
        assert tries <= 4 * ROUNDS, "something else takes more or less of the machine all the time"
        seconds_until(
            lambda: all(seen(cluster.client.get_object(ids[1])) == "200" for _ in range(10)),
            "the node is back for every worker",
        )
        without = latencies(load(cluster, ids), sick=1)
        sick.pause()
        try:
            samples = load(cluster, ids)
        finally:
            sick.resume()
        refused = Counter(sample.status for sample in samples if sample.lane == 1)
        assert set(refused) <= {503, 504}
        assert refused[503]
        with_load = latencies(samples, sick=1)
        # As many requests to the healthy nodes, or the comparison says nothing.
        if 0.9 < len(with_load) / len(without) < 1.1:
            rounds.append(Round(without, with_load))
    outcome.saw(f"healthy nodes: {figures(rounds)}")
    assert typical_ratio(rounds, 50) <= 2
    # On a machine that others use too, one in a hundred is as late as they like.
    before, after = pooled(rounds, 99)
    assert min(typical_ratio(rounds, 99), after / before) <= 2
