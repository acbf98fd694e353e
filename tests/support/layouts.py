"""Changes the layout of real nodes step by step, as `manage.py layout apply` does in one go."""

import time
from collections.abc import Iterator, Sequence

from demo.harness.s3nodes import LocalNode, NodeProcess
from nodes.node import Credentials, Node, NodeState
from objects.identifiers import is_id
from objects.layout import Layout, Member, State
from objects.layout.copies import Copies
from objects.layout.placement import Placement
from objects.moving.one import move
from objects.store import Entry, Found, Store, Stores
from objects.store.client import Limits

BUCKET = "objects"


class LayoutDriver:
    """One who changes the layout.

    :param lease: seconds, as OBJGW_LAYOUT_LEASE of the gateways.
    :ivar layout: the one in force.
    """

    def __init__(self, nodes: Sequence[LocalNode | NodeProcess], *, lease: float) -> None:
        found = [node.node if isinstance(node, NodeProcess) else node for node in nodes]
        self.nodes = tuple(sorted(map(discovered, found), key=lambda node: node.name))
        self._stores = Stores(BUCKET, Limits(2, 10, 16))
        self.copies = Copies(self._stores)
        self._lease = lease
        self.layout = Layout.adopted("modulo", [node.name for node in self.nodes], lease)

    def adopt(self, count: int) -> None:
        """Make the first so many nodes the first layout."""
        names = [node.name for node in self.nodes[:count]]
        self._write(None, Layout.adopted("modulo", names, self._lease))

    def begin(self, members: Sequence[int], router: str = "modulo") -> None:
        """Begin a change to the nodes with these indices."""
        names = [Member(self.nodes[index].name) for index in members]
        self._write(self.layout, self.layout.changed(router, names))

    def advance(self, state: State) -> None:
        """Enter the next state of a change, once a lease has passed."""
        self.wait()
        self._write(self.layout, self.layout.advanced(state))

    def wait(self) -> None:
        """Until no gateway acts by an earlier version."""
        time.sleep(self._lease)

    def move_all(self) -> int:
        """Take every object to its new owner; how many they were."""
        self.wait()
        placement, moved = self.placement, 0
        for node in self.nodes:
            for entry in list(self.entries(node.name)):
                if placement.source(entry.key) == node.name:
                    found = Found(entry.key, entry.size, entry.etag)
                    target = self.store(placement.owner(entry.key))
                    move(self.store(node.name), target, found, lambda size: None)
                    moved += 1
        return moved

    def clean(self) -> None:
        """Remove all tombstones."""
        self.wait()
        for node in self.nodes:
            for entry in list(self.entries(node.name)):
                if self.placement.hides(entry):
                    self.store(node.name).delete(entry.key)

    def change(self, members: Sequence[int], router: str = "modulo") -> None:
        """A whole change."""
        self.begin(members, router)
        self.advance(State.MOVING)
        self.move_all()
        self.advance(State.SETTLING)
        self.advance(State.CLEANING)
        self.clean()
        self.advance(State.STABLE)

    @property
    def placement(self) -> Placement:
        """Who owns what by the layout."""
        return Placement(self.layout)

    def store(self, name: str) -> Store:
        """The store of a node."""
        return self._stores.of(next(node for node in self.nodes if node.name == name))

    def entries(self, name: str) -> Iterator[Entry]:
        """All objects on a node."""
        after, truncated = "", True
        while truncated:
            page = self.store(name).list(prefix="", after=after, limit=1000)
            truncated = page.truncated
            for entry in page.entries:
                after = entry.key
                if is_id(entry.key):
                    yield entry

    def holders(self, object_id: str) -> list[str]:
        """The names of the nodes that have something under an id."""
        return [
            node.name
            for node in self.nodes
            if any(entry.key == object_id for entry in self.entries(node.name))
        ]

    def close(self) -> None:
        """End its connections."""
        for node in self.nodes:
            self._stores.of(node).close()

    def _write(self, old: Layout | None, new: Layout) -> None:
        self.copies.replace(self.nodes, old, new)
        self.layout = new


def discovered(node: LocalNode) -> Node:
    """A node as discovery finds it."""
    keys = Credentials(node.access_key, node.secret_key)
    return Node(node.name, node.host, node.port, NodeState.RUNNING, keys)
