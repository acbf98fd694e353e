"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(
    condition: Callable[[], Found], what: str, seconds: float = 10.0, *, pause: float = 0.02
) -> Found:
    """What `condition()` returns, as soon as that is true.

    :param pause: seconds between two looks.
    :raises AssertionError: when it is not true within `seconds`; it says what was seen last.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {found!r}")
        time.sleep(pause)
    return found


def eventually_empty(look: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """As `eventually`, for a collection that is to become empty; the failure shows what is left."""
    left: object = None

    def empty() -> bool:
        nonlocal left
        return not (left := look())

    try:
        eventually(empty, what, seconds)
    except AssertionError as error:
        raise AssertionError(f"{what} after {seconds:g} s: {left}") from error


def seconds_until(
    condition: Callable[[], object], what: str, seconds: float = 60.0, pause: float = 0.02
) -> float:
    """As `eventually`, for what takes long; how long it took."""
    started = time.monotonic()
    eventually(condition, what, seconds, pause=pause)
    return time.monotonic() - started
