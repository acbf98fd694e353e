"""A listing asks a node that hangs once, not twice: each time costs the client a read timeout."""

from collections import Counter
from typing import cast

import pytest

from nodes.membership import Membership, Snapshot
from nodes.node import Credentials, Node, NodeState
from objects.exceptions import NodeTimeout, NodeUnavailable
from objects.http.parameters import ListingQuery
from objects.routing import ModuloRouter
from objects.service import Service
from objects.store import Entry, NodeListing, Spool, Stores
from objects.tests.leases import GivenLeases

NODES = tuple(
    Node(name, "127.0.0.1", 9000 + i, NodeState.RUNNING, Credentials("k", "s"))
    for i, name in enumerate(("healthy", "hung"))
)
OWNED_BY_THE_FIRST = next(
    object_id for object_id in "abcdef" if ModuloRouter().owner(object_id, NODES) is NODES[0]
)


class StandInMembership:
    """Finds what it found before, or what it is told."""

    def __init__(self, later: tuple[Node, ...] = NODES) -> None:
        self._later = later

    def current(self) -> Snapshot:
        return Snapshot(NODES, 0.0)

    def rediscover(self, doubtful: Snapshot) -> Snapshot:
        return Snapshot(self._later, 1.0)


class StandInStores:
    """One node has an object, the other does not answer at the address that it had."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def of(self, node: Node) -> "StandInStore":
        return StandInStore(self, node)


class StandInStore:
    def __init__(self, stores: StandInStores, node: Node) -> None:
        self._stores = stores
        self._node = node

    def list(self, *, prefix: str, after: str, limit: int) -> NodeListing:
        self._stores.asked[self._node.name] += 1
        if self._node is NODES[1]:
            raise NodeTimeout
        entries = (Entry(OWNED_BY_THE_FIRST, 1, '"e"', "2026-01-01T00:00:00Z"),)
        return NodeListing(entries if self._node is NODES[0] else (), truncated=False)


def service(membership: StandInMembership, stores: StandInStores) -> Service:
    return Service(
        cast("Membership", membership),
        ModuloRouter(),
        cast("Stores", stores),
        Spool(0),
        GivenLeases(),
    )


def test_a_partial_listing_asks_each_node_once() -> None:
    stores = StandInStores()
    listing = service(StandInMembership(), stores).list(ListingQuery(partial=True))
    assert [entry.key for entry in listing.entries] == [OWNED_BY_THE_FIRST]
    assert [missing.name for missing in listing.missing] == ["hung"]
    assert stores.asked == {"healthy": 1, "hung": 1}


def test_a_whole_listing_asks_each_node_once() -> None:
    stores = StandInStores()
    with pytest.raises(NodeUnavailable, match="hung"):
        service(StandInMembership(), stores).list(ListingQuery())
    assert stores.asked == {"healthy": 1, "hung": 1}


@pytest.mark.parametrize("partial", [True, False])
def test_a_node_that_moved_is_asked_where_it_is_now(partial: bool) -> None:
    moved = Node("hung", "127.0.0.2", 9001, NodeState.RUNNING, Credentials("k", "s"))
    stores = StandInStores()
    found = service(StandInMembership((NODES[0], moved)), stores)
    listing = found.list(ListingQuery(partial=partial))
    assert not listing.missing
    assert stores.asked["hung"] == 2
