"""Which node owns an id: MD5 modulo the number of nodes, and nothing else."""

import hashlib
import random
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from nodes.node import Credentials, NodeState
from objects.checks import router as router_check
from objects.routing import ModuloRouter, get_router, router_class
from objects.tests.membership_of import nodes

ALPHABET = string.ascii_letters + string.digits
IDS = st.text(ALPHABET, min_size=1, max_size=32)
COUNTS = (1, 2, 3, 5, 300)
ROUTER = ModuloRouter()


@given(IDS, st.integers(1, 300))
@hypothesis_settings(deadline=None)
def test_the_owner_is_md5_modulo_the_number_of_nodes(object_id: str, count: int) -> None:
    members = nodes(count)
    digest = int(hashlib.md5(object_id.encode(), usedforsecurity=False).hexdigest(), 16)
    assert ROUTER.owner(object_id, members) is members[digest % count]


@pytest.mark.parametrize(
    ("object_id", "index"),
    # printf ID | md5sum | cut -c1-32 | tr a-f A-F | sed "s/.*/ibase=16; & % 3/" | bc
    [("abc", 1), ("ABC", 0), ("0", 1), ("Z" * 32, 1)],
)
def test_known_owners_of_three(object_id: str, index: int) -> None:
    assert ROUTER.owner(object_id, nodes(3)).name == f"node-{index:03}"


@given(IDS, st.integers(1, 20), st.sampled_from(NodeState), st.text("0123456789.", min_size=1))
@hypothesis_settings(deadline=None)
def test_state_address_and_keys_of_nodes_move_nothing(
    object_id: str, count: int, state: NodeState, host: str
) -> None:
    before = nodes(count)
    after = [
        replace(node, state=state, host=host, port=1, credentials=Credentials("other", "key"))
        for node in before
    ]
    assert ROUTER.owner(object_id, before).name == ROUTER.owner(object_id, after).name
    gone = [replace(node, state=NodeState.DEAD, host=None, credentials=None) for node in before]
    assert ROUTER.owner(object_id, before).name == ROUTER.owner(object_id, gone).name


@pytest.mark.parametrize("count", COUNTS)
def test_ids_spread_evenly(count: int) -> None:
    """Pearson's chi-squared over the nodes, within five standard deviations of its mean."""
    generator = random.Random(20240607)
    members = nodes(count)
    ids: set[str] = set()
    while len(ids) < 200 * count:
        ids.add("".join(generator.choices(ALPHABET, k=generator.randint(1, 32))))
    owned = dict.fromkeys((node.name for node in members), 0)
    for object_id in ids:
        owned[ROUTER.owner(object_id, members).name] += 1
    freedom = count - 1
    chi_squared = sum((number - 200) ** 2 / 200 for number in owned.values())
    assert abs(chi_squared - freedom) <= 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("count", COUNTS)
def test_shares_are_equal_and_sum_up_to_one(count: int) -> None:
    found = ROUTER.shares(nodes(count))
    assert len(found) == count
    assert sum(found) == pytest.approx(1)
    assert max(found) == min(found)


def test_the_setting_picks_the_router(settings: Settings) -> None:
    settings.OBJGW_ROUTER = f"{__name__}.FirstRouter"
    assert isinstance(get_router(), FirstRouter)
    assert get_router().shares(nodes(3)) == [1.0, 0.0, 0.0]
    assert router_check(None) == []


@pytest.mark.parametrize(
    "name", ["random", "no.such.module", "objects.routing.get_router", "nodes.node.Node", ""]
)
def test_what_is_not_a_router_is_refused(name: str, settings: Settings) -> None:
    with pytest.raises(ImportError):
        router_class(name)
    settings.OBJGW_ROUTER = name
    (error,) = router_check(None)
    assert "OBJGW_ROUTER must be modulo, rendezvous, ring or" in error.msg
    assert f"'{name}'" in error.msg


class FirstRouter(ModuloRouter):
    """Gives everything to the first node."""

    def shares(self, nodes: object) -> list[float]:
        return [1.0, 0.0, 0.0]
