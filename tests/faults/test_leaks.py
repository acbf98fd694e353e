"""Transfers that are broken off leave nothing behind."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.bodies import MIB, SHAPES, Shape
from tests.faults.cluster import Cluster
from tests.faults.conftest import RunCluster
from tests.faults.procfs import Holdings, connections, holdings, unfinished_uploads
from tests.faults.table import SHORT, Outcome
from tests.faults.wire import Cut, cut_put, get
from tests.support.client import random_id
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(600)]

ABORTED = 200 if SHORT else 1000
AT_ONCE = 24
BIG = 8 * MIB


def held(cluster: Cluster) -> Holdings:
    ports = [cluster.gateway.port, *(node.node.port for node in cluster.nodes)]
    return holdings([cluster.gateway.pid, *cluster.gateway.worker_pids()], ports)


def abort_download(cluster: Cluster, object_id: str, cut: Cut) -> None:
    with cluster.client.wire() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        connection.send(get(object_id))
        left = min(cut.of(BIG), MIB)
        while left and (received := connection.socket.recv(left)):
            left -= len(received)
        connection.reset()


def abort_upload(cluster: Cluster, shape: Shape, cut: Cut, number: int) -> None:
    with cluster.client.wire() as connection:
        connection.send(cut_put(random_id(), shape, cut))
        if number % 2:
            connection.reset()


def test_a_thousand_aborted_transfers(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Transfers broken off by the client, 1,000 (200 in the short form)"""
    cluster = run_cluster(2)
    assert cluster.client.put("big", bytes(BIG)).status == 201
    shapes = [SHAPES["small"], SHAPES["streamed"], SHAPES["chunked"]]
    cuts = list(Cut)

    def abort(number: int) -> None:
        cut = cuts[number % len(cuts)]
        if number % 50 == 0:
            abort_upload(cluster, SHAPES["in parts"], Cut.LAST, number)
        elif number % 2:
            abort_download(cluster, "big", cut)
        else:
            abort_upload(cluster, shapes[number // 2 % len(shapes)], cut, number)

    def run(aborts: range) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(abort, aborts))

    def ordinary() -> None:
        object_id = random_id()
        assert cluster.client.put(object_id, b"x").status == 201
        assert cluster.client.get_object(object_id).body == b"x"

    # Everything has been done once; no more than a connection a worker and node is kept.
    run(range(AT_ONCE * 2))
    for _ in range(10):
        ordinary()
    seconds_until(lambda: connections(cluster.gateway.port) == 0, "the gateway has no client")
    before = held(cluster)
    keys = {id(node): unfinished_uploads(node.node) for node in cluster.nodes}
    run(range(ABORTED))
    outcome.recovery = seconds_until(
        lambda: not held(cluster).exceeds(before), f"no more is held than before ({before})"
    )
    seconds_until(
        lambda: keys == {id(node): unfinished_uploads(node.node) for node in cluster.nodes},
        "no multipart upload is left",
    )
    after = held(cluster)
    outcome.saw(
        f"descriptors {before.descriptors} → {after.descriptors}, threads {before.threads} → "
        f"{after.threads}, connections {before.connections} → {after.connections}"
    )
    ordinary()
