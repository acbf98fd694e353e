"""All connections taken in the way that costs most: the gateway stays within its memory."""

import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from objgw_site.server.machine import CONNECTION_BYTES, WORKER_BYTES, Machine
from tests.docker.conftest import MakeFleet
from tests.docker.fleet import SOCKET, GatewayContainer
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

MIB = 2**20
#: Little, and so are the connections that follow from it, which the test has to fill.
LIMIT = 256 * MIB
PART = 8 * MIB
#: The head as large as it may be: 64 KiB.
FILLERS = "".join(f"X-Filler-{number}: {'a' * 650}\r\n" for number in range(94))
SENDERS = 8

Stall = Callable[[GatewayContainer, int], socket.socket]

# Runs in the container: pid, memory now and at its peak, of the workers.
WORKERS = """
import os, pathlib
for process in pathlib.Path("/proc").glob("[0-9]*"):
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    if status["PPid"].strip() == "1" and b"gunicorn" in (process / "cmdline").read_bytes():
        print(process.name, status["VmHWM"].split()[0])
"""


def workers(gateway: GatewayContainer) -> dict[int, int]:
    """The peak of each worker's memory, in bytes, by its pid."""
    execution = gateway.execute("python", "-c", WORKERS, user="10001")
    assert execution.status == 0, execution.output
    rows = [line.split() for line in execution.output.splitlines()]
    return {int(pid): int(kilobytes) * 1024 for pid, kilobytes in rows}


def head(request_line: str, *fields: str) -> bytes:
    lines = "\r\n".join([f"{request_line} HTTP/1.1", "Host: x", *fields])
    return f"{lines}\r\n{FILLERS}\r\n".encode()


def upload(gateway: GatewayContainer, number: int, size: int) -> socket.socket:
    sock = socket.create_connection((gateway.client.host, gateway.client.port), timeout=120)
    sock.sendall(head(f"PUT /object/upload{number}", "Transfer-Encoding: chunked"))
    sock.sendall(b"f00000\r\n")
    for _ in range(size // MIB):
        sock.sendall(bytes(MIB))
    return sock


def upload_in_first_part(gateway: GatewayContainer, number: int) -> socket.socket:
    """A chunked one, stopped before the node has heard of it."""
    return upload(gateway, number, MIB)


def upload_in_second_part(gateway: GatewayContainer, number: int) -> socket.socket:
    """A chunked one whose first part is with the node."""
    return upload(gateway, number, PART + MIB)


def download(gateway: GatewayContainer, number: int) -> socket.socket:
    """One whose client takes nothing after the first bytes."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(120)
    sock.connect((gateway.client.host, gateway.client.port))
    sock.sendall(head("GET /object/large"))
    if sock.recv(12) != b"HTTP/1.1 200":
        raise ConnectionRefusedError
    return sock


def turned_away(gateway: GatewayContainer) -> bool:
    answer = gateway.client.request("GET", "/objects")
    return answer.status == 503 and answer.json["code"] == "too_many_connections"


def one_more(gateway: GatewayContainer, stall: Stall, taken: contextlib.ExitStack) -> bool:
    with contextlib.suppress(ConnectionError):
        taken.enter_context(stall(gateway, 0))
    return False


@pytest.mark.parametrize("stall", [upload_in_first_part, upload_in_second_part, download])
def test_all_connections_taken(make_fleet: MakeFleet, stall: Stall) -> None:
    fleet = make_fleet(1)
    slots = Machine(cores=1, memory=LIMIT, descriptors=10**6).connections(1)
    assert 50 < slots < 150
    volume = fleet.create_volume()
    gateway = fleet.start_gateway(
        memory=str(LIMIT),
        environment={
            "OBJGW_WORKERS": "1",
            "OBJGW_CLIENT_CONNECTIONS": "0",
            # They are to stay.
            "OBJGW_CLIENT_TIMEOUT": "600",
            "OBJGW_CLIENT_MIN_RATE": "0",
            "OBJGW_SPOOL_SIZE": str(slots * PART),
            "OBJGW_LOG_LEVEL": "info",
            "TMPDIR": "/var/tmp",  # noqa: S108  (a volume: a tmpfs is memory)
        },
        volumes={
            SOCKET: {"bind": SOCKET, "mode": "ro"},
            str(volume.name): {"bind": "/var/tmp", "mode": "rw"},  # noqa: S108
        },
    )
    gateway.wait_ready()
    assert gateway.client.put("large", bytes(16 * MIB)).status == 201
    before = workers(gateway)
    with contextlib.ExitStack() as taken, ThreadPoolExecutor(SENDERS) as pool:
        # A health check may have one for a moment.
        for sock in pool.map(lambda number: stall(gateway, number), range(slots - 1)):
            taken.enter_context(sock)
        eventually(
            lambda: turned_away(gateway) or one_more(gateway, stall, taken), "all are taken", 60
        )
        assert gateway.client.status_of("/livez") == 200
        peaks = workers(gateway)
        assert peaks.keys() == before.keys(), "a worker was replaced"
        [peak] = peaks.values()
        print(f"{slots} connections: worker {min(before.values()):,} -> {peak:,} bytes")
        assert peak < WORKER_BYTES + slots * CONNECTION_BYTES
    gateway.container.reload()
    assert not gateway.container.attrs["State"]["OOMKilled"]
    eventually(
        lambda: gateway.client.request("GET", "/objects").status == 200, "it serves again", 60
    )
    assert workers(gateway).keys() == before.keys()
