"""The workers share the connections, shown by gunicorn processes with several of them."""

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from objgw_site.server.balance import STALE_SECONDS, Loads
from objgw_site.server.tests.server import PATIENCE, Client, Server, request
from tests.support.waiting import eventually

MANY = 128


class TestTable:
    def test_the_one_with_the_fewest_is_next(self) -> None:
        loads = Loads()
        one, other = loads.take_row(), loads.take_row()
        one.join()
        other.join()
        assert one.may_accept()
        assert other.may_accept()
        one.add(1)
        assert not one.may_accept()
        assert other.may_accept()
        other.add(1)
        assert one.may_accept()

    def test_with_many_connections_it_is_not_so_strict(self) -> None:
        loads = Loads()
        one, other = loads.take_row(), loads.take_row()
        one.join()
        other.join()
        one.add(72)
        other.add(64)
        assert one.may_accept()
        one.add(1)
        assert not one.may_accept()

    def test_who_left_is_not_waited_for(self) -> None:
        loads = Loads()
        one, other = loads.take_row(), loads.take_row()
        one.join()
        one.add(5)
        assert one.may_accept()  # the other has not joined yet
        other.join()
        assert not one.may_accept()
        other.leave()
        other.beat()
        assert one.may_accept()

    def test_who_gives_no_sign_of_life_is_not_waited_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads = Loads()
        one, frozen = loads.take_row(), loads.take_row()
        one.join()
        frozen.join()
        one.add(1)
        later = time.monotonic() + STALE_SECONDS + 0.01
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert one.may_accept()
        frozen.beat()
        assert not one.may_accept()

    def test_rows_are_given_again(self) -> None:
        loads = Loads(rows=2)
        first, second = loads.take_row(), loads.take_row()
        for load in (first, second):
            load.join()
            load.add(3)
        loads.give_back(first)
        assert second.may_accept()
        again = loads.take_row()
        again.join()
        assert (again.row, again.connections) == (first.row, 0)
        assert not second.may_accept()

    def test_who_gets_no_row_accepts(self) -> None:
        loads = Loads(rows=1)
        one, uncounted = loads.take_row(), loads.take_row()
        one.join()
        uncounted.join()
        uncounted.add(5)
        assert uncounted.may_accept()
        assert uncounted.excess() == 0
        loads.give_back(uncounted)
        assert loads.take_row().row is None

    @pytest.mark.parametrize(
        ("mine", "others", "excess"),
        [
            (10, [0], 0),
            (16, [0], 8),
            (64, [64], 0),
            (76, [52], 0),
            (78, [50], 14),
            (99, [0, 0], 66),
        ],
    )
    def test_what_is_to_be_given_away(self, mine: int, others: list[int], excess: int) -> None:
        loads = Loads()
        loads_of = [loads.take_row() for _ in range(1 + len(others))]
        for load, number in zip(loads_of, [mine, *others], strict=True):
            load.join()
            load.add(number)
        assert loads_of[0].excess() == excess


class Gateway(Server):
    """A server with several workers."""

    def __init__(self, workers: int, **settings: str) -> None:
        super().__init__(**{"OBJGW_WORKERS": str(workers), **settings})
        self.workers = workers

    def __enter__(self) -> Self:
        super().__enter__()
        eventually(lambda: len(self.serving()) == self.workers, "not all workers serve", PATIENCE)
        return self

    def children(self) -> list[int]:
        pid = self._process.pid
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]

    def serving(self) -> set[int]:
        """The workers that answer requests. Asks one at a time, so that each gets its turn."""
        found = set()
        clients = []
        try:
            for _ in self.children():
                clients.append(Client(self))
                found.add(clients[-1].ask("GET", "/pid").json["pid"])
        finally:
            for client in clients:
                client.__exit__()
        return found

    def connections(self) -> dict[int, int]:
        """How many connections each worker has."""
        established = {
            fields[9]
            for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
            if fields[1].endswith(f":{self.port:04X}") and fields[3] == "01"
        }
        return {pid: len(established & sockets_of(pid)) for pid in self.children()}

    def has_shared(self, number: int) -> bool:
        """Whether the workers have so many connections, each its part of them within a fifth."""
        found = self.connections().values()
        part = number / self.workers
        return sum(found) == number and all(
            part * 0.8 - 1 <= connections <= part * 1.2 + 1 for connections in found
        )


def sockets_of(pid: int) -> set[str]:
    """The inodes of a process's sockets."""
    found = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = str(path.readlink())
        except OSError:
            continue
        if name.startswith("socket:["):
            found.add(name[8:-1])
    return found


@pytest.fixture(params=[2, 3])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    with Gateway(request.param) as gateway:
        yield gateway


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for sock in opened:
        sock.close()


def burst(gateway: Server, number: int) -> list[socket.socket]:
    """So many connections at once, each with a request already sent."""
    opened = []
    for _ in range(number):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", gateway.port))
        opened.append(sock)
    for sock in opened:
        sock.settimeout(PATIENCE)
        sock.sendall(request("GET", "/turn").encode())
    return opened


def answered(sock: socket.socket) -> bool:
    return sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def is_open(sock: socket.socket) -> bool:
    """Whether the other end has not ended it."""
    if not select.select([sock], [], [], 0)[0]:
        return True
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except ConnectionResetError:
        return False


def show(gateway: Gateway) -> str:
    return f"shared like this: {gateway.connections()}"


class TestSharing:
    def test_a_burst(self, gateway: Gateway, sockets: list[socket.socket]) -> None:
        sockets += burst(gateway, MANY)
        assert all(map(answered, sockets))
        assert gateway.has_shared(MANY), show(gateway)

    def test_one_by_one_and_after_half_of_them_left(
        self, gateway: Gateway, sockets: list[socket.socket]
    ) -> None:
        for number in range(1, MANY + 1):
            sockets += burst(gateway, 1)
            assert answered(sockets[-1])
            if number in (2 * gateway.workers, MANY // 2, MANY):
                assert gateway.has_shared(number), show(gateway)
        # All that one of the workers has, so that it has to catch up.
        pid = gateway.children()[0]
        left = [sock for sock in sockets if self.server_of(gateway, sock) == pid]
        for sock in left:
            sockets.remove(sock)
            sock.close()
        eventually(lambda: gateway.connections()[pid] == 0, "the connections did not end", PATIENCE)
        sockets += burst(gateway, len(left))
        assert all(map(answered, sockets[-len(left) :]))
        assert gateway.has_shared(MANY), show(gateway)

    @staticmethod
    def server_of(gateway: Gateway, sock: socket.socket) -> int:
        sock.sendall(request("GET", "/pid").encode())
        head, _, body = sock.recv(4096).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        return int(body.partition(b": ")[2].rstrip(b"}"))

    def test_after_a_worker_was_killed_and_replaced(
        self, gateway: Gateway, sockets: list[socket.socket]
    ) -> None:
        sockets += burst(gateway, MANY)
        assert all(map(answered, sockets))
        before = set(gateway.children())
        # Counted now: later, those who ask whether there is another worker would count, too.
        lost = gateway.connections()[min(before)]
        assert lost
        os.kill(min(before), signal.SIGKILL)
        eventually(
            lambda: bool(gateway.serving() - before), "the worker was not replaced", PATIENCE
        )
        sockets += burst(gateway, lost)
        assert all(map(answered, sockets[-lost:]))
        # Who had far more than the new worker may have ended some with their answers.
        left = sum(map(is_open, sockets))
        assert left > 0.9 * MANY
        assert gateway.has_shared(left), show(gateway)

    def test_what_one_has_too_many_is_given_away(self, sockets: list[socket.socket]) -> None:
        """A worker that was replaced gets its part of the connections that go on, too."""
        with Gateway(2) as gateway:
            before = set(gateway.children())
            os.kill(min(before), signal.SIGKILL)
            clients = [Client(gateway) for _ in range(MANY)]
            for client in clients:
                assert client.ask("GET", "/turn").status == 200
            eventually(
                lambda: bool(gateway.serving() - before), "the worker was not replaced", PATIENCE
            )

            def go_on() -> bool:
                """One request of each; true when all are shared and none was given away."""
                given_away = 0
                for number, client in enumerate(clients):
                    answer = client.ask("GET", "/turn")
                    assert answer.status == 200
                    if answer.headers["connection"] == "close":
                        given_away += 1
                        assert client.rest() == b""
                        client.__exit__()
                        clients[number] = Client(gateway)
                return given_away == 0 and gateway.has_shared(MANY)

            try:
                eventually(go_on, show(gateway), PATIENCE)
            finally:
                for client in clients:
                    client.__exit__()


class TestWorkersThatDoNotTakeTheirPart:
    def test_a_frozen_one_does_not_keep_the_others_from_accepting(
        self, sockets: list[socket.socket]
    ) -> None:
        with Gateway(2) as gateway:
            frozen, _ = gateway.children()
            os.kill(frozen, signal.SIGSTOP)
            try:
                for _ in range(20):
                    sockets += burst(gateway, 1)
                    assert answered(sockets[-1])
            finally:
                os.kill(frozen, signal.SIGCONT)

    def test_one_that_stops_does_not_keep_the_others_from_accepting(
        self, sockets: list[socket.socket]
    ) -> None:
        with Gateway(2, OBJGW_GRACEFUL_TIMEOUT="20") as gateway:
            # Busy, so that it does not end before its grace time.
            client = Client(gateway)
            client.send(request("PUT", "/read", "Content-Length: 5", "Expect: 100-continue"))
            assert client.answer().status == 100
            busy = next(pid for pid, number in gateway.connections().items() if number)
            before = set(gateway.children())
            os.kill(busy, signal.SIGTERM)
            for _ in range(20):
                sockets += burst(gateway, 1)
                assert answered(sockets[-1])
            client.send(b"hello")
            assert client.answer().json["size"] == 5
            client.__exit__()
            eventually(lambda: busy not in gateway.children(), "it did not end", PATIENCE)
            # A SIGTERM that comes while the new one starts would be lost.
            eventually(lambda: bool(gateway.serving() - before), "it was not replaced", PATIENCE)
