"""The ring router: known owners, and shares that are lengths on the ring."""

from dataclasses import replace

import pytest

from objects.routing import RingRouter
from objects.routing.ring import POINTS
from objects.tests.membership_of import nodes

ROUTER = RingRouter()


@pytest.mark.parametrize(
    ("object_id", "place"),
    # for n in 000 001 002; do for k in $(seq 0 63); do printf node-$n/$k | b2sum | cut -c1-128 |
    #   fold -w16 | sed "s/$/ $n/"; done; done | sort
    # The first of these lines that is not less than: printf ID | b2sum -l 64. The last id is beyond
    # all of them, so it belongs to the first line.
    [("abc", 1), ("ABC", 0), ("0", 0), ("Z" * 32, 2), ("wrap3479", 0)],
)
def test_known_owners_of_three(object_id: str, place: int) -> None:
    members = nodes(3)
    assert ROUTER.owner(object_id, members) is members[place]


def test_known_shares_of_three() -> None:
    # From the same lines: the sum of the differences to the line before, for each node, over 2^64.
    assert ROUTER.shares(nodes(3)) == pytest.approx(
        [0.3383697843, 0.3296643586, 0.3319658571], abs=1e-9
    )


@pytest.mark.parametrize("weight", [0.25, 1.0, 2.0, 8.0])
def test_shares_are_near_the_weights(weight: float) -> None:
    """Within five standard deviations: that of a node with n points is about 1/sqrt(n) of it."""
    members = nodes(20)
    members[0] = replace(members[0], weight=weight)
    ideal = weight / (19 + weight)
    assert ROUTER.shares(members)[0] == pytest.approx(ideal, rel=5 / (POINTS * weight) ** 0.5)


def test_the_least_weight_has_a_point() -> None:
    members = nodes(2)
    members[0] = replace(members[0], weight=1e-9)
    assert 0 < ROUTER.shares(members)[0] < 0.05
