"""A restart of the gateway under load, behind a socket that outlives it."""

import asyncio
import hashlib
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.faults.bodies import MIB
from tests.faults.cluster import Cluster, Gateway
from tests.faults.conftest import RunCluster
from tests.faults.load import Ramp, answer_head, hang_up
from tests.faults.table import Outcome
from tests.faults.wire import get
from tests.support.client import random_id
from tests.support.waiting import seconds_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.minio,
    pytest.mark.over_tls,
    pytest.mark.timeout(600),
]

UPLOADS, DOWNLOADS, LATE = 900, 100, 200
SIZE = 96 * 1024
DOWNLOAD = 8 * MIB


class Transfers:
    """Requests that are half done when the gateway is told to stop."""

    def __init__(self, address: tuple[str, int], big: str, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._big = big
        self._tls = tls
        self._expected = hashlib.sha256(bytes(DOWNLOAD)).digest()
        self.go_on = asyncio.Event()
        self.stored: dict[str, bytes] = {}

    async def upload(self, under_way: asyncio.Event) -> None:
        """Half a body, then a wait, then the other half; 201 is what it has to end with."""
        object_id = random_id()
        body = object_id.encode() * (SIZE // len(object_id))
        reader, writer = await asyncio.open_connection(*self._address, ssl=self._tls)
        try:
            writer.write(
                f"PUT /object/{object_id} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
            )
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(body[: SIZE // 2])
            await writer.drain()
            under_way.set()
            await self.go_on.wait()
            writer.write(body[SIZE // 2 :])
            status, _ = await answer_head(reader)
            assert status == 201
            self.stored[object_id] = body
        finally:
            await hang_up(writer)

    async def download(self, under_way: asyncio.Event) -> None:
        """Its first bytes, then a wait, then the others."""
        reader, writer = await asyncio.open_connection(
            *self._address, limit=64 * 1024, ssl=self._tls
        )
        try:
            writer.write(get(self._big))
            status, length = await answer_head(reader)
            assert status == 200
            under_way.set()
            await self.go_on.wait()
            digest = hashlib.sha256()
            while length:
                data = await reader.read(min(length, 64 * 1024))
                assert data, f"cut with {length} bytes to come"
                digest.update(data)
                length -= len(data)
            assert digest.digest() == self._expected
        finally:
            await hang_up(writer)

    async def late(self) -> None:
        """A request that comes while one gateway goes and the other comes."""
        reader, writer = await asyncio.open_connection(*self._address, ssl=self._tls)
        try:
            writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            status, length = await answer_head(reader)
            await reader.readexactly(length)
            assert status == 200
        finally:
            await hang_up(writer)


async def restart_under(
    transfers: Transfers, old: Gateway, new: Gateway, uploads: int, downloads: int
) -> float:
    """Seconds that the old gateway took to end, once its transfers could go on."""
    ramp = Ramp()
    kinds = [transfers.upload] * uploads + [transfers.download] * downloads
    running = await asyncio.gather(*(ramp.up(kind) for kind in kinds))
    old.terminate()
    late = []
    for number in range(LATE):
        late.append(asyncio.create_task(transfers.late()))
        if number == LATE // 2:
            new.launch()
        await asyncio.sleep(0.01)
    assert old.running
    assert not any(task.done() for task in running)
    began = time.monotonic()
    transfers.go_on.set()
    await asyncio.wait_for(asyncio.gather(*running, *late), timeout=120)
    await asyncio.to_thread(seconds_until, lambda: not old.running, "the old gateway ends")
    return time.monotonic() - began


def test_restart_behind_a_listening_socket(
    run_cluster: RunCluster, outcome: Outcome, tmp_path: Path
) -> None:
    """Gateway restarted (SIGTERM) with 1,000 requests in flight"""
    cluster: Cluster = run_cluster(2)
    # asyncio's TLS is slow, and all clients are in this process.
    part = 1 if cluster.gateway.tls is None else 10
    uploads, downloads = UPLOADS // part, DOWNLOADS // part
    big = random_id()
    assert cluster.client.put(big, bytes(DOWNLOAD)).status == 201
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        address = listener.getsockname()[:2]
        environment = cluster.gateway.environment | {
            "OBJGW_BIND": f"fd://{listener.fileno()}",
            "OBJGW_GRACEFUL_TIMEOUT": "120",
        }
        gateways = [
            Gateway(
                *address,
                environment=environment,
                log=tmp_path / f"{name}.log",
                tls=cluster.gateway.tls,
            )
            for name in ("old", "new")
        ]
        for gateway in gateways:
            # GatewayProcess would have it listen for itself.
            gateway.environment["OBJGW_BIND"] = environment["OBJGW_BIND"]
            gateway.inherited = (listener.fileno(),)
        with gateways[0] as old, gateways[1] as new:
            old.start(timeout=60)
            transfers = Transfers(address, big, old.tls)
            outcome.recovery = asyncio.run(restart_under(transfers, old, new, uploads, downloads))
            assert old.exit_status == 0
            assert "Traceback" not in old.logged() + new.logged()
            new.wait_until(lambda: new.readiness()[0] == 200, timeout=60)
            assert len(transfers.stored) == uploads
            for object_id, body in transfers.stored.items():
                assert new.client.get_object(object_id).body == body
    outcome.saw(f"{uploads} PUT and {downloads} GET finished, {LATE} new ones answered, none cut")
