"""How an answer is sent to a client: head and first piece of the body in one packet."""

import socket
import sys
import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from objgw_site.server import internals
from objgw_site.server.body import body_was_read
from objgw_site.server.shares import take_turn

#: First pieces of a body up to this size are sent together with the head.
_ONE_WRITE = 64 * 1024

#: What the kernel keeps of an answer that a client does not take. By itself it would keep 4 MB, and
#: a download that nobody reads would cost almost three times the CPU time.
_UNSENT = 128 * 1024
#: A client that has taken about so many bytes of an answer gets as much of the kernel's memory as
#: the kernel finds useful: with the bound, a large download is a tenth slower.
_TAKEN = 1024 * 1024
#: The socket's value for "no bound of its own".
_UNBOUNDED = 0


class GatewayResponse(internals.Response):  # type: ignore[misc]  # gunicorn has no type hints
    """Sends head and first piece together, and closes after a request that was not read."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.headers_sent = False
        self._head = b""
        self._unbounded_from = _TAKEN

    def should_close(self) -> bool:
        return bool(super().should_close()) or not body_was_read(self.req)

    def default_headers(self) -> list[str]:
        """The status line and the header fields that are the server's own."""
        lines = [
            # RFC 9110 section 2.5: the highest version that the server conforms to.
            f"HTTP/1.1 {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {http_date(int(time.time()))}\r\n",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}\r\n",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        return lines

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers)]
        self._head = "".join((*lines, "\r\n")).encode("latin-1")
        self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if not head:
            take_turn()
        if self.chunked:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        if head and len(data) > _ONE_WRITE:
            send_all(self.sock, head)
            head = b""
        send_all(self.sock, head + data if head else data)
        if self.sent > self._unbounded_from:
            self._unbounded_from = sys.maxsize
            _set_unsent(self.sock, _UNBOUNDED)

    def close(self) -> None:
        self.send_headers()
        head, self._head = self._head, b""
        if head:
            send_all(self.sock, head)
        super().close()


@lru_cache(maxsize=1)
def http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def send_all(sock: socket.socket, data: bytes) -> None:
    """``sendall`` whose timeout is for progress, not for all of it."""
    sent = sock.send(data)
    if sent < len(data):
        rest = memoryview(data)[sent:]
        while rest:
            rest = rest[sock.send(rest) :]


def bound_unsent(sock: socket.socket) -> None:
    """Bound what the kernel keeps of an answer for a client that does not take it.

    :param sock: of TCP, or nothing is done; a listening one hands the bound on.
    """
    _set_unsent(sock, _UNSENT)


def _set_unsent(sock: socket.socket, size: int) -> None:
    """TCP_NOTSENT_LOWAT of tcp(7)."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, size)
