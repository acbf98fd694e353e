"""The ring router: consistent hashing with virtual nodes."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
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
        before = ring.points[-1] - _SIZE
        for point, place in zip(ring.points, ring.places, strict=True):
            owned[place] += point - before
            before = point
        return [part / _SIZE for part in owned]


def _ring(nodes: Sequence[Member]) -> _Ring:
    found = sorted(
        (point, node.name, place)
        for place, node in enumerate(nodes)
        for point in _points(node.name, node.weight)
    )
    return _Ring([point for point, _, _ in found], [place for _, _, place in found])


def _points(name: str, weight: float) -> Iterator[int]:
    count = max(1, round(POINTS * weight)) if weight else 0
    for start in range(0, count, _AT_ONCE):
        digest = blake2b(f"{name}/{start // _AT_ONCE}".encode()).digest()
        for number in range(min(_AT_ONCE, count - start)):
            yield int.from_bytes(digest[8 * number : 8 * number + 8])
