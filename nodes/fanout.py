"""Doing something with many nodes at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Nodes that one request or command asks at the same time.
AT_ONCE = 32


def threads_for(count: int, most: int = AT_ONCE) -> ThreadPoolExecutor:
    """A pool with a thread for each of ``count`` nodes, but ``most`` at the most."""
    return ThreadPoolExecutor(max_workers=max(1, min(most, count)))


def on_all(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """What ``function`` returns for each item, in the order of the items.

    :param function: called in threads, for `AT_ONCE` items at the same time. When it raises, the
        exception passes through, once those calls have ended that have begun.
    """
    with threads_for(len(items)) as pool:
        return list(pool.map(function, items))
