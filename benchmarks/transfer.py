"""Large bodies, sent and received in pieces of a megabyte so that the client costs little."""

import itertools
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.cases import MIB
from benchmarks.failure import CannotMeasure
from benchmarks.load import Load
from benchmarks.servers import Server

_PIECE = memoryview(b"x" * MIB)
_TIMEOUT = 120.0


class Transfer:
    """One kept connection that moves one body at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        host, _, port = server.address.rpartition(":")
        self._sock = socket.create_connection((host, int(port)), timeout=_TIMEOUT)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(MIB)

    def close(self) -> None:
        self._sock.close()

    def get(self, object_id: str, size: int) -> None:
        """Receive an object and forget it."""
        self._send_head("GET", object_id, "")
        length, received = self._answer({200})
        if length != size:
            raise CannotMeasure(f"{self._server.name} announced {length} of {size} bytes")
        self._receive(length - received)

    def put(self, object_id: str, size: int, *, chunked: bool = False) -> None:
        """Send an object, with its length or in chunked coding."""
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        self._send_head("PUT", object_id, f"{framing}\r\n")
        for left in range(size, 0, -MIB):
            piece = _PIECE[: min(left, MIB)]
            if chunked:
                self._sock.sendall(b"%X\r\n" % len(piece))
                self._sock.sendall(piece)
                self._sock.sendall(b"\r\n")
            else:
                self._sock.sendall(piece)
        if chunked:
            self._sock.sendall(b"0\r\n\r\n")
        length, received = self._answer({200, 201})
        self._receive(length - received)

    def _send_head(self, method: str, object_id: str, more: str) -> None:
        target = self._server.target(method, object_id)
        fields = self._server.field_lines
        self._sock.sendall(f"{method} {target} HTTP/1.1\r\n{fields}{more}\r\n".encode())

    def _answer(self, expected: set[int]) -> tuple[int, int]:
        """The length of an answer's body, and how much of that is here already."""
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            more = self._sock.recv(65536)
            if not more:
                raise CannotMeasure(f"{self._server.name} hung up")
            data += more
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        if int(first.split()[1]) not in expected:
            raise CannotMeasure(f"{self._server.name} answered {data[:500]!r}")
        fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        return int(fields.get("content-length", 0)), len(data) - end - 4

    def _receive(self, left: int) -> None:
        view = memoryview(self._buffer)
        while left > 0:
            count = self._sock.recv_into(view[: min(left, MIB)])
            if not count:
                raise CannotMeasure(f"{self._server.name} broke off {left} bytes before the end")
            left -= count


def load(
    server: Server,
    method: str,
    size: int,
    object_ids: list[str],
    *,
    connections: int,
    chunked: bool = False,
) -> Load:
    """Move every object once, over some connections side by side."""
    shares = [object_ids[number::connections] for number in range(connections)]
    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        timings = [
            threads.submit(_move, server, method, size, share, chunked=chunked)
            for share in shares
            if share
        ]
        latencies = list(itertools.chain.from_iterable(timing.result() for timing in timings))
    seconds = time.perf_counter() - started
    return Load(len(latencies), seconds, statistics.median(latencies), max(latencies))


def _move(
    server: Server, method: str, size: int, object_ids: list[str], *, chunked: bool
) -> list[float]:
    transfer = Transfer(server)
    try:
        return list(_timed(transfer, method, size, object_ids, chunked=chunked))
    except OSError as error:
        raise CannotMeasure(f"{server.name}: {method} broke off: {error}") from error
    finally:
        transfer.close()


def _timed(
    transfer: Transfer, method: str, size: int, object_ids: list[str], *, chunked: bool
) -> Iterator[float]:
    for object_id in object_ids:
        started = time.perf_counter()
        if method == "PUT":
            transfer.put(object_id, size, chunked=chunked)
        else:
            transfer.get(object_id, size)
        yield time.perf_counter() - started
