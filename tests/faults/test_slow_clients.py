"""Clients that send or read one byte a second, hundreds of them, and everybody else."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest

from tests.faults.bodies import MIB
from tests.faults.cluster import Cluster
from tests.faults.conftest import RunCluster
from tests.faults.load import Lane, Ramp, Round, figures, hang_up, measured, typical_ratio
from tests.faults.procfs import connections
from tests.faults.table import SHORT, Outcome
from tests.faults.wire import get
from tests.support.client import random_id
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(600)]

SLOW = 500
ROUNDS = 3 if SHORT else 5
SECONDS = 2.0 if SHORT else 5.0
OTHERS = 20
PERIOD = 0.2


class SlowClients:
    """Half of them upload, half of them download, each at one byte a second."""

    def __init__(self, cluster: Cluster, big_id: str) -> None:
        self._address = (cluster.gateway.host, cluster.gateway.port)
        self._big_id = big_id
        self.bytes_moved = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All of them in the middle of their transfers inside of the block."""
        ramp = Ramp()
        started = [ramp.up(self._upload if n % 2 else self._download) for n in range(SLOW)]
        tasks = await asyncio.gather(*started)
        try:
            yield
            assert not any(task.done() for task in tasks), "a slow client was let go"
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _upload(self, ready: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(
                f"PUT /object/{random_id()} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                f"Content-Length: {MIB}\r\n\r\n".encode()
            )
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            ready.set()
            while True:
                writer.write(b"n")
                self.bytes_moved += 1
                await asyncio.sleep(1)
        finally:
            await hang_up(writer)

    async def _download(self, ready: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(connection, self._address)
            await loop.sock_sendall(connection, get(self._big_id))
            assert b" 200 " in await loop.sock_recv(connection, 64)
            ready.set()
            while await loop.sock_recv(connection, 1):
                self.bytes_moved += 1
                await asyncio.sleep(1)
            raise AssertionError("the download ended")


async def others(cluster: Cluster, ids: list[str]) -> list[float]:
    address = (cluster.gateway.host, cluster.gateway.port)
    lanes = [Lane(i, address, ids[i % len(ids)], PERIOD) for i in range(OTHERS)]
    samples = await measured(lanes, SECONDS)
    assert {sample.status for sample in samples} == {200}
    return [sample.seconds for sample in samples]


def test_slow_clients(run_cluster: RunCluster, outcome: Outcome) -> None:
    """500 clients that send or read one byte a second"""
    cluster = run_cluster(3, OBJGW_CLIENT_MIN_RATE="0")
    ids = cluster.put_one_on_each(b"x" * 1024)
    big = random_id()
    assert cluster.client.put(big, bytes(16 * MIB)).status == 201
    asyncio.run(others(cluster, ids))  # warm
    slow = SlowClients(cluster, big)

    async def with_slow_clients() -> list[float]:
        async with slow.running():
            assert connections(cluster.gateway.port) >= 2 * SLOW
            return await others(cluster, ids)

    rounds: list[Round] = []
    for _ in range(ROUNDS):
        without = asyncio.run(others(cluster, ids))
        rounds.append(Round(without, asyncio.run(with_slow_clients())))
        began = time.monotonic()
        seconds_until(lambda: connections(cluster.gateway.port) == 0, "the slow clients are gone")
        outcome.recovery = time.monotonic() - began
    assert slow.bytes_moved > SLOW * ROUNDS
    outcome.saw(f"others: {figures(rounds)}")
    assert typical_ratio(rounds, 50) <= 2
