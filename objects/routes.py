"""Which node an id leads to: by the layout that the lease is for, or without a layout."""

import copy
import time
from typing import Protocol

from nodes.membership import Membership, Snapshot
from nodes.node import Node
from objects.exceptions import LayoutUnknown
from objects.layout.keeper import Lease
from objects.layout.placement import Unplaced
from objects.listing import Whose
from objects.routing import BaseRouter
from problems.problem import Problem

#: One that has run out, for where it is known that nothing can be read from any node.
NO_LEASE = Lease(None, float("-inf"))


class Layouts(Protocol):
    """What `objects.layout.keeper.Keeper` is for others."""

    def lease(self) -> Lease:
        """See there."""


class Routes:
    """Leads ids to nodes.

    Without a layout, all nodes that were discovered are members; with one, discovery only says
    where they are.

    :param router: for where there is no layout.
    """

    def __init__(self, membership: Membership, router: BaseRouter, layouts: Layouts) -> None:
        self._membership = membership
        self._router = router
        self._layouts = layouts

    def lease(self, object_id: str) -> Lease:
        """The lease by which an id may be served.

        :raises LayoutUnknown: when there is none, and none can be had.
        :raises MembershipError: when that is why.
        :raises Problem: when there never was a layout and the id's owner is why; its ``source``
            names the node.
        """
        try:
            return self._layouts.lease()
        except LayoutUnknown as unknown:
            if unknown.laid_out:
                raise
            owner = self._router.owner(object_id, self._membership.current().nodes)
            problem: Problem = unknown.failures.get(owner.name, unknown)
            # Others are told the same, and each has a traceback of its own.
            raise copy.copy(problem) from unknown

    def lease_of_all(self) -> Lease:
        """The lease by which all ids may be listed.

        :returns: `NO_LEASE` when there never was a layout, and no node can be asked for one.
        :raises LayoutUnknown, MembershipError: see `lease`.
        """
        try:
            return self._layouts.lease()
        except LayoutUnknown as unknown:
            if unknown.laid_out:
                raise
            return NO_LEASE

    def holds(self, lease: Lease, object_id: str) -> bool:
        """Whether what was found out of an id by a lease may be told: it is in force, or what it
        says of the id has not changed.

        :raises LayoutUnknown, MembershipError, Problem: see `lease`.
        """
        if time.monotonic() < lease.until:
            return True
        now = self.lease(object_id)
        if now.placement is lease.placement:
            return True
        return self.home(now, object_id) == self.home(lease, object_id) is not None

    def holds_for_all(self, lease: Lease) -> bool:
        """As `holds`, for a listing."""
        return time.monotonic() < lease.until or (
            self._layouts.lease().placement is lease.placement
        )

    def home(self, lease: Lease, object_id: str) -> str | None:
        """The name of the one node that an id may be on, None while there are two."""
        placement = lease.placement
        if placement is None:
            return self._router.owner(object_id, self._membership.current().nodes).name
        return None if placement.source(object_id) else placement.owner(object_id)

    def snapshot(self, lease: Lease) -> Snapshot:
        """The membership as far as it has to be known.

        :raises MembershipError: without a layout, when it is not complete.
        """
        if lease.placement is None:
            return self._membership.current()
        return self._membership.latest()

    def renewed(self, lease: Lease, doubtful: Snapshot) -> Snapshot:
        """A younger one, see `Membership.rediscover`.

        :raises MembershipError: see `snapshot`.
        """
        if lease.placement is None:
            return self._membership.rediscover(doubtful)
        return self._membership.renewed(doubtful)

    def find(self, lease: Lease, object_id: str) -> tuple[Snapshot, Node]:
        """The node that owns an id, and the snapshot that says where it is; of one that was not
        discovered, what is known.

        :raises MembershipError: see `snapshot`.
        """
        placement = lease.placement
        if placement is None:
            snapshot = self._membership.current()
            return snapshot, self._router.owner(object_id, snapshot.nodes)
        snapshot = self._membership.latest()
        return snapshot, placement.nodes(snapshot.nodes)[placement.owner(object_id)]

    def find_again(self, lease: Lease, doubtful: Snapshot, object_id: str) -> Node:
        """As `find`, in a snapshot younger than one in which the node could not be reached."""
        nodes = self.renewed(lease, doubtful).nodes
        if lease.placement is None:
            return self._router.owner(object_id, nodes)
        return lease.placement.nodes(nodes)[lease.placement.owner(object_id)]

    def latest(self, doubtful: Snapshot | None = None) -> Snapshot:
        """The membership, whatever it holds.

        :param doubtful: one in which a node could not be reached; it is to be younger then.
        """
        if doubtful is None:
            return self._membership.latest()
        return self._membership.renewed(doubtful)

    def whose(self, lease: Lease, snapshot: Snapshot) -> Whose:
        """Whose word counts for which id in a listing."""
        return lease.placement or Unplaced(self._router, snapshot.nodes)
