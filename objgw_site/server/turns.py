"""Reading that waits in the event loop even when there is something to read; ways to end a socket.

gevent's ``recv`` does not go to the event loop while there is something to read, so one connection
could keep all others of its worker waiting.
"""

import socket
import struct
import time
from contextlib import suppress
from typing import Any

from objgw_site.server.internals import await_readable, plain_socket
from objgw_site.server.shares import take_turn

#: SO_LINGER of socket(7): closing throws away what was not taken yet.
_NO_LINGER = struct.pack("ii", 1, 0)

#: The most that is received at once of what is thrown away.
_DRAINED = 64 * 1024


def end_of_input(sock: Any) -> None:
    """Make a socket read as ended once what has arrived is read.

    gevent's own ``shutdown`` would end a waiting ``recv`` by an exception, whether there is
    something to read or not. Needs no descriptor: there may be none.
    """
    plain_socket(sock).shutdown(socket.SHUT_RD)


def abandon(sock: Any) -> None:
    """End both directions: a waiting ``recv`` sees the end, a waiting ``send`` an OSError.

    What the peer has not taken yet is thrown away when the socket is closed.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    plain_socket(sock).shutdown(socket.SHUT_RDWR)


def receive(sock: Any, size: int) -> bytes:
    """``recv`` that waits in the event loop first, so that the other connections get their turn."""
    # What TLS has decrypted already is no reason to wait for more.
    if not getattr(sock, "pending", int)():
        take_turn()
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
