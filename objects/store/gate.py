"""A bound on how many requests may wait for one node."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from objects.exceptions import NodeBusy


class Gate:
    """Lets ``limit`` requests at once wait for a node, and one while the node owes an answer.

    Without it a node that hangs would collect one waiting request after the other until the worker
    has no place left for the ids of healthy nodes. Waiting means that the node is expected to say
    something; the transfer of a body does not count.

    After a timeout the node is in doubt: one request at a time may find out whether it is back,
    and the others are told at once that it is busy.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = 0
        self._doubtful = False
        self._lock = threading.Lock()
        self._place = _Place(self)

    def waiting(self) -> AbstractContextManager[None]:
        """Holds a place while the node is expected to answer.

        :raises NodeBusy: when there is none.
        """
        return self._place

    def take(self) -> None:
        """Take a place.

        :raises NodeBusy: when there is none.
        """
        with self._lock:
            if self._waiting >= (1 if self._doubtful else self._limit):
                raise NodeBusy(
                    "The node that owns this id does not answer at the moment."
                    if self._doubtful
                    else f"{self._limit} requests wait for the node that owns this id."
                )
            self._waiting += 1

    def give_back(self) -> None:
        """Give a place back."""
        self._add(-1)

    @contextmanager
    def transferring(self) -> Iterator[None]:
        """Gives the place up for as long as a body is on its way, within `waiting`.

        It is taken again afterwards even when there is none, for the body has been sent.
        """
        self.give_back()
        try:
            yield
        finally:
            self._add(1)

    def answered(self) -> None:
        """The node said something."""
        self._doubtful = False

    def timed_out(self) -> None:
        """The node said nothing in time."""
        self._doubtful = True

    def _add(self, change: int) -> None:
        with self._lock:
            self._waiting += change


class _Place:
    """A place of a gate, taken and given back. One serves for all: the gate counts them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __enter__(self) -> None:
        self._gate.take()

    def __exit__(self, *error: object) -> None:
        self._gate.give_back()
