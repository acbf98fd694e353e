"""Fair shares of a worker's processor time: a client that takes too much is slowed down.

A worker serves one connection at a time, each until it waits for something. So a client whose
requests cost much makes all others wait, and each of its connections takes one turn more. Kernels
know that from processes, and here it is done as they did it at first: a timer that runs with the
processor time of the worker (ITIMER_PROF of setitimer(2)) counts for the client that is being
served when it rings, which costs nothing that can be measured.

A client that took more than its part of the worker in the last moments has no more than that while
others ask for something. It pays for what it takes at a steady rate, as in a leaky bucket; that is
kept as the time at which all will be paid (the *generic cell rate algorithm* of ITU-T I.371). When
it owes too much, its connections wait before they wait in the event loop, and then go on one after
the other. Alone, or among others that take as much, it has no limit.

What counts is the part of the time in which the worker could run: on a machine that is busy with
other things, who has all that is left for the worker has all of it.
"""

import logging
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import gevent

from objgw_site.server.processor import AvailableTime

logger = logging.getLogger("objgw.worker")

#: Seconds of processor time between two rings. No kernel counts in longer steps.
TICK = 0.01
#: What a client took counts less as time passes; after so many seconds, by 1/e.
_MEMORY = 0.3
#: Who had to wait still counts as one that takes too much for so many seconds.
_STILL = 1.0
#: Seconds of processor time that it may owe without having to wait.
_CREDIT = 0.02
#: Those that one who has to wait pays for its turn in advance.
_TURN = 0.001
#: Requests a second from which on a client asks for something: more than health checks do.
ACTIVE = 5
_COMPLAIN_SECONDS = 60.0


class Share:
    """What one client has of a worker.

    :ivar key: its address, or network; "" for all those that no limit applies to.
    :ivar requests: since they were counted last.
    :ivar connections: that it has open.
    :ivar take_turn: see `Shares.take_turn`.
    """

    __slots__ = (
        "_recent",
        "connections",
        "heavy_until",
        "key",
        "paid_at",
        "requests",
        "rung_at",
        "take_turn",
    )

    def __init__(self, key: str, take_turn: "Callable[[Share], None]") -> None:
        self.key = key
        self.take_turn = take_turn
        self.requests = 0
        self.connections = 0
        #: On the clock of the shares, as are the other times: until when it counts as one that
        #: takes too much; 0 for one that does not.
        self.heavy_until = 0.0
        #: When all that it took since it is one will be paid for.
        self.paid_at = 0.0
        #: What it took lately, when that was counted.
        self._recent = 0.0
        self.rung_at = 0.0

    def took(self, now: float) -> float:
        """Count a `TICK`; the part of the time that it takes lately."""
        self._recent = self._recent * math.exp((self.rung_at - now) / _MEMORY) + TICK
        self.rung_at = now
        return self._recent / _MEMORY


_served: ContextVar[Share | None] = ContextVar("served", default=None)


def begin_request() -> None:
    """Count a request of the client that is being served, which takes its turn first."""
    share = _served.get()
    if share is not None:
        share.requests += 1
        take_turn()


def take_turn() -> None:
    """To be called before a wait in the event loop: a client that owes too much waits here."""
    share = _served.get()
    if share is not None and share.heavy_until:
        share.take_turn(share)


class Shares:
    """The clients of one worker.

    :param part: of the worker's time, above 0 up to 1, that one client has while there are others;
        1 for no limit.
    :param clock: a monotonic one; None for the time in which the worker could run.
    :param sleep: waits so many seconds.
    """

    def __init__(
        self,
        part: float,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = gevent.sleep,
    ) -> None:
        self._part = part
        self._clock = clock or AvailableTime()
        self._sleep = sleep
        self._clients: dict[str, Share] = {}
        self._active: list[Share] = []
        self._silent_until = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts inside of the block; without a limit, the timer is left to others."""
        if self._part == 1:
            yield
            return
        self._clock()  # It needs a descriptor, and there is one now.
        signal.signal(signal.SIGPROF, lambda signum, frame: self.ring())
        # What a signal interrupts goes on by itself.
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
        try:
            yield
        finally:
            # At its end Python forgets the handler, and the next ring would kill the worker.
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, signal.SIG_IGN)

    @contextmanager
    def serving(self, key: str) -> Iterator[Share]:
        """Around a connection of a client: what this greenlet does from now on counts for the
        client, and so does what others do for it.
        """
        share = self._clients.get(key)
        if share is None:
            share = self._clients[key] = Share(key, self.take_turn)
        share.connections += 1
        _served.set(share)
        try:
            yield share
        finally:
            share.connections -= 1

    def ring(self) -> None:
        """Count `TICK` for the client that is being served."""
        share = _served.get()
        if share is None or not share.key:
            return
        now = self._clock()
        too_much = share.took(now) > self._part
        if share.heavy_until >= now:
            share.paid_at = max(share.paid_at, now) + TICK / self._part
        elif too_much:
            share.paid_at = now
        if too_much:
            share.heavy_until = now + _STILL

    def count(self) -> None:
        """To be called once a second: see who asks for something, and forget who has gone."""
        now = self._clock()
        self._active = [each for each in self._clients.values() if each.requests >= ACTIVE]
        for share in list(self._clients.values()):
            share.requests = 0
            if share.connections == 0 and share.rung_at < now - _STILL:
                del self._clients[share.key]

    def take_turn(self, share: Share) -> None:
        """Let a client that takes too much wait, if it keeps others waiting."""
        now = self._clock()
        if share.heavy_until < now:
            share.heavy_until = 0.0
            return
        wait = share.paid_at - _CREDIT / self._part - now
        if wait <= 0:
            return
        if not any(other.heavy_until < now for other in self._active):
            share.paid_at = now
            return
        share.heavy_until = now + _STILL
        share.paid_at += _TURN / self._part
        self._say(share, now)
        self._sleep(wait)

    def _say(self, share: Share, now: float) -> None:
        if now < self._silent_until:
            return
        self._silent_until = now + _COMPLAIN_SECONDS
        logger.warning(
            "%s keeps this worker busy while others ask for something, and is slowed down to "
            "%.0f %% of its time (OBJGW_CLIENT_SHARE); if it is a proxy, add it to "
            "OBJGW_TRUSTED_PROXIES (said once in %.0f s)",
            share.key,
            100 * self._part,
            _COMPLAIN_SECONDS,
        )
