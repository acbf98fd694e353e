"""Whether objects may still be moved, and how fast."""

import threading
import time

from objects.layout import Layout
from objects.layout.keeper import Keeper

_PAUSE = 0.05
#: Seconds after which one who waits for the pace looks whether it is still wanted.
_SLICE = 0.5


class Overtaken(Exception):
    """The layout is another one now, which somebody else has brought about."""


class Stopped(Exception):
    """It is to end."""


class Pace:
    """A limit for many threads together. What was sent is paid for afterwards.

    :param rate: bytes a second, None for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._free_at = 0.0
        self._lock = threading.Lock()

    def spend(self, size: int) -> float:
        """Seconds to wait now that so many bytes were sent."""
        if self._rate is None or not size:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size / self._rate
            return self._free_at - now


class Permit:
    """Given for as long as a version of the layout is known to be in force.

    A mover may have slept for any time between two steps, and others may have gone on.
    """

    def __init__(self, keeper: Keeper, layout: Layout, pace: Pace, stop: threading.Event) -> None:
        self._keeper = keeper
        self._layout = layout
        self._pace = pace
        self._stop = stop

    def __call__(self, size: int) -> None:
        """
        :param size: bytes that were sent; with 0 this does not wait.
        :raises Overtaken: when the layout is another one now.
        :raises LayoutUnknown: when no node can be asked.
        :raises Stopped: when it is to end.
        """
        until = time.monotonic() + self._pace.spend(size)
        self._check()
        while (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, _SLICE))
            self._check()

    def _check(self) -> None:
        while not self._stop.is_set():
            placement = self._keeper.lease().placement
            if placement is not None and placement.layout.version >= self._layout.version:
                there = placement.layout
                if (there.version, there.nonce) != (self._layout.version, self._layout.nonce):
                    raise Overtaken(f"version {there.version} of the layout is there")
                return
            # Its background has not read yet what was written a moment ago.
            self._stop.wait(_PAUSE)
        raise Stopped
