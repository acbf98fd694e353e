"""A bulkhead for each node, with a circuit breaker: how many requests may wait for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from objects.exceptions import NodeBusy
from objects.store.errors import TimedOut


class Bulkhead:
    """Lets ``limit`` requests at once wait for a node, and one while the node owes an answer.

    Without it a node that hangs would collect one waiting request after the other until the worker
    has no place left for the ids of healthy nodes. Waiting means that the node is expected to say
    something; the transfer of a body does not count.

    A place is held in a ``with`` statement, which raises `NodeBusy` when there is none. After one
    that ends with `TimedOut` it is half-open: one request at a time may find out whether the node
    is back, and the others are told at once that it is busy.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = 0
        self._half_open = False
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Requests that wait for the node now."""
        return self._waiting

    def __enter__(self) -> Self:
        with self._lock:
            if self._waiting >= (1 if self._half_open else self._limit):
                raise NodeBusy(
                    "does not answer at the moment"
                    if self._half_open
                    else f"has {self._limit} requests waiting for it"
                )
            self._waiting += 1
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._half_open = False
        elif isinstance(error, TimedOut):
            self._half_open = True
        with self._lock:
            self._waiting -= 1

    @contextmanager
    def transferring(self) -> Iterator[None]:
        """Gives the place up for as long as a body is on its way, within the ``with`` statement.

        It is taken again afterwards even if there is none, because the body has been sent.
        """
        with self._lock:
            self._waiting -= 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting += 1
