"""Waiting in gevent's event loop where its sockets would go on at once.

gevent's ``recv`` does not go to the event loop while there is something to read, so one connection
could keep all others of its worker waiting.
"""

import socket
import struct
import time
from contextlib import suppress
from typing import Any

#: SO_LINGER of socket(7): closing throws away what was not taken yet.
_NO_LINGER = struct.pack("ii", 1, 0)

#: Received at once of what nobody will look at.
_DRAINED = 64 * 1024


def end_of_input(sock: Any) -> None:
    """Make a socket read as ended once what has arrived is read.

    gevent's own ``shutdown`` would end the waiting ``recv`` by an exception, read or not, so it is
    the plain socket's, which gevent keeps as ``_sock``. Takes no descriptor: there may be none.
    """
    sock._sock.shutdown(socket.SHUT_RD)  # noqa: SLF001


def abandon(sock: Any) -> None:
    """End both directions: a waiting ``recv`` sees the end, a waiting ``send`` an OSError.

    What the peer has not taken yet is thrown away when the socket is closed.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001


def waits_to_receive(sock: Any) -> bool:
    """Whether a greenlet waits for something to read, in gevent's ``recv`` or `await_readable`."""
    return bool(sock._read_event.active)  # noqa: SLF001


def waits_to_send(sock: Any) -> bool:
    """Whether a greenlet waits for its peer to take something."""
    return bool(sock._write_event.active)  # noqa: SLF001


def await_readable(sock: Any) -> None:
    """Wait in the event loop until a gevent socket can be read from, even if it can be already.

    As its ``recv`` does when there is nothing, with the watcher and the timeout that it has.
    """
    sock._wait(sock._read_event)  # noqa: SLF001  (gevent.socket.wait_read makes a watcher each time)


def receive(sock: Any, size: int) -> bytes:
    """``recv`` that waits in the event loop first, so that the other connections get their turn."""
    # What TLS has decrypted already is no reason to wait for more.
    if not getattr(sock, "pending", int)():
        await_readable(sock)
    data: bytes = sock.recv(size)
    return data


def end_gently(sock: Any, seconds: float, size: int) -> None:
    """Close a connection so that its client can read the answer (RFC 9112 section 9.6).

    A socket that is closed with something unread in it resets the connection, and the answer may
    be lost.

    :param seconds: for which is waited for the client to end it.
    :param size: the most bytes that are still taken from it.
    """
    deadline = time.monotonic() + seconds
    with suppress(OSError), sock:
        sock.shutdown(socket.SHUT_WR)
        while size > 0 and (remaining := deadline - time.monotonic()) > 0:
            sock.settimeout(remaining)
            data = receive(sock, min(size, _DRAINED))
            if not data:
                break
            size -= len(data)
