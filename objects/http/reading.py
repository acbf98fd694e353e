"""GET and HEAD of an object: what to ask the node for, and what its answer means for the client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from objects.exceptions import PreconditionFailed, RangeNotSatisfiable
from objects.http.conditions import NONE, Conditions, conditions_of, if_range_holds
from objects.http.headers import not_modified_headers, response_headers
from objects.http.ranges import ByteRange, parse_range


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What a client's GET or HEAD asks for.

    :ivar head: whether it is a HEAD, which has no body and knows no ranges (RFC 9110 section 14.2).
    :ivar conditions: those of the request.
    :ivar byte_range: the part that is asked for, None for all.
    :ivar if_range: the value of If-Range, "" when there is none.
    """

    head: bool = False
    conditions: Conditions = NONE
    byte_range: ByteRange | None = None
    if_range: str = ""

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> "ReadRequest":
        """The one that a WSGI environment holds.

        :raises InvalidCondition: see `conditions_of`.
        """
        conditions = conditions_of(meta)
        if meta["REQUEST_METHOD"] == "HEAD":
            return cls(head=True, conditions=conditions)
        if "HTTP_RANGE" not in meta:
            return cls(head=False, conditions=conditions)
        byte_range = parse_range(meta["HTTP_RANGE"])
        return cls(False, conditions, byte_range, meta.get("HTTP_IF_RANGE", "").strip())

    @property
    def asks_again(self) -> bool:
        """Whether a node's 416 may be overruled: by a condition, which is judged before the range
        (section 13.2.2), or by an If-Range that does not hold. The node does not say then what is
        needed to judge them, so all of the object has to be asked for.
        """
        return bool(self.if_range) or bool(self.conditions)


class NodeAnswer(Protocol):
    """The head of a node's answer.

    :ivar status: 200, 206 or 304.
    :ivar headers: names in lower case.
    :ivar metadata: the client's own, see `objects.http.headers.metadata_of`.
    """

    status: int
    headers: dict[str, str]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What a client gets.

    :ivar body: whether the node's body is to be sent on.
    """

    status: int
    headers: dict[str, str]
    body: bool = True


def judge(wanted: ReadRequest, answer: NodeAnswer) -> ReadAnswer | None:
    """What a node's answer comes to; None for a part of an object of which the client wants all,
    since its If-Range does not hold.

    :raises PreconditionFailed, RangeNotSatisfiable: see RFC 9110.
    """
    status, node = answer.status, answer.headers
    outcome = 304 if status == 304 else None
    if outcome is None and wanted.conditions is not NONE:
        outcome = wanted.conditions.outcome(node)
    if outcome == 304:
        return ReadAnswer(304, not_modified_headers(node), body=False)
    if outcome is not None:
        raise PreconditionFailed
    if wanted.byte_range is None:
        return ReadAnswer(200, response_headers(node, answer.metadata), body=not wanted.head)
    headers = response_headers(node, answer.metadata)
    size = int(headers["Content-Length"])
    if status == 206:
        if not if_range_holds(wanted.if_range, node):
            return None
        # The last bytes of nothing: MinIO says 206 with a range that ends before it begins.
        if size == 0:
            return ReadAnswer(200, headers)
        return ReadAnswer(206, {**headers, "Content-Range": node.get("content-range", "")})
    if not wanted.byte_range.satisfiable(size) and if_range_holds(wanted.if_range, node):
        raise RangeNotSatisfiable.of(size)
    return ReadAnswer(200, headers)
