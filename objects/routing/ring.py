"""The ring router: consistent hashing with virtual nodes."""

import math
import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from objects.routing.base import BaseRouter, M, Member
from objects.routing.tables import Tables

#: Points on the ring for each unit of weight. Shares of equal nodes differ by about 1/sqrt(POINTS).
POINTS = 512
_SIZE = 2**64
# Points that one digest of 64 bytes gives.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Ring:
    """All points in order, and beside them the places of the nodes that they belong to."""

    points: Sequence[int]
    places: Sequence[int]


class RingRouter(BaseRouter):
    """The id belongs to the node whose point on the ring is the first at or after its own.

    An id's point is its BLAKE2b hash (RFC 7693) of 64 bits, read as a big-endian number. A node has
    `POINTS` points times its weight, rounded, and one at least unless its weight is 0: the hashes
    of 512 bits of ``NAME/0``, ``NAME/1`` and so on give eight each. Its points depend on nothing
    but its name and weight, so no id moves but from or to a node that is added, removed or weighted
    anew. Where two nodes have the same point, it is that of the lesser name.

    Karger, Lehman, Leighton, Panigrahy, Levine, Lewin, "Consistent hashing and random trees", STOC
    1997.
    """

    weighted = True

    def __init__(self) -> None:
        self._rings = Tables(_ring)

    def owner(self, object_id: str, nodes: Sequence[M]) -> M:
        ring = self._rings.of(nodes)
        digest = blake2b(object_id.encode("ascii"), digest_size=8).digest()
        index = bisect_left(ring.points, int.from_bytes(digest))
        return nodes[ring.places[index if index < len(ring.points) else 0]]

    def shares(self, nodes: Sequence[Member]) -> Sequence[float]:
        ring = self._rings.of(nodes)
        owned = [0] * len(nodes)
        # What lies beyond the last point belongs to the first one.
        before = ring.points[-1] - _SIZE if ring.points else 0
        for point, place in zip(ring.points, ring.places, strict=True):
            owned[place] += point - before
            before = point
        return [part / _SIZE for part in owned]


def _ring(nodes: Sequence[Member]) -> _Ring:
    by_name = sorted(range(len(nodes)), key=lambda place: nodes[place].name)
    # One number for a point and the rank of its node's name: sorted sooner than pairs are.
    count = len(nodes)
    marks = [
        point * count + rank
        for rank, place in enumerate(by_name)
        for point in _points(nodes[place])
    ]
    marks.sort()
    return _Ring([mark // count for mark in marks], [by_name[mark % count] for mark in marks])


def _points(node: Member) -> Sequence[int]:
    count = max(1, round(POINTS * node.weight)) if node.weight else 0
    digests = b"".join(
        blake2b(f"{node.name}/{number}".encode()).digest()
        for number in range(math.ceil(count / _AT_ONCE))
    )
    return struct.unpack(f">{count}Q", digests[: 8 * count])
