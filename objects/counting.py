"""Counts the objects on each node, by listing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from nodes.fanout import on_all
from nodes.node import Node
from objects.identifiers import is_id
from objects.store import Entry, reason_of, store_for
from problems.problem import Problem

#: What is ours, and no object: the layout, and the probes of `objects.checking`.
_OURS = "~objgw/"
_PAGE = 1000


@dataclass(slots=True)
class NodeCount:
    """What lies on a node.

    :ivar objects: that it owns, with their ``size`` in bytes.
    :ivar misplaced: ids that another node owns, so GET does not find them.
    :ivar foreign: keys that are no ids.
    :ivar failure: why it could not be listed to its end, None when it was: the other figures are
        then less than what is there.
    """

    node: Node
    objects: int = 0
    size: int = 0
    misplaced: int = 0
    foreign: int = 0
    failure: str | None = None

    def add(self, entry: Entry, *, owned: bool) -> None:
        """Count one line of the listing."""
        if not is_id(entry.key):
            self.foreign += not entry.key.startswith(_OURS)
        elif owned:
            self.objects += 1
            self.size += entry.size
        else:
            self.misplaced += 1


def count_objects(
    nodes: Sequence[Node],
    owner: Callable[[str], str],
    timeout: float,
    listed: Callable[[int, bool], None],
) -> list[NodeCount]:
    """List all nodes, some of them beside each other.

    :param owner: the name of the node that owns an id.
    :param timeout: seconds that a node may be silent.
    :param listed: told of each page: how many keys it had, and whether it was a node's last. It is
        called in several threads.
    """

    def count(node: Node) -> NodeCount:
        found = NodeCount(node)
        try:
            for page, last in _pages(node, timeout):
                for entry in page:
                    found.add(entry, owned=is_id(entry.key) and owner(entry.key) == node.name)
                listed(len(page), last)
        except Problem as problem:
            found.failure = reason_of(problem)
            listed(0, True)
        return found

    return on_all(count, nodes)


def _pages(node: Node, timeout: float) -> Iterator[tuple[tuple[Entry, ...], bool]]:
    after = ""
    with closing(store_for(node, timeout)) as store:
        while True:
            listing = store.list(prefix="", after=after, limit=_PAGE)
            yield listing.entries, not listing.truncated
            if not listing.truncated:
                return
            after = listing.entries[-1].key
