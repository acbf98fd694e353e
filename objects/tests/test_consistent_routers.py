"""What the rendezvous and the ring router have in common: names and weights decide, and no id moves
but from or to what has changed."""

import json
import math
import os
import random
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nodes.node import Credentials, Node, NodeState
from objects.routing import MAX_WEIGHT, BaseRouter, RendezvousRouter, RingRouter, router_class
from objects.tests.membership_of import node, nodes

ALPHABET = string.ascii_letters + string.digits
ROUTERS: list[BaseRouter] = [RendezvousRouter(), RingRouter()]
WEIGHTS = st.sampled_from([0.5, 1.0, 1.0, 1.0, 2.0, 3.25])
MEMBERSHIPS = st.lists(
    st.tuples(st.text("ab01-", min_size=1, max_size=6), WEIGHTS),
    min_size=2,
    max_size=6,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: tuple(weighted(name, weight) for name, weight in sorted(pairs)))
SOME_IDS = [f"{number}x{'y' * (number % 7)}" for number in range(60)]

every_router = pytest.mark.parametrize("router", ROUTERS, ids=lambda each: type(each).__name__)
# A ring of some nodes takes milliseconds to build, and more where the machine is busy.
bounded = hypothesis_settings(deadline=None, max_examples=40)


def weighted(name: str, weight: float) -> Node:
    return replace(node(name), weight=weight)


def owners(router: BaseRouter, members: Sequence[Node]) -> dict[str, str]:
    return {object_id: router.owner(object_id, members).name for object_id in SOME_IDS}


@every_router
@given(MEMBERSHIPS, st.randoms(use_true_random=False))
@bounded
def test_the_order_of_the_nodes_decides_nothing(
    router: BaseRouter, members: tuple[Node, ...], shuffling: random.Random
) -> None:
    shuffled = list(members)
    shuffling.shuffle(shuffled)
    assert owners(router, shuffled) == owners(router, members)


@every_router
@given(MEMBERSHIPS, st.sampled_from(NodeState), st.text("0123456789.", min_size=1))
@bounded
def test_state_address_and_keys_of_nodes_move_nothing(
    router: BaseRouter, members: tuple[Node, ...], state: NodeState, host: str
) -> None:
    other = tuple(
        replace(each, state=state, host=host, port=1, credentials=Credentials("other", "key"))
        for each in members
    )
    assert owners(router, members) == owners(router, other)


@every_router
@given(MEMBERSHIPS)
@bounded
def test_only_ids_of_a_node_that_is_removed_move(
    router: BaseRouter, members: tuple[Node, ...]
) -> None:
    before = owners(router, members)
    gone, *left = members
    after = owners(router, tuple(left))
    for object_id, owner in before.items():
        assert after[object_id] == owner or owner == gone.name


@every_router
@given(MEMBERSHIPS, st.text("xyz", min_size=1, max_size=4), WEIGHTS)
@bounded
def test_ids_move_only_to_a_node_that_is_added(
    router: BaseRouter, members: tuple[Node, ...], name: str, weight: float
) -> None:
    before = owners(router, members)
    after = owners(router, (*members, weighted(name, weight)))
    for object_id, owner in before.items():
        assert after[object_id] in (owner, name)


@every_router
@given(MEMBERSHIPS, st.sampled_from([0.0, 0.25, 1.5, 4.0]))
@bounded
def test_another_weight_moves_ids_only_to_or_from_that_node(
    router: BaseRouter, members: tuple[Node, ...], weight: float
) -> None:
    changed, *others = members
    assume(weight != changed.weight)
    before = owners(router, members)
    after = owners(router, (replace(changed, weight=weight), *others))
    for object_id, owner in before.items():
        if weight > changed.weight:
            assert after[object_id] in (owner, changed.name)
        else:
            assert after[object_id] == owner or owner == changed.name


@every_router
def test_a_node_of_weight_0_owns_nothing(router: BaseRouter) -> None:
    members = (weighted("full", 0.0), weighted("one", 1.0), weighted("two", 1.0))
    assert set(owners(router, members).values()) == {"one", "two"}
    assert router.shares(members)[0] == 0


@every_router
@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 2, 3), (0.5, 0.5, 4, 1), (1,) * 40, (3,)])
def test_ids_spread_as_the_shares_say(router: BaseRouter, weights: Sequence[float]) -> None:
    """Pearson's chi-squared over the nodes, within five standard deviations of its mean."""
    members = tuple(weighted(f"node-{place}", weight) for place, weight in enumerate(weights))
    shares = router.shares(members)
    assert math.fsum(shares) == pytest.approx(1)
    generator = random.Random(20240607)
    ids = {"".join(generator.choices(ALPHABET, k=generator.randint(4, 32))) for _ in range(8000)}
    owned = Counter(router.owner(object_id, members).name for object_id in ids)
    chi_squared = math.fsum(
        (owned[member.name] - len(ids) * share) ** 2 / (len(ids) * share)
        for member, share in zip(members, shares, strict=True)
    )
    freedom = len(weights) - 1
    assert abs(chi_squared - freedom) <= 5 * (2 * freedom) ** 0.5


@every_router
def test_the_owner_is_the_same_in_any_process(router: BaseRouter) -> None:
    path = f"{type(router).__module__}.{type(router).__qualname__}"
    program = (
        "import json, sys; sys.path.insert(0, '');"
        "from objects.tests.test_consistent_routers import *;"
        f"router = router_class({path!r})();"
        "print(json.dumps([owners(router, SAMPLE), owners(router, nodes(5))]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    environment["DJANGO_SETTINGS_MODULE"] = "objgw_site.settings"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [owners(router, SAMPLE), owners(router, nodes(5))]


SAMPLE = (weighted("a", 1.0), weighted("b", 2.5), weighted("c", 0.1), weighted("ü", 1.0))


@every_router
@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, MAX_WEIGHT * 1.01])
def test_what_is_no_weight_is_refused(router: BaseRouter, weight: float) -> None:
    members = (weighted("good", 1.0), weighted("bad", weight))
    with pytest.raises(ValueError, match="the weight of bad must be a number from 0 to 1000, not"):
        router.owner("abc", members)
    with pytest.raises(ValueError, match="the weight of bad"):
        router.shares(members)


@every_router
def test_all_weights_0_are_refused(router: BaseRouter) -> None:
    with pytest.raises(ValueError, match="one node at least must have a weight above 0"):
        router.owner("abc", (weighted("one", 0.0), weighted("two", 0.0)))


@every_router
def test_no_nodes_have_no_shares(router: BaseRouter) -> None:
    assert list(router.shares(())) == []


@dataclass
class Watched:
    """A member that counts how often it is asked for its name."""

    text: str
    weight: float = 1.0
    asked: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        self.asked += 1
        return self.text


@pytest.mark.parametrize("kind", [RendezvousRouter, RingRouter])
def test_a_tuple_of_members_is_looked_at_once(kind: type[BaseRouter]) -> None:
    router = kind()
    before, after = (Watched("a"), Watched("b")), (Watched("a"), Watched("b"), Watched("c"))
    for _ in range(2):
        router.owner("abc", before)
        router.owner("abc", after)
    counts = [member.asked for member in (*before, *after)]
    for object_id in SOME_IDS:
        router.owner(object_id, before)
        router.owner(object_id, after)
    assert [member.asked for member in (*before, *after)] == counts


@every_router
def test_a_list_that_changes_is_looked_at_again(router: BaseRouter) -> None:
    members = [weighted("a", 1.0), weighted("b", 1.0)]
    assert set(owners(router, members).values()) == {"a", "b"}
    members[0] = weighted("other", 1.0)
    assert set(owners(router, members).values()) == {"other", "b"}


@every_router
def test_many_memberships_one_after_the_other_are_told_apart(router: BaseRouter) -> None:
    for number in range(40):
        members = tuple(weighted(f"{number}-{place}", 1.0) for place in range(2))
        assert router.owner("abc", members).name.startswith(f"{number}-")
        assert router.owner("abc", members).name == router.owner("abc", list(members)).name


@pytest.mark.parametrize(("name", "kind"), [("rendezvous", RendezvousRouter), ("ring", RingRouter)])
def test_it_has_a_short_name(name: str, kind: type[BaseRouter]) -> None:
    assert router_class(name) is kind
    assert kind.weighted
