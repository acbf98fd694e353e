"""From an object id to its owner's store, once more when the owner has moved."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from nodes.membership import Membership, get_membership
from nodes.node import Node
from objects.exceptions import NodeRefusedCredentials, NodeUnavailable
from objects.listing import Listing, Query, list_objects
from objects.routing import BaseRouter, get_router
from objects.store import Store, Stores, get_stores
from problems.problem import Problem

logger = logging.getLogger("objgw.dispatch")

T = TypeVar("T")


class Dispatcher:
    """Does an operation on the store of the node that owns an id."""

    def __init__(self, membership: Membership, router: BaseRouter, stores: Stores) -> None:
        self._membership = membership
        self._router = router
        self._stores = stores

    def on_owner(
        self,
        object_id: str,
        operation: Callable[[Store], T],
        replayable: Callable[[], bool] = lambda: True,
    ) -> T:
        """The outcome of ``operation`` on the owner's store.

        When the owner cannot be reached, or refuses its keys, the snapshot is in doubt: the nodes
        are discovered anew, and if the owner is now elsewhere, or up, the operation is done once
        more.

        :param replayable: whether the operation can be done again.
        :raises MembershipError: when no id can be routed.
        :raises Problem: what the operation raised.
        """
        snapshot = self._membership.current()
        owner = self._router.owner(object_id, snapshot.nodes)
        try:
            return operation(self._stores.of(owner))
        except Problem as problem:
            problem.source = f"node {owner.name}"
            if not (
                isinstance(problem, (NodeUnavailable, NodeRefusedCredentials))
                and problem.repeatable
                and replayable()
            ):
                raise
            fresh = self._membership.rediscovered(snapshot)
            found = self._router.owner(object_id, fresh.nodes)
            # Another owner would mean another membership: that is for the next request to act on.
            if found == owner or found.name != owner.name or found.obstacle:
                raise
            logger.debug("node %s is at %s now, trying again", found.name, found.address)
        try:
            return operation(self._stores.of(found))
        except Problem as problem:
            problem.source = f"node {found.name}"
            raise

    def listing(self, query: Query, *, partial: bool) -> Listing:
        """One page of the objects of all nodes, once more when a node has moved.

        :raises MembershipError: when the nodes are not known.
        :raises NodeUnavailable: see `list_objects`.
        """
        snapshot = self._membership.current()

        def listed(nodes: tuple[Node, ...]) -> Listing:
            return list_objects(nodes, self._router, self._stores, query, partial=partial)

        # Asking a node that hangs takes its time, so it is done again only for news.
        try:
            listing = listed(snapshot.nodes)
        except NodeUnavailable:
            fresh = self._membership.rediscovered(snapshot)
            if fresh.nodes == snapshot.nodes:
                raise
        else:
            if not listing.missing:
                return listing
            fresh = self._membership.rediscovered(snapshot)
            if fresh.nodes == snapshot.nodes:
                return listing
        return listed(fresh.nodes)


@lru_cache(maxsize=1)
def get_dispatcher() -> Dispatcher:
    """The dispatcher of this process."""
    return Dispatcher(get_membership(), get_router(), get_stores())
