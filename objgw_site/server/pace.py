"""The minimum rate at which a client has to send or take a body.

Once a second, the worker asks the kernel how many bytes have moved on each busy connection
(``tcpi_bytes_acked`` and ``tcpi_bytes_received`` of tcp(7), TCP_INFO), so transfers themselves cost
nothing more. A client begins with some seconds of credit. Each second in which the worker waits for
it takes one away, and each byte gives back what it takes at the least rate: whoever is faster than
that on the average goes on for ever.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from objgw_site.server.connection import Connection
from objgw_site.server.internals import waits_to_receive, waits_to_send

#: Where the two counters are in the kernel's struct tcp_info (linux/tcp.h, since Linux 4.1).
_COUNTERS = struct.Struct("=QQ")
_OFFSET = 120
_LENGTH = _OFFSET + _COUNTERS.size


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """
    :ivar rate: bytes per second; 0 for none.
    :ivar grace: seconds of credit at the beginning of a request.
    :ivar most: the most seconds of credit that bytes can earn.
    """

    rate: int
    grace: float
    most: float


class Pace:
    """How much credit a client has left in its present request."""

    __slots__ = ("credit", "moved")

    def __init__(self, credit: float, moved: int) -> None:
        self.credit = credit
        self.moved = moved


def too_slow(
    connections: Iterable[Connection], limits: PaceLimits, elapsed: float
) -> list[Connection]:
    """The connections whose credit is used up.

    :param connections: those that have a request.
    :param elapsed: seconds since it was last called.
    """
    if limits.rate == 0:
        return []
    return [found for found in connections if _exhausted(found, limits, elapsed)]


def _exhausted(connection: Connection, limits: PaceLimits, elapsed: float) -> bool:
    moved = _moved(connection.client)
    if moved is None:
        return False
    pace = connection.pace
    if pace is None:
        connection.pace = Pace(limits.grace, moved)
        return False
    earned = (moved - pace.moved) / limits.rate
    pace.moved = moved
    pace.credit = min(pace.credit + earned, max(limits.grace, limits.most))
    if waits_to_receive(connection.client) or waits_to_send(connection.client):
        pace.credit -= elapsed
    return bool(pace.credit <= 0)


def _moved(client: socket.socket) -> int | None:
    """Bytes that this client has sent and taken so far; None where the kernel does not tell."""
    try:
        info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LENGTH)
    except (AttributeError, OSError):
        return None
    if len(info) < _LENGTH:
        return None
    acknowledged, received = _COUNTERS.unpack_from(info, _OFFSET)
    # It has sent a request, so 0 means that nothing is counted.
    return acknowledged + received if received else None
