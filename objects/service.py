"""Operations on objects by their ids: the façade that views, pages and commands use.

It finds the owner of an id and that node's store, and tries once more if the node has moved.
Everything happens under a lease of the layout, and a node's answer is passed on only if that lease
is still in force.
"""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from typing import Concatenate, ParamSpec, TypeVar

from nodes.membership import Membership, Snapshot, get_membership
from nodes.node import Node
from objects import changing
from objects.changing import Passage, Place
from objects.exceptions import (
    LayoutChanging,
    NodeUnavailable,
    ObjectNotFound,
    OwnerProblem,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from objects.http.parameters import ListingQuery
from objects.http.reading import ReadRequest
from objects.layout.keeper import Lease, get_keeper
from objects.layout.placement import Placement
from objects.listing import Listing, list_objects
from objects.permit import Permit
from objects.retrieval import Retrieved, read
from objects.routes import Layouts, Routes
from objects.routing import BaseRouter, get_router
from objects.store import (
    Body,
    Payload,
    Spool,
    Store,
    Stored,
    Stores,
    Upload,
    get_spool,
    get_stores,
    payload_of,
)
from problems.problem import Problem
from telemetry import tracing
from telemetry.exchange import note_owner

logger = logging.getLogger("objgw.service")

P = ParamSpec("P")
T = TypeVar("T")

#: How often what is read may be overtaken by a change of the layout before it is given up.
_TRIES = 3
#: What says something of an object. Everything else that goes wrong says something of a node.
_ANSWERS = (ObjectNotFound, PreconditionFailed, RangeNotSatisfiable)
_OVERTAKEN = "The layout changed while this was done. What became of it is not known; try again."


class Service:
    """Gets, puts, deletes and lists objects.

    Each method raises a `MembershipError` or `LayoutUnknown` when no id can be routed,
    `LayoutChanging` when a change of the layout does not allow it, and the `Problem` that the
    owner's store has; its ``source`` names the node.

    :param router: for where there is no layout.
    :param spool: where bodies of unknown length wait.
    :param layouts: has the lease.
    """

    def __init__(
        self,
        membership: Membership,
        router: BaseRouter,
        stores: Stores,
        spool: Spool,
        layouts: Layouts,
    ) -> None:
        self._routes = Routes(membership, router, layouts)
        self._stores = stores
        self._spool = spool

    def get(self, object_id: str, wanted: ReadRequest) -> Retrieved:
        """Answer a GET or HEAD.

        :raises ObjectNotFound, PreconditionFailed, RangeNotSatisfiable: see RFC 9110.
        """
        for _ in range(_TRIES):
            lease = self._routes.lease(object_id)
            try:
                retrieved = self._done(lease, read, changing.get, object_id, wanted)
            except _ANSWERS:
                if self._routes.holds(lease, object_id):
                    raise
                continue
            if time.monotonic() < lease.until or self._still(retrieved, lease, object_id):
                return retrieved
        raise LayoutChanging(_OVERTAKEN)

    def put(self, object_id: str, body: Body, upload: Upload) -> Stored:
        """Store a body, whole or not at all, in place of what was there.

        :raises IncompleteBody, TooLarge: from the body.
        :raises SpoolFull, GatewayFull: when there is no room for a body of unknown length.
        :raises InvalidDigest, PreconditionFailed, NodeFull: nothing was stored then.
        """
        placement = self._routes.lease(object_id).placement
        if placement is not None and placement.source(object_id):
            changing.refuse_to_write(placement.state)
        with closing(payload_of(body, self._spool)) as payload:
            lease = self._routes.lease(object_id)
            permit = Permit(self._routes, self._stores, lease, object_id)
            payload.permit = permit
            try:
                stored = self._done(lease, _put, changing.put, object_id, payload, upload)
            except PreconditionFailed:
                self._acknowledge(permit.lease, object_id)
                raise
        self._acknowledge(permit.lease, object_id)
        return stored

    def delete(self, object_id: str) -> None:
        """Remove an object, or do nothing when there is none."""
        lease = self._routes.lease(object_id)
        self._done(lease, _delete, changing.delete, object_id)
        self._acknowledge(lease, object_id)

    def list(self, query: ListingQuery) -> Listing:
        """One page of the objects of all nodes, once more when a node has moved.

        :raises NodeUnavailable: see `list_objects`.
        """
        for _ in range(_TRIES):
            lease = self._routes.lease_of_all()
            listing = self._list(lease, query)
            # Where no node could be listed, nothing was said of any object.
            if not (listing.entries or listing.following) and listing.missing:
                return listing
            if self._routes.holds_for_all(lease):
                return listing
        raise LayoutChanging(_OVERTAKEN)

    def _list(self, lease: Lease, query: ListingQuery) -> Listing:
        snapshot = self._routes.snapshot(lease)
        # Asking a node that hangs takes its time, so it is done again only for news.
        try:
            listing = self._listed(lease, snapshot, query)
        except NodeUnavailable:
            fresh = self._routes.renewed(lease, snapshot)
            if fresh.nodes == snapshot.nodes:
                raise
        else:
            if not listing.missing:
                return listing
            fresh = self._routes.renewed(lease, snapshot)
            if fresh.nodes == snapshot.nodes:
                return listing
        return self._listed(lease, fresh, query)

    def _listed(self, lease: Lease, snapshot: Snapshot, query: ListingQuery) -> Listing:
        nodes, rounds = snapshot.nodes, 1
        if lease.placement is not None:
            twice = changing.lies_at_both(lease.placement.state)
            rounds = 2 if twice else 1
            nodes = (lease.placement.holders if twice else lease.placement.members)(nodes)
        whose = self._routes.whose(lease, snapshot)
        return list_objects(nodes, whose, self._stores, query, rounds)

    def _still(self, retrieved: Retrieved, lease: Lease, object_id: str) -> bool:
        """`Routes.holds`; what was retrieved is closed if not."""
        holds = False
        try:
            holds = self._routes.holds(lease, object_id)
        finally:
            if not holds and retrieved.body is not None:
                retrieved.body.close()
        return holds

    def _acknowledge(self, lease: Lease, object_id: str) -> None:
        """Nothing, when what was written by a lease may be said to be there.

        :raises LayoutChanging: when it may have come too late.
        """
        if not (time.monotonic() < lease.until or self._routes.holds(lease, object_id)):
            raise LayoutChanging(_OVERTAKEN)

    def _done(
        self,
        lease: Lease,
        operation: Callable[Concatenate[Store, str, P], T],
        in_passage: Callable[Concatenate[Passage, str, P], T],
        object_id: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The outcome of an operation on the store of the node that owns an id; when the id is on
        its way from one node to another, of the other one.

        When that fails in a way that says nothing against the same request (the owner cannot be
        reached, or refuses its keys), the snapshot may be out of date: the nodes are discovered
        anew, and if the owner is elsewhere now, or up, the operation is done once more.
        """
        placement = lease.placement
        if placement is not None and placement.changing and placement.source(object_id):
            note_owner(placement.owner(object_id))
            return self._passed(placement, in_passage, object_id, *args, **kwargs)
        snapshot, owner = self._route(lease, object_id)
        note_owner(owner.name)
        try:
            return operation(self._stores.of(owner), object_id, *args, **kwargs)
        except Problem as problem:
            problem.source = problem.source or f"node {owner.name}"
            if not (isinstance(problem, OwnerProblem) and problem.repeatable):
                raise
            found = self._routes.find_again(lease, snapshot, object_id)
            # Another owner would mean another membership: that is for the next request to act on.
            if found == owner or found.name != owner.name or found.down_reason:
                raise
            logger.debug("node %s is at %s now, trying again", found.name, found.address)
        try:
            return operation(self._stores.of(found), object_id, *args, **kwargs)
        except Problem as problem:
            problem.source = problem.source or f"node {found.name}"
            raise

    def _route(self, lease: Lease, object_id: str) -> tuple[Snapshot, Node]:
        """The snapshot that is routed by, and the owner of an id."""
        tracer = tracing.active()
        if tracer is None:
            return self._routes.find(lease, object_id)
        with tracer.routing(object_id) as span:
            snapshot, owner = self._routes.find(lease, object_id)
            span.set_attribute("objgw.nodes", len(snapshot.nodes))
            span.set_attribute("objgw.node", owner.name)
        return snapshot, owner

    def _passed(
        self,
        placement: Placement,
        operation: Callable[Concatenate[Passage, str, P], T],
        object_id: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """As `_done`, for an id on its way."""
        snapshot = self._routes.latest()
        passage = self._passage(placement, snapshot, object_id)
        try:
            return operation(passage, object_id, *args, **kwargs)
        except OwnerProblem as problem:
            if not problem.repeatable:
                raise
            found = self._passage(placement, self._routes.latest(snapshot), object_id)
            if found == passage:
                raise
        return operation(found, object_id, *args, **kwargs)

    def _passage(self, placement: Placement, snapshot: Snapshot, object_id: str) -> Passage:
        nodes = placement.nodes(snapshot.nodes)
        source = placement.source(object_id)
        return Passage(
            placement.state,
            placement.tombstone,
            Place(nodes[placement.owner(object_id)], self._stores),
            Place(nodes[source], self._stores)
            if source is not None and source not in placement.layout.lost
            else None,
        )


def _put(store: Store, object_id: str, payload: Payload, upload: Upload) -> Stored:
    return store.put(object_id, payload, upload)


def _delete(store: Store, object_id: str) -> None:
    store.delete(object_id)


@lru_cache(maxsize=1)
def get_service() -> Service:
    """The service of this process."""
    return Service(get_membership(), get_router(), get_stores(), get_spool(), get_keeper())
