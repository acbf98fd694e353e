"""GET and HEAD on one store: what is asked of the node, and what its answer comes to."""

from dataclasses import dataclass

from objects.exceptions import ObjectNotFound, RangeNotSatisfiable
from objects.http.reading import ReadAnswer, ReadRequest, judge
from objects.layout.tombstone import is_tombstone
from objects.store import NodeResponse, Store
from problems.problem import Problem


class Deleted(ObjectNotFound):
    """There is a tombstone."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An object, or what HTTP answers in its place.

    :ivar answer: status and header fields for the client.
    :ivar body: the node's answer, whose body is to be sent on and closed; None for no body.
    """

    answer: ReadAnswer
    body: NodeResponse | None


def read(store: Store, object_id: str, wanted: ReadRequest) -> Retrieved:
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
            if retrieved := _judged(object_id, wanted, response):
                return retrieved
    response = store.get(object_id, conditional, head=wanted.head)
    retrieved = _judged(object_id, wanted, response)
    assert retrieved is not None  # noqa: S101  (`judge` asks for all of it only once)
    return retrieved


def _judged(object_id: str, wanted: ReadRequest, response: NodeResponse) -> Retrieved | None:
    """What `judge` says of a node's answer, which is closed unless its body is to be sent on.

    :raises Deleted: for a tombstone.
    """
    try:
        if response.metadata and is_tombstone(response.metadata):
            raise Deleted(f"There is no object '{object_id}'.")
        answer = judge(wanted, response)
    except Problem:
        response.close()
        raise
    if answer is not None and answer.body:
        return Retrieved(answer, response)
    response.close()
    return None if answer is None else Retrieved(answer, None)
