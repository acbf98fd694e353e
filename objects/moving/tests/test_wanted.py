"""What is asked for, against what there is."""

import re

import pytest

from objects.layout import Layout, Member, State
from objects.moving.apply import same_change
from objects.moving.wanted import NotPossible, Wanted, weight_of

NODES = ("node-1", "node-2", "node-3")
FOUND = (*NODES, "node-4")
LEASE = 2.0


def adopted(router: str = "modulo") -> Layout:
    return Layout.adopted(router, NODES)


def changed(router: str = "modulo", **wanted: object) -> Layout:
    layout = Wanted(**wanted).applied_to(adopted(router), FOUND, LEASE)  # type: ignore[arg-type]  # a dict
    assert layout is not None
    return layout


def names(layout: Layout) -> list[str]:
    return [member.name for member in layout.members]


def test_nodes_join_in_the_order_of_their_names() -> None:
    layout = changed(add=frozenset({"node-4"}))
    assert names(layout) == list(FOUND)
    assert (layout.state, layout.version, layout.lease) == (State.SWITCHING, 2, LEASE)
    assert layout.previous is not None
    assert [member.name for member in layout.previous.members] == list(NODES)


def test_nodes_leave_and_are_waited_for_unless_they_are_lost() -> None:
    assert names(changed(remove=frozenset({"node-1"}))) == ["node-2", "node-3"]
    lost = changed(lost=frozenset({"node-1"}))
    assert names(lost) == ["node-2", "node-3"]
    assert lost.lost == {"node-1"}
    assert "node-1" not in lost.holders


def test_weights_stay_with_their_nodes() -> None:
    heavy = changed(router="rendezvous", weights={"node-2": 2.0})
    assert heavy.members[1] == Member("node-2", 2.0)
    stable = heavy.advanced(State.MOVING).advanced(State.SETTLING).advanced(State.STABLE)
    again = Wanted(add=frozenset({"node-4"})).applied_to(stable, FOUND, LEASE)
    assert again is not None
    assert again.members[1] == Member("node-2", 2.0)


def test_a_router_without_weights_forgets_them() -> None:
    heavy = changed(router="rendezvous", weights={"node-2": 2.0})
    stable = heavy.advanced(State.MOVING).advanced(State.SETTLING).advanced(State.STABLE)
    again = Wanted(router="modulo").applied_to(stable, FOUND, LEASE)
    assert again is not None
    assert {member.weight for member in again.members} == {1.0}


def test_what_is_there_already_is_no_change() -> None:
    assert Wanted().applied_to(adopted(), FOUND, LEASE) is None
    assert Wanted(router="modulo").applied_to(adopted(), FOUND, LEASE) is None


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(add=frozenset({"node-9"})), "no such node. Not in the layout yet: node-4."),
        (Wanted(add=frozenset({"node-1"})), "belongs to the layout already"),
        (Wanted(remove=frozenset({"node-4"})), "It has node-1, node-2, node-3."),
        (Wanted(lost=frozenset({"nope"})), "--lost nope: the layout has no such node."),
        (Wanted(remove=frozenset(NODES)), "One node at least must stay"),
        (
            Wanted(remove=frozenset({"node-1"}), lost=frozenset({"node-1"})),
            "--lost removes it already",
        ),
        (Wanted(router="nope"), "must be modulo, rendezvous, ring or the dotted path"),
        (Wanted(weights={"node-1": 2.0}), "modulo knows no weights; rendezvous, ring do"),
        (Wanted(router="ring", weights={"node-1": 0.0}), "a number above 0"),
        (Wanted(router="ring", weights={"node-1": float("nan")}), "a number above 0"),
        (Wanted(router="ring", weights={"node-1": 1e9}), "1000 at most"),
        (Wanted(router="ring", weights={"node-4": 1.0}), "It will have node-1, node-2, node-3."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(wanted: Wanted, said: str) -> None:
    with pytest.raises(NotPossible, match=re.escape(said)):
        wanted.applied_to(adopted(), FOUND, LEASE)


def test_weights_are_read() -> None:
    assert weight_of("node-1=2") == ("node-1", 2.0)
    assert weight_of("a=b=0.5") == ("a=b", 0.5)
    for text in ("node-1", "node-1=", "=2", "node-1=many"):
        with pytest.raises(NotPossible, match="must be NAME=NUMBER"):
            weight_of(text)


def test_a_change_that_is_under_way_can_be_asked_for_again_and_no_other() -> None:
    under_way = changed(add=frozenset({"node-4"}), remove=frozenset({"node-1"}), router="ring")
    for wanted in (
        Wanted(),
        Wanted(add=frozenset({"node-4"})),
        Wanted(remove=frozenset({"node-1"}), router="ring"),
        Wanted(lost=frozenset({"node-1"})),
    ):
        assert same_change(wanted, under_way) is under_way
    for wanted in (
        Wanted(add=frozenset({"node-5"})),
        Wanted(remove=frozenset({"node-2"})),
        Wanted(router="modulo"),
        Wanted(weights={"node-2": 3.0}),
        Wanted(lost=frozenset({"node-2"})),
    ):
        with pytest.raises(NotPossible, match="Another change is under way"):
            same_change(wanted, under_way)
