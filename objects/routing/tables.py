"""What a router computes from a tuple of members, kept for later lookups."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from objects.routing.base import Member, check_weights

T = TypeVar("T")

# While ids move there are two layouts; a snapshot is a new tuple at each discovery.
_KEPT = 8


class Tables(Generic[T]):
    """One table for each list of names and weights.

    A lookup with the very tuple of a lookup before costs one dictionary access. Another tuple with
    the same names and weights gets the same table.

    :param build: makes a table out of the members. It keeps their places in the sequence, not them.
    """

    def __init__(self, build: Callable[[Sequence[Member]], T]) -> None:
        self._build = build
        # The tuple is kept beside its table: as long as it is, no other object has its identity.
        self._by_identity: dict[int, tuple[Sequence[Member], T]] = {}
        self._by_value: dict[tuple[tuple[str, float], ...], T] = {}

    def of(self, nodes: Sequence[Member]) -> T:
        """The table of these members.

        :raises ValueError: see `check_weights`.
        """
        found = self._by_identity.get(id(nodes))
        return self._found(nodes) if found is None else found[1]

    def _found(self, nodes: Sequence[Member]) -> T:
        value = tuple((node.name, node.weight) for node in nodes)
        table = self._by_value.get(value)
        if table is None:
            check_weights(nodes)
            table = self._build(nodes)
            _keep(self._by_value, value, table)
        if type(nodes) is tuple:  # what can change is looked at each time
            _keep(self._by_identity, id(nodes), (nodes, table))
        return table


K = TypeVar("K")
V = TypeVar("V")


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    """Add an entry, and forget the oldest beyond `_KEPT`. Threads may do so at once."""
    kept[key] = value
    for oldest in list(kept)[:-_KEPT]:
        kept.pop(oldest, None)
