"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

POLL_SECONDS = 0.1


def wait_until(condition: Callable[[], Found], what: str, seconds: float = 60) -> Found:
    """What ``condition`` returns, once that is true; fails when it is not in time."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= end:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {found!r}")
        time.sleep(POLL_SECONDS)
