"""Uploads without a length, when there is no room for them on the gateway's disk."""

import contextlib
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode
from objects.store.payload import SMALL
from objects.tests.node_server import PATIENCE, Peer
from objects.tests.scripted_s3 import GOOD, ScriptedS3
from tests.contract.conftest import client_of
from tests.support.client import Client, Wire, chunked, request_head
from tests.support.servers import HOST, make_gateway
from tests.support.waiting import eventually

MIB = 2**20
PART = 8 * MIB
RunGateway = Callable[..., GatewayProcess]


@pytest.fixture
def node() -> ScriptedS3:
    return ScriptedS3()


@pytest.fixture
def run(node: ScriptedS3, tmp_path: Path) -> Iterator[RunGateway]:
    """Starts a gateway of one worker; at the end its log shows no failure of its own."""
    with node.serve() as server:
        local = LocalNode("node", HOST, server.port, "key", "hush-hush", Path("none"))
        processes: list[GatewayProcess] = []

        def start(**settings: str) -> GatewayProcess:
            process = make_gateway([local], tmp_path / "gateway.log", **settings)
            processes.append(process)
            process.start()
            return process

        try:
            yield start
        finally:
            for process in processes:
                process.stop()
    assert "Traceback" not in (tmp_path / "gateway.log").read_text()


def begin(http: Client, size: int) -> Wire:
    """An upload that has sent so much of itself, and goes on later."""
    wire = http.wire()
    wire.send(request_head("PUT", "/object/slow", {"Transfer-Encoding": "chunked"}))
    wire.send(chunked(bytes(size)).removesuffix(b"0\r\n\r\n"))
    return wire


def on_disk(gateway: GatewayProcess) -> int:
    """Bytes of the files that the workers have open and nobody else sees. The server has some
    small ones of its own.
    """
    size = 0
    for pid in gateway.worker_pids():
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if str(link.readlink()).endswith(" (deleted)"):
                    size += link.stat().st_size
    return size


def test_the_room_is_bounded_and_given_back(run: RunGateway, node: ScriptedS3) -> None:
    gateway = run(OBJGW_SPOOL_SIZE="9MiB")
    http = client_of(gateway)
    with begin(http, 2 * MIB) as slow:
        eventually(lambda: on_disk(gateway) > MIB, "a part is on the disk")
        seen = len(node.seen)
        answer = http.put_chunked("late", bytes(2 * MIB))
        assert (answer.status, answer.code) == (503, "spool_full"), answer
        assert answer["Retry-After"] == "5"
        # The node has heard nothing of it, and others need no room, or little.
        assert len(node.seen) == seen
        assert http.put_chunked("small", bytes(60_000)).status == 201
        assert http.put_chunked("first", bytes(MIB)).status == 201
        assert http.request("PUT", "/object/known", {}, bytes(2 * MIB)).status == 201
        slow.send(chunked(bytes(PART)))
        assert slow.answer("PUT").status == 201
    assert http.put_chunked("late", bytes(2 * MIB)).status == 201
    with begin(http, 2 * MIB):
        eventually(lambda: on_disk(gateway) > MIB, "a part is on the disk again")
        assert http.put_chunked("late", bytes(2 * MIB)).status == 503
    # The client has gone.
    eventually(
        lambda: http.put_chunked("late", bytes(2 * MIB)).status == 201, "the room is free again"
    )
    assert on_disk(gateway) < SMALL


def fill(http: Client, node: ScriptedS3) -> None:
    """Nothing is stored, and the gateway goes on."""
    for size in (PART - 1, PART + 1):
        node.seen.clear()
        answer = http.put_chunked("large", bytes(size))
        assert (answer.status, answer.code) == (507, "gateway_full"), answer
        assert answer["Retry-After"] is None
        assert not {"put", "complete"} & set(node.seen)
    assert http.put_chunked("small", bytes(MIB)).status == 201
    assert http.request("PUT", "/object/known", {}, bytes(PART)).status == 201


def test_files_that_may_not_grow(run: RunGateway, node: ScriptedS3) -> None:
    gateway = run()
    for pid in gateway.worker_pids():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))
    fill(client_of(gateway), node)


def test_a_disk_that_is_full_at_a_later_part(run: RunGateway, node: ScriptedS3) -> None:
    gateway = run()
    http = client_of(gateway)
    with begin(http, PART + 1) as wire:
        eventually(lambda: "part" in node.seen, "the first part has been sent")
        for pid in gateway.worker_pids():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))
        wire.send(chunked(bytes(PART)))
        answer = wire.answer("PUT")
    assert (answer.status, answer.code) == (507, "gateway_full"), answer
    eventually(lambda: "abort" in node.seen, "the parts are taken back")
    assert "complete" not in node.seen


def test_more_uploads_that_break_off_than_may_wait_for_a_node(
    run: RunGateway, node: ScriptedS3
) -> None:
    """All of their parts are taken back."""
    aborting = threading.Event()

    def slow_abort(peer: Peer) -> None:
        aborting.wait(PATIENCE)
        peer.send(GOOD["abort"])

    uploads = 6
    gateway = run(OBJGW_NODE_CONCURRENCY="3")
    http = client_of(gateway)
    with contextlib.ExitStack() as wires:
        for number in range(1, 1 + uploads):
            wires.enter_context(begin(http, PART + 1))
            # Answered, not only seen: until then it is one of those that wait for the node.
            eventually(
                lambda: node.answered.count("part") == number,  # noqa: B023  (called at once)
                "its first part is stored",
            )
        node.odd["abort"] = slow_abort
    eventually(lambda: "abort" in node.seen, "the first is taken back")
    aborting.set()
    eventually(lambda: node.seen.count("abort") == uploads, "the others are, too")
    assert "parts of an aborted upload" not in gateway.log.read_text()
