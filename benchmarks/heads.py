"""HEAD requests, which wrk cannot do: it waits for the body that is never sent."""

import selectors
import socket
import statistics
import time

from benchmarks.failure import CannotMeasure
from benchmarks.load import Load
from benchmarks.servers import Server


class _Connection:
    """One connection that sends a request as soon as the last one is answered."""

    def __init__(self, server: Server) -> None:
        host, _, port = server.address.rpartition(":")
        self.sock = socket.create_connection((host, int(port)), timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._since = 0.0

    def send(self, request: bytes) -> None:
        self._received = b""
        self._since = time.perf_counter()
        self.sock.sendall(request)

    def answered_after(self) -> float | None:
        """Seconds from request to answer, None while it is not complete."""
        data = self.sock.recv(65536)
        self._received += data
        if not self._received.endswith(b"\r\n\r\n"):
            if not data:
                raise CannotMeasure("a connection ended within a HEAD request")
            return None
        if not self._received.startswith(b"HTTP/1.1 200"):
            raise CannotMeasure(f"HEAD was answered with {self._received[:100]!r}")
        return time.perf_counter() - self._since


def load(server: Server, targets: list[str], connections: int, seconds: float) -> Load:
    """Send HEAD requests for some seconds."""
    requests = [
        f"HEAD {target} HTTP/1.1\r\n{server.field_lines}\r\n".encode() for target in targets
    ]
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        opened = [_Connection(server) for _ in range(connections)]
        started = time.perf_counter()
        for number, connection in enumerate(opened):
            selector.register(connection.sock, selectors.EVENT_READ, connection)
            connection.send(requests[number % len(requests)])
        position = connections
        while (elapsed := time.perf_counter() - started) < seconds:
            for key, _ in selector.select(timeout=20):
                connection = key.data
                latency = connection.answered_after()
                if latency is not None:
                    latencies.append(latency)
                    connection.send(requests[position % len(requests)])
                    position += 1
        for connection in opened:
            connection.sock.close()
    if len(latencies) < 2:
        raise CannotMeasure(f"{server.name} answered {len(latencies)} HEAD requests")
    cuts = statistics.quantiles(latencies, n=100)
    return Load(len(latencies), elapsed, cuts[49], cuts[98])
