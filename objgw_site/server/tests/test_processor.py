"""The clock stands still while others have the processor."""

import time

from objgw_site.server.processor import AvailableTime
from tests.support.processor import busy_beside

SECONDS = 0.5


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
