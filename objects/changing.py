"""Operations on an id that is moving from one node to another, in each state of the change.

Two nodes may have the object: the source, which owned the id, and the target, which will. What is
written goes to the target alone; only the mover writes there what it read at the source, and only
if nothing is there, and only the mover removes anything from the source. So objects go one way, and
whoever looks at the target, the source, and the target again finds what was there throughout.
docs/layout.md says why each step is needed.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from nodes.node import Node
from objects.exceptions import (
    LayoutChanging,
    NodeError,
    ObjectNotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from objects.http.reading import ReadRequest
from objects.layout.document import State
from objects.layout.tombstone import Tombstone, is_tombstone
from objects.retrieval import Deleted, Retrieved, read
from objects.store import (
    NotProved,
    Payload,
    SourceChanged,
    Store,
    Stored,
    Stores,
    Upload,
    Whole,
    copy,
    find,
)
from problems.problem import Problem

logger = logging.getLogger("objgw.layout")

#: How often an id may change under our hands before a write is refused.
_TRIES = 5
_ANY = "*"
_AT_BOTH = frozenset({State.SWITCHING, State.MOVING})


@dataclass(frozen=True, slots=True)
class Place:
    """A node, whose store is asked for only when something is to be done there."""

    node: Node
    stores: Stores

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """The node's store. Problems are said to be the node's."""
        try:
            yield self.stores.of(self.node)
        except Problem as problem:
            problem.source = problem.source or f"node {self.node.name}"
            raise


@dataclass(frozen=True, slots=True)
class Passage:
    """One id on its way.

    :ivar state: of the layout.
    :ivar tombstone: of this change.
    :ivar target: the node that will own it.
    :ivar source: the one that owned it; None when it is lost.
    """

    state: State
    tombstone: Tombstone
    target: Place
    source: Place | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a node has under a key.

    :ivar etag: of an object or a tombstone, "" for nothing.
    :ivar there: whether it is an object.
    """

    etag: str = ""
    there: bool = False


def get(passage: Passage, object_id: str, wanted: ReadRequest) -> Retrieved:
    """Answer a GET or HEAD: at the target, the source, and the target again.

    :raises ObjectNotFound, PreconditionFailed, RangeNotSatisfiable: see RFC 9110.
    """
    places = [passage.target]
    if lies_at_both(passage.state) and passage.source is not None:
        places += [passage.source, passage.target]
    for place in places:
        with place.opened() as store:
            try:
                return _read(store, passage.tombstone, object_id, wanted)
            except ObjectNotFound as problem:
                if isinstance(problem, Deleted):
                    break
    raise ObjectNotFound(f"There is no object '{object_id}'.")


def put(passage: Passage, object_id: str, payload: Payload, upload: Upload) -> Stored:
    """Store a body at the target.

    :raises PreconditionFailed: nothing was stored then.
    :raises LayoutChanging: when the id cannot be written now; nothing was stored then.
    """
    refuse_to_write(passage.state)
    with passage.target.opened() as target:
        if passage.state is State.CLEANING:
            refuse_tombstone(target, passage.tombstone, object_id)
            return target.put(object_id, payload, upload)
        if not upload.conditions:
            return target.put(object_id, payload, upload)
        for _ in range(_TRIES):
            conditions = _resolved(passage, target, object_id, upload.conditions)
            if not payload.repeatable:
                break
            try:
                return target.put(object_id, payload, upload.under(conditions))
            except PreconditionFailed:
                # For any object, or none, it was asked about the one that was seen, and another
                # one may be there now, or a tombstone.
                if _ANY not in upload.conditions.values():
                    raise
    raise LayoutChanging(
        "This id gets another owner, and was written by somebody else in the meantime; nothing "
        "was stored."
    )


def delete(passage: Passage, object_id: str) -> None:
    """Remove an object. While it may lie at the source, a tombstone at the target hides it there,
    until the mover removes it.

    :raises LayoutChanging: when the id cannot be written now.
    """
    refuse_to_write(passage.state)
    with passage.target.opened() as target:
        if passage.state is State.MOVING:
            body, metadata = passage.tombstone.body, passage.tombstone.metadata
            target.put(object_id, Whole(body), Upload(metadata=metadata))
        elif passage.state is State.SETTLING or _look(target, passage.tombstone, object_id).there:
            target.delete(object_id)
        # A tombstone is left to the cleaner: without it, another object could be written there,
        # which would be removed in its place.


def lies_at_both(state: State) -> bool:
    """Whether objects may be with the source as well as with the target."""
    return state in _AT_BOTH


def refuse_to_write(state: State) -> None:
    """While some gateways know nothing of the change and some act by its next state.

    :raises LayoutChanging: in that state.
    """
    if state is State.SWITCHING:
        raise LayoutChanging


def refuse_tombstone(target: Store, tombstone: Tombstone, object_id: str) -> None:
    """While tombstones are removed, nothing may be written over one: it would be removed with it.

    :raises LayoutChanging: when there is one.
    """
    seen = _look(target, tombstone, object_id)
    if seen.etag and not seen.there:
        raise LayoutChanging(
            "What is left of this id's last object is being removed, and it cannot be written for "
            "a moment."
        )


def _resolved(
    passage: Passage, target: Store, object_id: str, asked: Mapping[str, str]
) -> Mapping[str, str]:
    """The conditions under which the target may store what a client may have stored.

    :raises PreconditionFailed: when the client's do not hold.
    """
    seen = _look(target, passage.tombstone, object_id)
    if "If-Match" in asked:
        if not seen.etag:
            seen = _fetched(passage, target, object_id, asked["If-Match"])
        if not seen.there:
            raise PreconditionFailed
        return {"If-Match": seen.etag} if asked["If-Match"] == _ANY else asked
    unwanted = asked["If-None-Match"]
    if not seen.etag and passage.state is State.MOVING and passage.source is not None:
        # Asked second: the source only ever loses objects, so what it has was there before, too.
        with passage.source.opened() as source:
            before = _look(source, passage.tombstone, object_id)
        if before.there and unwanted in (_ANY, before.etag):
            raise PreconditionFailed
    if unwanted != _ANY:
        return asked
    if seen.there:
        raise PreconditionFailed
    return {"If-Match": seen.etag} if seen.etag else asked


def _fetched(passage: Passage, target: Store, object_id: str, wanted: str) -> _Seen:
    """What the target has, once what the source had is there, too, if it is wanted."""
    if passage.state is State.MOVING and passage.source is not None:
        with passage.source.opened() as source:
            before = _look(source, passage.tombstone, object_id)
            if before.there and wanted not in (_ANY, before.etag):
                raise PreconditionFailed
            if before.there:
                _copy(source, target, object_id)
    return _look(target, passage.tombstone, object_id)


def _copy(source: Store, target: Store, object_id: str) -> None:
    """Take an object to the target, unless somebody is faster. The source keeps it."""
    found = find(source, object_id)
    if found is None:
        return
    try:
        copy(source, target, found)
    except (PreconditionFailed, SourceChanged) as overtaken:
        logger.debug("%s was not copied: %s", object_id, overtaken)
    except NotProved as error:
        raise NodeError("did not store a copy as it was sent").noted(str(error)) from error


def _read(store: Store, tombstone: Tombstone, object_id: str, wanted: ReadRequest) -> Retrieved:
    """As `read`, for an id that may have a tombstone.

    :raises Deleted: when it has.
    """
    try:
        retrieved = read(store, object_id, wanted)
    except RangeNotSatisfiable:
        # Of the object, or of a tombstone? The node does not say.
        if _look(store, tombstone, object_id).there:
            raise
        raise Deleted from None
    # Metadata tells a tombstone, and does not come with a 304. The tag does, from most servers.
    if retrieved.answer.status == 304:
        etag = retrieved.answer.headers.get("ETag")
        if etag == tombstone.etag or (not etag and not _look(store, tombstone, object_id).there):
            raise Deleted
    return retrieved


def _look(store: Store, tombstone: Tombstone, object_id: str) -> _Seen:
    try:
        answer = store.get(object_id, {}, head=True)
    except ObjectNotFound:
        return _Seen()
    answer.close()
    etag = answer.headers.get("etag", "")
    if is_tombstone(answer.metadata) or etag == tombstone.etag:
        # From versitygw, one of the two may be of what was written a moment later, and a condition
        # on its tag would let that be replaced.
        return _Seen(tombstone.etag, there=False)
    return _Seen(etag, there=True)
