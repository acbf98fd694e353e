"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Return as soon as `condition()` holds; fail the test when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def eventually_empty(look: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """As `eventually`, for a collection that is to become empty; the failure shows what is left."""
    deadline = time.monotonic() + seconds
    while left := look():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} after {seconds:.0f} s: {left}")
        time.sleep(0.02)
