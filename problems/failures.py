"""Failures of nodes and discovery, summarized in a few log lines.

While a node is down, each request for its ids fails in the same way, and a line for each would bury
everything else. So the first failure of a kind is told in full; those that follow are counted, and
once a minute one line for each source says how many there were of which kind, and which was the
latest. A kind that did not occur for a minute is told in full again. At debug level each failure is
told in full. All of this is for one process: each worker tells what it saw.
"""

import atexit
import contextvars
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from problems import request_id

logger = logging.getLogger("objgw.failures")

#: Seconds between two summaries.
INTERVAL = 60.0


@dataclass(slots=True)
class _Source:
    """What failed since the latest summary.

    :ivar known: the kinds that have been told in full and still go on.
    :ivar told: how many of those counted have been told in full.
    """

    known: set[str] = field(default_factory=set)
    counted: Counter[str] = field(default_factory=Counter)
    told: int = 0
    latest: str = ""


class Failures:
    """Tells them.

    :param interval: seconds between two summaries.
    :param clock: tells the seconds since some moment.
    """

    def __init__(
        self, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = interval
        self._clock = clock
        self._sources: dict[str, _Source] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._since = 0.0

    def report(self, source: str, kind: str, request: str, detail: str) -> None:
        """Tell one failure, now or in the next summary.

        :param source: what failed, such as ``node NAME``.
        :param kind: status and code, such as ``503 node_unavailable``.
        :param request: method and path.
        """
        with self._lock:
            found = self._sources.setdefault(source, _Source())
            first = kind not in found.known
            found.known.add(kind)
            found.counted[kind] += 1
            found.told += first
            found.latest = f"{request} [{request_id.current()}]: {detail}"
            if self._timer is None:
                self._start_timer()
        logger.log(
            logging.WARNING if first else logging.DEBUG,
            "%s: %s: %s: %s%s",
            source,
            request,
            kind,
            detail,
            f" (more of this kind are summed up every {self._interval:g} s)" if first else "",
            extra={"source": source, "problem": kind},
        )

    def summarize(self) -> None:
        """Tell what was counted since the last time."""
        with self._lock:
            lines = [self._summary(name, source) for name, source in self._sources.items()]
            # What did not occur any more is told in full when it does again.
            self._sources = {
                name: _Source(set(source.counted))
                for name, source in self._sources.items()
                if source.counted
            }
            self._timer = None
            if self._sources:
                self._start_timer()
        for line in filter(None, lines):
            logger.warning("%s", line)

    def _summary(self, name: str, source: _Source) -> str:
        total = source.counted.total()
        if total == source.told:
            return ""
        seconds = self._clock() - self._since
        kinds = ", ".join(f"{count} x {kind}" for kind, count in source.counted.most_common())
        return (
            f"{name}: {total} requests failed in the last {seconds:.0f} s: {kinds}; "
            f"the latest: {source.latest}"
        )

    def _start_timer(self) -> None:
        # In a context of its own: the summary is about no request.
        timer = threading.Timer(self._interval, contextvars.Context().run, args=(self.summarize,))
        timer.daemon = True
        self._since = self._clock()
        self._timer = timer
        timer.start()


@lru_cache(maxsize=1)
def get_failures() -> Failures:
    """One instance a process; what it still holds at the end is told then."""
    failures = Failures()
    atexit.register(failures.summarize)
    return failures
