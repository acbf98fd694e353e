"""GET and HEAD of an object: from the client's ranges and conditions to one answer."""

from dataclasses import dataclass

from django.http import HttpRequest

from objects.conditions import Conditions, conditions_of, if_range_holds
from objects.exceptions import PreconditionFailed, RangeNotSatisfiable
from objects.headers import not_modified_headers, response_headers
from objects.ranges import ByteRange, parse_range
from objects.store import Response, Store


@dataclass(frozen=True, slots=True)
class Reading:
    """What a client gets.

    :ivar answer: the node's answer whose body is to be sent on and closed; None for no body.
    """

    status: int
    headers: dict[str, str]
    answer: Response | None = None


def read(store: Store, object_id: str, request: HttpRequest) -> Reading:
    """Answer a GET or HEAD with one request to the node.

    It takes a second one in one case: the range asked for is of another version of the object
    (If-Range), or cannot be had, while there are conditions that must be judged before it; the
    node does not say then what is needed to judge them.

    :raises InvalidCondition: see `conditions_of`.
    :raises ObjectNotFound, PreconditionFailed, RangeNotSatisfiable: see RFC 9110.
    :raises Problem: see `Store.get`.
    """
    head = request.method == "HEAD"
    # Only GET knows ranges (section 14.2).
    wanted = None if head else parse_range(request.META.get("HTTP_RANGE"))
    conditions = conditions_of(request.META)
    conditional = conditions.for_node
    if wanted is not None and wanted.suffix != 0:
        try:
            answer = store.get(object_id, {**conditional, "Range": wanted.header})
        except RangeNotSatisfiable:
            if not (conditions or request.META.get("HTTP_IF_RANGE")):
                raise
        else:
            reading = _judged(conditions, answer)
            if reading is not None:
                return reading
            if if_range_holds(request, answer.headers):
                return _partial(answer)
            answer.close()
    answer = (store.head if head else store.get)(object_id, conditional)
    return _judged(conditions, answer) or _whole(request, answer, wanted, head=head)


def _judged(conditions: Conditions, answer: Response) -> Reading | None:
    """The answer when the conditions decide it."""
    status = 304 if answer.status == 304 else conditions.outcome(answer.headers)
    if status is None:
        return None
    answer.close()
    if status == 304:
        return Reading(304, not_modified_headers(answer.headers))
    raise PreconditionFailed


def _partial(answer: Response) -> Reading:
    headers = response_headers(answer.headers)
    content_range = answer.headers.get("content-range", "")
    # The last bytes of nothing: MinIO says 206 with a range that ends before it begins.
    if answer.status == 206 and headers["Content-Length"] != "0":
        return Reading(206, {**headers, "Content-Range": content_range}, answer)
    return Reading(200, headers, answer)


def _whole(
    request: HttpRequest, answer: Response, wanted: ByteRange | None, *, head: bool
) -> Reading:
    headers = response_headers(answer.headers)
    if head:
        answer.close()
        return Reading(200, headers)
    size = int(headers["Content-Length"])
    if (
        wanted is not None
        and not wanted.satisfiable(size)
        and if_range_holds(request, answer.headers)
    ):
        answer.close()
        raise RangeNotSatisfiable.of(size)
    return Reading(200, headers, answer)
