"""Clients that always have something to send, and what the others get meanwhile: their answers."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from objgw_site.server.tests.server import Client, Server, request, served, transport
from tests.support.certificates import tls_transport
from tests.support.processor import busy_beside
from tests.support.servers import Transport

__all__ = ["tls_transport", "transport"]

#: Long enough for a loaded machine, and shorter than gunicorn's patience with a worker that hangs.
FLOOD_SECONDS = 30.0
#: Between the requests of a client that is to have no large part of the worker.
PAUSE = 0.005
#: Not a trusted proxy.
MALLORY = "127.0.0.66"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def server(transport: Transport) -> Iterator[Server]:
    # One worker, so that what holds it up holds up everything.
    with served(transport, OBJGW_CLIENT_TIMEOUT="60") as server:
        yield server


@contextmanager
def flood(
    server: Server, head: str, piece: bytes, source: str = "127.0.0.1"
) -> Iterator[threading.Event]:
    """A client that sends ``piece`` without end; the event says that the connection ended."""
    stop, ended = threading.Event(), threading.Event()
    sock = socket.create_connection(
        ("127.0.0.1", server.port), timeout=FLOOD_SECONDS, source_address=(source, 0)
    )
    if server.tls is not None:
        sock = server.tls.wrap_socket(sock, server_hostname="127.0.0.1")
    begun = threading.Event()
    data = piece * (65536 // len(piece))

    def send() -> None:
        with contextlib.suppress(OSError):
            sock.sendall(head.encode())
            for number in range(2**31):
                if stop.is_set():
                    return
                sock.sendall(data)
                if number == 16:
                    begun.set()
        ended.set()
        begun.set()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        assert begun.wait(FLOOD_SECONDS)
        yield ended
    finally:
        stop.set()
        with contextlib.suppress(OSError):
            # Not that of TLS, which is not for two threads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        sender.join()
        sock.close()


@pytest.mark.parametrize(
    ("path", "piece"),
    [
        pytest.param("/read", b"1\r\nx\r\n", id="one byte a chunk"),
        pytest.param("/read", b"1;a=b\r\nx\r\n", id="chunks with extensions"),
        pytest.param("/read", b"1000\r\n" + b"x" * 4096 + b"\r\n", id="chunks of 4 KiB"),
        pytest.param("/refuse", b"1\r\nx\r\n", id="behind a refusal"),
    ],
)
def test_chunks_without_end(server: Server, path: str, piece: bytes) -> None:
    with flood(server, request("PUT", path, CHUNKED), piece), Client(server) as client:
        for _ in range(5):
            assert client.ask("GET", "/chunks").body == b"onetwo"


def test_a_body_of_known_length_without_end(server: Server) -> None:
    head = request("PUT", "/read", f"Content-Length: {2**50}")
    with flood(server, head, b"x"), Client(server) as client:
        for _ in range(5):
            assert client.ask("GET", "/chunks").body == b"onetwo"


def test_a_head_without_end(server: Server) -> None:
    """It is refused, and what comes behind it is taken turn by turn."""
    with flood(server, "GET /read HTTP/1.1\r\n", b"a: b\r\n"), Client(server) as client:
        for _ in range(5):
            assert client.ask("GET", "/chunks").body == b"onetwo"


def take_all(client: Client) -> None:
    with contextlib.suppress(OSError):
        while client.socket.recv(2**18):
            pass


SLOWED = f"{MALLORY} keeps this worker busy"


def slowed_down_for(server: Server, source: str) -> None:
    """Ask for something, as another client, until the server says that Mallory is slowed down."""
    assert not any(SLOWED in line for line in server.log)
    with Client(server, source) as client:
        told = threading.Thread(target=partial(server.wait_for_line, SLOWED, since=0))
        told.start()
        while told.is_alive():
            assert client.ask("GET", "/chunks").body == b"onetwo"
            told.join(PAUSE)
    assert any(SLOWED in line for line in server.log)


@pytest.mark.parametrize("source", ["127.0.0.67", "127.0.0.1"])
def test_who_takes_much_is_slowed_down_for_others(transport: Transport, source: str) -> None:
    """For other clients, and for a proxy, as 127.0.0.1 is one."""
    head = request("PUT", "/read", CHUNKED)
    with served(transport) as server, flood(server, head, b"1\r\nx\r\n", MALLORY):
        slowed_down_for(server, source)
    assert not any("was sent SIG" in line for line in server.log), server.log


def test_on_a_busy_machine_too(transport: Transport) -> None:
    """Where the worker has less of a processor than the part of a worker that one client has."""
    head = request("PUT", "/read", CHUNKED)
    with (
        served(transport) as server,
        busy_beside(server.worker_pid(), 6),
        flood(server, head, b"1\r\nx\r\n", MALLORY),
    ):
        slowed_down_for(server, "127.0.0.67")


def test_within_an_answer_too(transport: Transport) -> None:
    with served(transport) as server, Client(server, MALLORY) as greedy:
        greedy.send(request("GET", "/endless"))
        taker = threading.Thread(target=take_all, args=(greedy,))
        taker.start()
        try:
            slowed_down_for(server, "127.0.0.67")
        finally:
            socket.socket.shutdown(greedy.socket, socket.SHUT_RDWR)
            taker.join()


def test_nobody_is_slowed_down_where_that_is_not_wanted(transport: Transport) -> None:
    head = request("PUT", "/read", CHUNKED)
    with (
        served(transport, OBJGW_CLIENT_SHARE="100") as server,
        flood(server, head, b"1\r\nx\r\n", MALLORY),
        Client(server) as client,
    ):
        for _ in range(100):
            assert client.ask("GET", "/chunks").body == b"onetwo"
        assert not any("keeps this worker busy" in line for line in server.log)
