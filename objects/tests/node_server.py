"""A node that does on each connection just what a test tells it to, over real sockets."""

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

#: For what must happen; nothing waits this long unless it fails.
PATIENCE = 10.0


class Peer:
    """The node's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = b""

    def request(self) -> bytes:
        """The head of the next request, b"" when the client hung up instead."""
        while b"\r\n\r\n" not in self._buffer:
            more = self._socket.recv(65536)
            if not more:
                return b""
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def body(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer when the client hung up."""
        while len(self._buffer) < size:
            more = self._socket.recv(65536)
            if not more:
                break
            self._buffer += more
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def some(self) -> bytes:
        """What comes next, b"" when the client hung up."""
        return self._socket.recv(65536)

    def until_hung_up(self) -> bytes:
        """Whatever else the client sends before it ends the connection."""
        data, self._buffer = self._buffer, b""
        while more := self._socket.recv(65536):
            data += more
        return data


Script = Callable[[Peer], None]


class NodeServer:
    """Plays one script on each connection, the last one on all further ones.

    :ivar heads: the head of each request answered by `says`, connection by connection.
    :ivar tls: with which it speaks TLS; None for plain HTTP.
    """

    tls: ssl.SSLContext | None = None

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._accepting = threading.Thread(target=self._accept)
        self.accepted = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(PATIENCE)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
        if kind is None:
            assert not any(thread.is_alive() for thread in self._threads), "a script never ended"
            for failure in self._failures:
                raise failure

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            # With TLS, what follows its session tickets would wait for their acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
            self.accepted += 1
            thread = threading.Thread(target=self._play, args=(script, sock))
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        if self.tls is not None:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError:  # the client may not want it
                sock.close()
                return
        with sock:
            try:
                script(Peer(sock))
            except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                pass
            except BaseException as failure:  # noqa: BLE001  (handed to the test)
                self._failures.append(failure)


def says(*answers: bytes, then_wait: bool = True) -> Script:
    """One answer after the other, each to a request without a body.

    :param then_wait: keep the connection until the client ends it; else end it at once.
    """

    def script(peer: Peer) -> None:
        for answer in answers:
            if not peer.request():
                return
            peer.send(answer)
        if then_wait:
            peer.until_hung_up()

    return script


def ok(body: bytes = b"", *fields: str) -> bytes:
    """A complete answer."""
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
