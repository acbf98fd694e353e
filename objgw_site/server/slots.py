"""The slots of a worker: which connections are served, and which are ended to make room for them.

A worker has a fixed number of slots. When they are all taken, the connection that has waited
longest for its next request makes room for a new one. When all of them are busy, a new connection
is taken into a small reserve, in which health checks are answered and everything else is refused
with 503: a full gateway must not look like a dead one. One client address may take a part of the
slots only.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from objgw_site.server.connection import Connection
from objgw_site.server.errors import TooManyConnections, TooManyConnectionsOfClient
from objgw_site.server.proxies import Networks
from problems.problem import Problem

logger = logging.getLogger("objgw.worker")

#: Connections beyond the slots that are taken in to hear what they want.
RESERVE = 32
#: What is served to a connection in the reserve.
HEALTH_PATHS = frozenset({"/livez", "/readyz"})
#: Seconds that a connection in the reserve has for its request.
RESERVE_SECONDS = 2.0
#: Looking for the longest idle connection may take one part in so many of the worker's time.
_LOOK_PAUSE = 10
_COMPLAIN_SECONDS = 60.0
#: Connections that are ended at once when descriptors run out.
_ROOM = 8
#: An IPv6 client has a whole network of this size, so that is what is counted as one.
_IPV6_CLIENT_BITS = 64


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many connections.

    :ivar slots: of all clients.
    :ivar per_client: of one client address.
    :ivar proxies: addresses for which ``per_client`` does not apply, since many clients stand
        behind each.
    """

    slots: int
    per_client: int
    proxies: Networks


class Holders:
    """A set of connections that finds the one that has been idle for longest."""

    def __init__(self) -> None:
        self.members: set[Connection] = set()
        self._found: deque[tuple[float, Connection]] = deque()
        self._look_again = 0.0

    def __len__(self) -> int:
        return len(self.members)

    def pop_longest_idle(self) -> Connection | None:
        """The longest idle member; None when none is idle, as far as was looked."""
        while True:
            while self._found:
                since, connection = self._found.popleft()
                if connection.idle_since == since and connection in self.members:
                    return connection
            began = time.monotonic()
            if began < self._look_again:
                return None
            idle = [(c.idle_since, c) for c in self.members if c.idle_since is not None]
            idle.sort(key=lambda entry: entry[0])
            self._found.extend(idle)
            ended = time.monotonic()
            self._look_again = ended + _LOOK_PAUSE * (ended - began)
            if not idle:
                return None


class Slots:
    """The slots of one worker.

    :param end: ends a connection that waits for a request, without waiting for it.
    """

    def __init__(self, limits: SlotLimits, end: Callable[[Connection], None]) -> None:
        self._limits = limits
        self._end_connection = end
        self._taken = Holders()
        self._reserve = Holders()
        self._clients: dict[str, Holders] = {}
        self._silent_until: dict[type[Problem], float] = {}

    def admit(self, connection: Connection, host: str | None) -> None:
        """Give a new connection a slot, or a place in the reserve.

        :param host: the client's address; None for a Unix socket.
        """
        connection.client_key = self._client_key(host)
        if not self._take_slot(connection):
            if len(self._reserve) >= RESERVE:
                self._end_longest_idle(self._reserve)
            connection.reserved = True
            self._reserve.members.add(connection)

    def leave(self, connection: Connection) -> None:
        """The connection has ended."""
        self._taken.members.discard(connection)
        self._reserve.members.discard(connection)
        self._forget_client(connection)

    def check_request(self, connection: Connection, path: str) -> None:
        """Whether the request of a connection in the reserve is served, in a slot or as it is.

        :raises TooManyConnections, TooManyConnectionsOfClient: when it is not.
        """
        if path in HEALTH_PATHS:
            return
        if not self._take_slot(connection):
            problem = self._refusal(connection)
            self._complain(problem, connection)
            # From here on it may be ended at any time: what is left to do is to be polite.
            connection.idle_since = time.monotonic()
            raise problem
        self._reserve.members.discard(connection)
        connection.reserved = False

    def make_room(self) -> bool:
        """End some idle connections, for what they hold is scarce. False when there are none."""
        ended = [self._end_longest_idle(self._taken) for _ in range(_ROOM)]
        return any(ended)

    def end_idle(self, now: float, *, taken: float, reserved: float) -> None:
        """End what has been idle for longer than ``taken`` seconds, in the reserve ``reserved``."""
        for holders, seconds in ((self._taken, taken), (self._reserve, reserved)):
            for connection in list(holders.members):
                if connection.idle_since is not None and connection.idle_since <= now - seconds:
                    self._end(connection)

    def busy(self) -> Iterator[Connection]:
        """The connections with a slot that have a request."""
        return (held for held in self._taken.members if held.idle_since is None)

    def _take_slot(self, connection: Connection) -> bool:
        """Give the connection a slot if there is one, or can be one."""
        client = self._clients.get(connection.client_key) if connection.client_key else None
        if (
            client is not None
            and len(client) >= self._limits.per_client
            and not self._end_longest_idle(client)
        ):
            return False
        if len(self._taken) >= self._limits.slots and not self._end_longest_idle(self._taken):
            return False
        self._taken.members.add(connection)
        if connection.client_key:
            self._clients.setdefault(connection.client_key, Holders()).members.add(connection)
        return True

    def _refusal(self, connection: Connection) -> Problem:
        client = self._clients.get(connection.client_key) if connection.client_key else None
        if client is not None and len(client) >= self._limits.per_client:
            return TooManyConnectionsOfClient(
                f"{len(client)} connections from your address are busy, the most for one client; "
                "reuse them, or wait for one to become free."
            )
        return TooManyConnections()

    def _complain(self, problem: Problem, connection: Connection) -> None:
        now = time.monotonic()
        if now < self._silent_until.get(type(problem), 0.0):
            return
        self._silent_until[type(problem)] = now + _COMPLAIN_SECONDS
        if isinstance(problem, TooManyConnectionsOfClient):
            logger.warning(
                "refused a request of %s, which has %d busy connections to this worker, the most "
                "for one client; if it is a proxy, add it to OBJGW_TRUSTED_PROXIES (said once in "
                "%.0f s)",
                connection.client_key,
                self._limits.per_client,
                _COMPLAIN_SECONDS,
            )
        else:
            logger.warning(
                "refused a request: all %d connections of this worker are busy (said once in "
                "%.0f s)",
                self._limits.slots,
                _COMPLAIN_SECONDS,
            )

    def _end_longest_idle(self, holders: Holders) -> bool:
        connection = holders.pop_longest_idle()
        if connection is None:
            return False
        self._end(connection)
        return True

    def _end(self, connection: Connection) -> None:
        # Its greenlet ends within a turn of the event loop, so its slot counts as free. Should its
        # request have come at this very moment, that is treated as one from the reserve.
        self.leave(connection)
        connection.reserved = True
        self._end_connection(connection)

    def _forget_client(self, connection: Connection) -> None:
        client = self._clients.get(connection.client_key) if connection.client_key else None
        if client is not None:
            client.members.discard(connection)
            if not client.members:
                del self._clients[connection.client_key]

    def _client_key(self, host: str | None) -> str:
        """What stands for a client; "" when it may have all slots."""
        if host is None:
            return ""
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address in self._limits.proxies:
            return ""
        if isinstance(address, IPv4Address):
            return str(address)
        shift = 128 - _IPV6_CLIENT_BITS
        return f"{IPv6Address(int(address) >> shift << shift)}/{_IPV6_CLIENT_BITS}"
