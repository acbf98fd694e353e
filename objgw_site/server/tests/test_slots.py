"""No client keeps the others out by holding connections, shown by real processes and sockets."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest

from objgw_site.server.connection import Connection
from objgw_site.server.proxies import Networks, is_networks
from objgw_site.server.slots import Holders
from objgw_site.server.tests.server import (
    PATIENCE,
    Client,
    Server,
    request,
    served,
    transport,
)
from tests.support.certificates import tls_transport
from tests.support.client import Answer
from tests.support.servers import PLAIN, Transport
from tests.support.waiting import eventually

__all__ = ["tls_transport", "transport"]

SLOTS = 4
MIB = 2**20
#: Open files: enough to start with, and fewer than there are slots.
FILES = 100
#: Loopback addresses other than 127.0.0.1, which is trusted unless told otherwise.
MALLORY, ALICE = "127.0.0.66", "127.0.0.7"


class From(Client):
    """A client with an address of its own."""

    def begin_upload(self) -> None:
        """Be busy: the application waits for the rest."""
        self.send(request("PUT", "/read", "Expect: 100-continue", "Content-Length: 100"))
        assert self.answer().status == 100
        self.send("7 bytes")


@pytest.fixture
def open_client() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def asked(client: Client, path: str = "/chunks") -> Answer:
    return client.ask("GET", path)


def all_slots_are_free(server: Server) -> bool:
    """Those who left are seen as gone only when the worker looks at their connections again."""
    head = request("PUT", "/read", "Expect: 100-continue", "Content-Length: 3")
    with ExitStack() as stack:
        clients = [stack.enter_context(From(server, ALICE)) for _ in range(SLOTS)]
        for client in clients:
            client.send(head)
            if client.answer().status != 100:
                return False
        for client in clients:
            client.send("abc")
            assert client.answer().json["size"] == 3
    return True


def unacknowledged(peer: tuple[str, int]) -> int:
    """Bytes that this machine's kernel holds for a connection's peer, see proc_net_tcp.rst."""
    host = socket.inet_aton(peer[0])[::-1].hex().upper()
    address = f"{host}:{peer[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[2] == address:
            return int(fields[4].split(":")[0], 16)
    return 0


def limited(transport: Transport = PLAIN, **settings: str) -> Server:
    return served(
        transport,
        **{
            "OBJGW_WORKER_CONNECTIONS": str(SLOTS),
            "OBJGW_CLIENT_CONNECTIONS": "0",
            "OBJGW_CLIENT_TIMEOUT": "3600",
            "OBJGW_GRACEFUL_TIMEOUT": "1",
            **settings,
        },
    )


class TestWhenAllSlotsAreTaken:
    @pytest.fixture(scope="class")
    @staticmethod
    def shared(transport: Transport) -> Iterator[Server]:
        with limited(transport) as server:
            yield server

    @pytest.fixture
    def full(self, shared: Server) -> Server:
        eventually(
            lambda: all_slots_are_free(shared), "those of the test before have left", PATIENCE
        )
        return shared

    def test_the_longest_idle_connection_makes_room(
        self, full: Server, open_client: ExitStack
    ) -> None:
        held = []
        for _ in range(SLOTS):
            client = open_client.enter_context(From(full, MALLORY))
            assert asked(client).status == 200
            held.append(client)
        assert asked(held[0]).status == 200  # so it is not the longest idle one
        other = open_client.enter_context(From(full, ALICE))
        assert asked(other).status == 200
        assert held[1].rest() == b""
        assert [client.is_open() for client in (held[0], *held[2:], other)] == [True] * SLOTS

    def test_connections_that_never_send_anything_do_not_matter(
        self, full: Server, open_client: ExitStack
    ) -> None:
        for number in range(100):
            silent = open_client.enter_context(From(full, MALLORY))
            if number % 2:
                silent.send("GET /chunks HTTP/1.1\r\nHos")
        assert asked(open_client.enter_context(From(full, ALICE))).status == 200

    def test_by_busy_ones_others_are_told(self, full: Server, open_client: ExitStack) -> None:
        busy = [open_client.enter_context(From(full, MALLORY)) for _ in range(SLOTS)]
        for client in busy:
            client.begin_upload()
        # More than the reserve has places for, and none of them says a word.
        silent = [open_client.enter_context(From(full, MALLORY)) for _ in range(100)]
        for _ in range(3):
            other = open_client.enter_context(From(full, ALICE))
            answer = asked(other)
            assert (answer.status, answer.json["code"]) == (503, "too_many_connections")
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["connection"] == "close"
            assert other.rest() == b""
        # Once in a while; a test before may have been told as well.
        full.wait_for_line("all 4 connections of this worker are busy", since=0)
        # A refused upload is told so as well, though nobody reads its body.
        with From(full, ALICE) as other:
            other.send(request("PUT", "/read", "Content-Length: 100000") + "x" * 100_000)
            assert other.answer().status == 503
        assert sum(client.is_open() for client in silent) <= 40
        for client in busy:
            client.send("x" * 93)
            assert client.answer().json["size"] == 100
        assert asked(busy[0]).status == 200
        assert asked(open_client.enter_context(From(full, ALICE))).status == 200

    def test_health_checks_get_through(self, full: Server, open_client: ExitStack) -> None:
        for _ in range(SLOTS):
            open_client.enter_context(From(full, MALLORY)).begin_upload()
        # So many that the seconds which each may be silent would be too long to wait for.
        for _ in range(400):
            open_client.enter_context(From(full, MALLORY))
        for path in ("/livez", "/readyz?verbose"):
            with From(full, ALICE) as other:
                answer = asked(other, path)
                assert answer.json == {"path": path.partition("?")[0]}
                assert other.rest() == b""


class TestOneClient:
    def test_has_a_part_of_the_slots_only(self, open_client: ExitStack) -> None:
        with limited(OBJGW_CLIENT_CONNECTIONS="2") as server:
            busy = [open_client.enter_context(From(server, MALLORY)) for _ in range(2)]
            for client in busy:
                client.begin_upload()
            known = len(server.log)
            with From(server, MALLORY) as more:
                answer = asked(more)
                assert answer.status == 429
                assert answer.json["code"] == "too_many_connections_of_client"
                assert answer.headers["retry-after"] == "1"
            server.wait_for_line("add it to OBJGW_TRUSTED_PROXIES", since=known)
            with From(server, MALLORY) as more:
                assert asked(more, "/livez").status == 200
            for _ in range(2):
                assert asked(open_client.enter_context(From(server, ALICE))).status == 200
            busy[0].send("x" * 93)
            assert busy[0].answer().status == 200
            # Its own longest idle connection makes room, nobody else's.
            assert asked(open_client.enter_context(From(server, MALLORY))).status == 200
            assert busy[0].rest() == b""

    def test_may_have_all_when_told_so(self, open_client: ExitStack) -> None:
        with limited(OBJGW_CLIENT_CONNECTIONS="0") as server:
            for _ in range(SLOTS):
                open_client.enter_context(From(server, MALLORY)).begin_upload()
            with From(server, MALLORY) as more:
                assert asked(more).json["code"] == "too_many_connections"

    def test_has_all_behind_a_trusted_proxy(self, open_client: ExitStack) -> None:
        with limited(
            OBJGW_CLIENT_CONNECTIONS="1", OBJGW_TRUSTED_PROXIES="10.0.0.1, 127.0.0.64/29"
        ) as server:
            for _ in range(SLOTS):
                open_client.enter_context(From(server, MALLORY)).begin_upload()
            with From(server, ALICE) as other:
                assert asked(other).json["code"] == "too_many_connections"

    def test_of_ipv6_is_a_network(self) -> None:
        one = Networks.parse(["fd00::/8"])
        assert ip_address("fd12::1") in one
        assert ip_address("127.0.0.1") not in one

    @pytest.mark.parametrize(
        ("text", "good"),
        [("10.0.0.1", True), ("10.0.0.0/8, ::1", True), ("10.0.0.1/8", False), ("proxy", False)],
    )
    def test_proxies_are_addresses_or_networks(self, text: str, good: bool) -> None:
        assert is_networks(text) is good


class TestSlowTransfers:
    """The least rate is 100,000 bytes a second, after a second of grace.

    At that, what the kernel takes of a download before it stalls earns a few seconds only, and the
    timeout, which lets go as well, is out of their reach.
    """

    SLOW = "client let go: it sent or took less than 100000"

    @pytest.fixture(scope="class")
    @staticmethod
    def server(transport: Transport) -> Iterator[Server]:
        with limited(transport, OBJGW_CLIENT_MIN_RATE="100000", OBJGW_CLIENT_GRACE="1") as server:
            yield server

    @pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
    def test_a_slow_upload_is_let_go(self, server: Server, framing: str) -> None:
        with From(server, MALLORY) as client:
            known = len(server.log)
            client.send(request("PUT", "/read", framing))
            began = time.monotonic()
            while client.is_open() and time.monotonic() - began < PATIENCE:
                try:
                    client.send("1\r\nx\r\n")
                except (BrokenPipeError, ConnectionResetError):
                    break
                time.sleep(0.2)
            server.wait_for_line(self.SLOW, since=known)

    def test_a_slow_download_is_let_go(self, server: Server) -> None:
        with From(server, MALLORY) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            known = len(server.log)
            client.send(request("GET", "/large"))
            assert client.socket.recv(1)
            server.wait_for_line(self.SLOW, since=known)
            try:
                size = sum(map(len, iter(lambda: client.socket.recv(65536), b"")))
            except ConnectionResetError:
                return
            # Of TLS, what is left of a record may hide the reset.
            assert server.tls is not None
            assert size < 64 * MIB

    def test_what_a_client_does_not_take_is_not_sent_ahead(self, server: Server) -> None:
        server.worker_pid()  # connections from before it listened do not know the bound
        with From(server, MALLORY) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            known = len(server.log)
            client.send(request("GET", "/large"))
            assert client.socket.recv(1)
            address = client.socket.getsockname()
            waiting = 0

            def let_go() -> bool:
                nonlocal waiting
                waiting = max(waiting, unacknowledged(address))
                return any("client let go" in line for line in server.log[known:])

            # That takes some seconds, in which the kernel takes what it ever takes.
            eventually(let_go, "the client is let go", PATIENCE)
            assert 0 < waiting < 512 * 1024

    def test_one_that_is_fast_enough_is_not(self, server: Server) -> None:
        with From(server, ALICE) as client:
            client.send(request("PUT", "/read", "Content-Length: 2000000"))
            for _ in range(25):
                client.send("x" * 80_000)
                time.sleep(0.2)  # 400,000 bytes a second, for five times the grace
            assert client.answer().json["size"] == 2_000_000

    def test_an_application_that_takes_its_time_is_not_the_clients_fault(
        self, server: Server
    ) -> None:
        with From(server, ALICE) as client:
            assert asked(client, "/slow").status == 200


class TestDescriptors:
    @pytest.fixture
    def short_of_files(self) -> Iterator[Server]:
        class Short(Server):
            def prepare(self) -> None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))

        with Short(
            OBJGW_WORKER_CONNECTIONS="4000",
            OBJGW_CLIENT_CONNECTIONS="0",
            OBJGW_CLIENT_TIMEOUT="3600",
        ) as server:
            yield server

    def test_none_left_is_waited_out(self, short_of_files: Server, open_client: ExitStack) -> None:
        server = short_of_files
        known, pid = len(server.log), server.worker_pid()
        busy = [open_client.enter_context(From(server, MALLORY)) for _ in range(FILES)]
        for client in busy:
            client.send(request("PUT", "/read", "Content-Length: 100"))
        server.wait_for_line("new connections have to wait: Too many open files", since=known)
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(1.0)
        assert cpu_seconds(pid) - before < 0.5 * (time.monotonic() - began)
        for client in busy[:50]:
            client.__exit__(None, None, None)
        assert asked(open_client.enter_context(From(server, ALICE))).status == 200
        assert not [line for line in server.log[known:] if "Traceback" in line]
        assert server.worker_pid() == pid

    def test_idle_connections_make_room_for_what_needs_them(
        self, short_of_files: Server, open_client: ExitStack
    ) -> None:
        idle = [open_client.enter_context(From(short_of_files, MALLORY)) for _ in range(300)]
        assert asked(open_client.enter_context(From(short_of_files, ALICE))).status == 200
        assert not all(client.is_open() for client in idle)

    def test_as_many_as_allowed_are_taken(self) -> None:
        class Modest(Server):
            def prepare(self) -> None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (200, 500))

        with Modest() as server:
            limits = Path(f"/proc/{server.worker_pid()}/limits").read_text()
        soft = next(line for line in limits.splitlines() if line.startswith("Max open files"))
        assert soft.split()[3] == "500"


class TestHolders:
    def test_looking_in_vain_is_not_done_all_the_time(self) -> None:
        holders = Holders()
        busy = [Connection(None) for _ in range(2000)]
        holders.members.update(busy)
        began = time.process_time()
        for _ in range(20_000):
            assert holders.pop_longest_idle() is None
        # 20,000 looks at 2,000 connections would take two seconds and more.
        assert time.process_time() - began < 1

    def test_who_was_busy_meanwhile_is_passed_over(self) -> None:
        holders = Holders()
        first, second, third = (Connection(None) for _ in range(3))
        for number, connection in enumerate((first, second, third)):
            connection.idle_since = float(number)
            holders.members.add(connection)
        assert holders.pop_longest_idle() is first
        second.idle_since = 3.0
        holders.members.discard(first)
        assert holders.pop_longest_idle() is third


def cpu_seconds(pid: int) -> float:
    """proc(5): utime and stime, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
