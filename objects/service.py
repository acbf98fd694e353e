"""What can be done with objects, by their ids: the one way in, for views, pages and commands.

Behind it are who owns an id, the store of that node, and one more try when the node has moved.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Concatenate, ParamSpec, TypeVar

from nodes.membership import Membership, Snapshot, get_membership
from nodes.node import Node
from objects.exceptions import NodeUnavailable, OwnerProblem, RangeNotSatisfiable
from objects.http.parameters import ListingQuery
from objects.http.reading import ReadAnswer, ReadRequest, judge
from objects.listing import Listing, list_objects
from objects.routing import BaseRouter, get_router
from objects.store import (
    Body,
    NodeResponse,
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


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An object, or what HTTP answers in its place.

    :ivar answer: status and header fields for the client.
    :ivar body: the node's answer, whose body is to be sent on and closed; None for no body.
    """

    answer: ReadAnswer
    body: NodeResponse | None


class Service:
    """Gets, puts, deletes and lists objects.

    Each method raises a `MembershipError` when no id can be routed, and the `Problem` that the
    owner's store has; its ``source`` names the node.

    :param spool: where bodies of unknown length wait.
    """

    def __init__(
        self, membership: Membership, router: BaseRouter, stores: Stores, spool: Spool
    ) -> None:
        self._membership = membership
        self._router = router
        self._stores = stores
        self._spool = spool

    def get(self, object_id: str, wanted: ReadRequest) -> Retrieved:
        """Answer a GET or HEAD.

        :raises ObjectNotFound, PreconditionFailed, RangeNotSatisfiable: see RFC 9110.
        """
        return self._on_owner(_read, object_id, wanted)

    def put(self, object_id: str, body: Body, upload: Upload) -> Stored:
        """Store a body, whole or not at all, in place of what was there.

        :raises IncompleteBody, TooLarge: from the body.
        :raises SpoolFull, GatewayFull: when there is no room for a body of unknown length.
        :raises InvalidDigest, PreconditionFailed, NodeFull: nothing was stored then.
        """
        with closing(payload_of(body, self._spool)) as payload:
            return self._on_owner(Store.put, object_id, payload, upload)

    def delete(self, object_id: str) -> None:
        """Remove an object, or do nothing when there is none."""
        self._on_owner(Store.delete, object_id)

    def list(self, query: ListingQuery) -> Listing:
        """One page of the objects of all nodes, once more when a node has moved.

        :raises NodeUnavailable: see `list_objects`.
        """
        snapshot = self._membership.current()
        # Asking a node that hangs takes its time, so it is done again only for news.
        try:
            listing = self._listed(snapshot.nodes, query)
        except NodeUnavailable:
            fresh = self._membership.rediscover(snapshot)
            if fresh.nodes == snapshot.nodes:
                raise
        else:
            if not listing.missing:
                return listing
            fresh = self._membership.rediscover(snapshot)
            if fresh.nodes == snapshot.nodes:
                return listing
        return self._listed(fresh.nodes, query)

    def _listed(self, nodes: tuple[Node, ...], query: ListingQuery) -> Listing:
        return list_objects(nodes, self._router, self._stores, query)

    def _on_owner(
        self,
        operation: Callable[Concatenate[Store, str, P], T],
        object_id: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The outcome of an operation on the store of the node that owns an id.

        When that fails in a way that says nothing against the same request (the owner cannot be
        reached, or refuses its keys), the snapshot may be out of date: the nodes are discovered
        anew, and if the owner is elsewhere now, or up, the operation is done once more.
        """
        snapshot, owner = self._route(object_id)
        note_owner(owner.name)
        try:
            return operation(self._stores.of(owner), object_id, *args, **kwargs)
        except Problem as problem:
            problem.source = f"node {owner.name}"
            if not (isinstance(problem, OwnerProblem) and problem.repeatable):
                raise
            fresh = self._membership.rediscover(snapshot)
            found = self._router.owner(object_id, fresh.nodes)
            # Another owner would mean another membership: that is for the next request to act on.
            if found == owner or found.name != owner.name or found.down_reason:
                raise
            logger.debug("node %s is at %s now, trying again", found.name, found.address)
        try:
            return operation(self._stores.of(found), object_id, *args, **kwargs)
        except Problem as problem:
            problem.source = f"node {found.name}"
            raise

    def _route(self, object_id: str) -> tuple[Snapshot, Node]:
        """The snapshot that is routed by, and the owner of an id."""
        tracer = tracing.active()
        if tracer is None:
            snapshot = self._membership.current()
            return snapshot, self._router.owner(object_id, snapshot.nodes)
        with tracer.routing(object_id) as span:
            snapshot = self._membership.current()
            owner = self._router.owner(object_id, snapshot.nodes)
            span.set_attribute("objgw.nodes", len(snapshot.nodes))
            span.set_attribute("objgw.node", owner.name)
        return snapshot, owner


def _read(store: Store, object_id: str, wanted: ReadRequest) -> Retrieved:
    """Answer a GET or HEAD with one request to the node; with a second one when the first asked for
    a part and all is needed, see `ReadRequest.asks_again` and `judge`.
    """
    conditional = wanted.conditions.for_node
    if wanted.byte_range is not None and wanted.byte_range.suffix != 0:
        try:
            response = store.get(object_id, {**conditional, "Range": wanted.byte_range.header})
        except RangeNotSatisfiable:
            if not wanted.asks_again:
                raise
        else:
            if retrieved := _judged(wanted, response):
                return retrieved
    response = store.get(object_id, conditional, head=wanted.head)
    retrieved = _judged(wanted, response)
    assert retrieved is not None  # noqa: S101  (`judge` asks for all of it only once)
    return retrieved


def _judged(wanted: ReadRequest, response: NodeResponse) -> Retrieved | None:
    """What `judge` says of a node's answer, which is closed unless its body is to be sent on."""
    try:
        answer = judge(wanted, response)
    except Problem:
        response.close()
        raise
    if answer is not None and answer.body:
        return Retrieved(answer, response)
    response.close()
    return None if answer is None else Retrieved(answer, None)


@lru_cache(maxsize=1)
def get_service() -> Service:
    """The service of this process."""
    return Service(get_membership(), get_router(), get_stores(), get_spool())
