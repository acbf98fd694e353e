"""A TCP proxy before a node that writes down the S3 requests it passes on."""

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import httptools

from demo.harness.s3nodes import LocalNode
from objects.layout import LAYOUT_KEY

_LAYOUT = f"/{LAYOUT_KEY}".encode()


class _Recorder:
    """What httptools reports of the requests of one connection."""

    def __init__(self, requests: list[str]) -> None:
        self._requests = requests
        self._target = b""
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_headers_complete(self) -> None:
        if not self._target.endswith(_LAYOUT):
            self._requests.append(f"{self.parser.get_method().decode()} {self._target.decode()}")


class CountingProxy:
    """Passes every byte on as it is, so signatures stay right for the proxy's own address."""

    def __init__(self, node: LocalNode) -> None:
        self._upstream = (node.host, node.port)
        self._listener = socket.create_server((node.host, 0))
        self._open: set[socket.socket] = {self._listener}
        self._lock = threading.Lock()
        #: Method and target of every request so far. The layout is read without being asked for by
        #: a client, and is left out.
        self.requests: list[str] = []
        #: The node as the gateway is to know it.
        self.node = dataclasses.replace(node, port=self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            for sock in self._open:
                # Wakes whoever waits for it, which close alone does not.
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                node = socket.create_connection(self._upstream)
                with self._lock:
                    self._open |= {client, node}
                for pump in (self._requests_of, self._answers_to):
                    threading.Thread(target=pump, args=(client, node), daemon=True).start()

    def _requests_of(self, client: socket.socket, node: socket.socket) -> None:
        recorder = _Recorder(self.requests)
        for data in _pieces(client):
            recorder.parser.feed_data(data)
            node.sendall(data)
        with contextlib.suppress(OSError):
            node.shutdown(socket.SHUT_WR)

    def _answers_to(self, client: socket.socket, node: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for data in _pieces(node):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def _pieces(sock: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := sock.recv(65536):
            yield data


@contextlib.contextmanager
def counting(nodes: Sequence[LocalNode]) -> Iterator[list[CountingProxy]]:
    """A proxy before each node."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(CountingProxy(node)) for node in nodes]
