"""The time in which a thread could have used a processor."""

import os
import time
from functools import cached_property

#: Of the thread that opens it: nanoseconds with a processor, nanoseconds in which it was ready and
#: waited for one, and the number of times that it got one (Linux, scheduler/sched-stats.rst).
_SCHEDSTAT = "/proc/thread-self/schedstat"
_NANO = 1e-9


class AvailableTime:
    """A monotonic clock that stands still while this thread waits for a processor that others have.

    What part of its time a thread spends on something is told by this clock, also where the machine
    is busy with other things. Where the kernel does not count that, it never stands still. Each
    call costs a microsecond.

    :param schedstat: the file; opened at the first call, for the thread that makes it.
    """

    def __init__(self, schedstat: str = _SCHEDSTAT) -> None:
        self._schedstat = schedstat

    def __call__(self) -> float:
        """Seconds since some moment."""
        now = time.monotonic()
        if self._descriptor is None:
            return now
        return now - int(os.pread(self._descriptor, 100, 0).split()[1]) * _NANO

    @cached_property
    def _descriptor(self) -> int | None:
        try:
            return os.open(self._schedstat, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
