"""The clock stands still while others have the processor."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from objgw_site.server.processor import AvailableTime

SECONDS = 0.5


@contextmanager
def busy_beside(pid: int, count: int) -> Iterator[None]:
    """Have one processor shared by a process and so many others, which end by themselves."""
    allowed = os.sched_getaffinity(pid)
    one = {min(allowed)}
    command = [
        sys.executable,
        "-c",
        "import time\nt = time.time() + 60\nwhile time.time() < t: pass",
    ]
    others = [subprocess.Popen(command) for _ in range(count)]
    try:
        for process in (pid, *(other.pid for other in others)):
            os.sched_setaffinity(process, one)
        yield
    finally:
        os.sched_setaffinity(pid, allowed)
        for other in others:
            other.kill()
            other.wait()


def test_waiting_for_a_processor_does_not_count() -> None:
    clock = AvailableTime()
    with busy_beside(0, 3):
        began, began_available, had = time.monotonic(), clock(), time.thread_time()
        while time.thread_time() - had < SECONDS:
            pass
        took, available = time.monotonic() - began, clock() - began_available
    waited = took - SECONDS
    assert waited > SECONDS / 2
    assert SECONDS * 0.9 < available < SECONDS + waited / 2


def test_sleep_counts() -> None:
    clock = AvailableTime()
    began = clock()
    time.sleep(SECONDS)
    assert clock() - began > SECONDS / 2


def test_where_the_kernel_does_not_tell_it_is_the_usual_clock() -> None:
    clock = AvailableTime("/proc/nothing/of/this/name")
    before = time.monotonic()
    assert before <= clock() <= time.monotonic()
