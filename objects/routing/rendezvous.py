"""The rendezvous router: each node draws a number for the id, and the best one owns it."""

import decimal
import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from objects.routing.base import BaseRouter, M, Member
from objects.routing.tables import Tables

# Distances that differ by less are compared exactly: C libraries may differ in a logarithm's last
# bit, and two gateways must not differ in an owner.
_CLOSE = 1 + 1e-9
_EXACT = decimal.Context(prec=60)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A node that can own ids.

    :ivar place: its index among the members.
    :ivar hasher: has hashed its name.
    """

    place: int
    hasher: blake2b
    weight: float


@dataclass(frozen=True, slots=True)
class _Table:
    """The candidates by name, so that the order of the members decides nothing."""

    candidates: tuple[_Candidate, ...]
    equal: bool


class RendezvousRouter(BaseRouter):
    """Highest random weight, with the logarithmic method for nodes of different weights.

    A node's number for an id is the BLAKE2b hash (RFC 7693) of 64 bits of ``NAME/ID``. Among nodes
    of the same weight the one with the highest number owns the id. With weights it is the one with
    the least distance -ln(u) / weight, where u in (0, 1) is made of the number's upper 52 bits. A
    node of twice the weight then owns twice as many ids, and no id moves but from or to a node that
    is added, removed or weighted anew.

    Thaler, Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on
    Networking 6 (1), 1998. Schindelhauer, Schomaker, "Weighted distributed hash tables", SPAA 2005.
    """

    weighted = True

    def __init__(self) -> None:
        self._tables = Tables(_table)

    def owner(self, object_id: str, nodes: Sequence[M]) -> M:
        table = self._tables.of(nodes)
        encoded = object_id.encode("ascii")
        if not table.equal:
            return nodes[_nearest(table.candidates, encoded).place]
        highest, place = b"", 0
        for candidate in table.candidates:
            hasher = candidate.hasher.copy()
            hasher.update(encoded)
            digest = hasher.digest()
            if digest > highest:
                highest, place = digest, candidate.place
        return nodes[place]

    def shares(self, nodes: Sequence[Member]) -> Sequence[float]:
        self._tables.of(nodes)  # checks the weights
        total = math.fsum(node.weight for node in nodes)
        return [node.weight / total for node in nodes]


def _table(nodes: Sequence[Member]) -> _Table:
    places = sorted(range(len(nodes)), key=lambda place: nodes[place].name)
    candidates = tuple(
        _Candidate(place, blake2b(f"{nodes[place].name}/".encode(), digest_size=8), weight)
        for place in places
        if (weight := nodes[place].weight)
    )
    return _Table(candidates, len({candidate.weight for candidate in candidates}) == 1)


def _nearest(candidates: Sequence[_Candidate], encoded: bytes) -> _Candidate:
    """The candidate with the least distance."""
    distances = []
    digests = []
    for candidate in candidates:
        hasher = candidate.hasher.copy()
        hasher.update(encoded)
        digest = hasher.digest()
        # An odd number of 53 bits: exact as a float, and never 0 or 1.
        u = (int.from_bytes(digest) >> 11 | 1) * 2.0**-53
        distances.append(-math.log(u) / candidate.weight)
        digests.append(digest)
    limit = min(distances) * _CLOSE
    close = [place for place, distance in enumerate(distances) if distance <= limit]
    if len(close) == 1:
        return candidates[close[0]]
    return candidates[
        min(close, key=lambda place: _exactly(digests[place], candidates[place].weight))
    ]


def _exactly(digest: bytes, weight: float) -> tuple[decimal.Decimal, int]:
    """The distance in a precision that decides, the same everywhere: decimal's logarithm is
    correctly rounded by its specification. With it what decides between equal distances, as among
    equal weights.
    """
    number = int.from_bytes(digest)
    u = _EXACT.divide(decimal.Decimal(number >> 11 | 1), decimal.Decimal(2**53))
    distance = _EXACT.divide(-_EXACT.ln(u), decimal.Decimal(weight))
    return distance, -number
