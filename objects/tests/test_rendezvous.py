"""The rendezvous router: known owners, and that what is close is decided exactly."""

import decimal
import math
from dataclasses import replace
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from objects.routing import RendezvousRouter
from objects.tests.membership_of import node, nodes

ROUTER = RendezvousRouter()


@pytest.mark.parametrize(
    ("object_id", "place", "weighted_place"),
    # for n in 000 001 002; do printf node-$n/ID | b2sum -l 64; done: the highest number; with
    # weights 100, 1, 1, `bc -l` on -l(number / 2^64) / weight: the least.
    [("abc", 2, 2), ("ABC", 2, 0), ("0", 1, 0), ("Z" * 32, 1, 0)],
)
def test_known_owners_of_three(object_id: str, place: int, weighted_place: int) -> None:
    members = nodes(3)
    assert ROUTER.owner(object_id, members) is members[place]
    members[0] = replace(members[0], weight=100.0)
    assert ROUTER.owner(object_id, members) is members[weighted_place]


def test_shares_are_the_weights() -> None:
    members = [
        replace(each, weight=weight) for each, weight in zip(nodes(3), (1, 2, 5), strict=True)
    ]
    assert ROUTER.shares(members) == [1 / 8, 2 / 8, 5 / 8]
    assert ROUTER.shares(nodes(3)) == pytest.approx([1 / 3] * 3)


@given(st.text("abc019", min_size=1, max_size=12), st.integers(-3, 3))
@hypothesis_settings(deadline=None)
def test_distances_that_floats_cannot_tell_apart_are_compared_exactly(
    object_id: str, steps: int
) -> None:
    """The second node gets the weight with which both are as near as floats can say, or one a few
    floats away; who owns the id is what logarithms of 100 digits say.
    """
    first, second = node("first"), node("second")
    weight = _logarithm("second", object_id) / _logarithm("first", object_id)
    near = float(weight)
    for _ in range(abs(steps)):
        near = math.nextafter(near, math.copysign(math.inf, steps))
    if not 0 < near < 1000:
        return
    members = (first, replace(second, weight=near))
    nearer = members[decimal.Decimal(near) > weight]
    assert ROUTER.owner(object_id, members) is nearer


def _logarithm(name: str, object_id: str) -> decimal.Decimal:
    number = int.from_bytes(blake2b(f"{name}/{object_id}".encode(), digest_size=8).digest(), "big")
    with decimal.localcontext(prec=100):
        return (decimal.Decimal((number >> 12) * 2 + 1) / 2**53).ln()
