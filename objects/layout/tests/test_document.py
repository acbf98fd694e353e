"""The layout as a document: what is written can be read, and what is no layout is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objects.identifiers import is_id
from objects.layout import LAYOUT_KEY, InvalidLayout, Layout, Member, State, Tombstone

NONCE = "0123456789abcdef" * 2
THREE = ("node-1", "node-2", "node-3")

NAMES = st.sets(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), min_size=1)
WEIGHTS = st.floats(min_value=0.01, max_value=1000)


def members_of(names: set[str], weights: list[float]) -> tuple[Member, ...]:
    return tuple(
        Member(name, weights[index % len(weights)]) for index, name in enumerate(sorted(names))
    )


def stable(names: tuple[str, ...] = THREE) -> Layout:
    return Layout.adopted("modulo", names)


def switching() -> Layout:
    return stable().changed("rendezvous", [Member("node-2"), Member("node-4", 2.5)])


@given(NAMES, NAMES, st.lists(WEIGHTS, min_size=1), st.data())
def test_what_is_written_can_be_read(
    before: set[str], after: set[str], weights: list[float], data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(before - after)))) if before - after else set()
    layout = Layout.adopted("ring", before, lease=2.5)
    change = layout.changed("modulo", members_of(after, weights), lost)
    moving = change.advanced(State.MOVING)
    for each in (layout, change, moving, moving.advanced(State.SETTLING)):
        assert Layout.from_json(each.to_json()) == each


def test_equal_layouts_have_the_same_bytes() -> None:
    layout = stable()
    reordered = json.dumps(json.loads(layout.to_json()), indent=2).encode()
    whole = json.loads(layout.to_json())
    whole["lease"] = int(whole["lease"])
    assert Layout.from_json(reordered).to_json() == layout.to_json()
    assert Layout.from_json(json.dumps(whole).encode()).to_json() == layout.to_json()


def test_the_key_is_no_id_and_comes_behind_all() -> None:
    assert not is_id(LAYOUT_KEY)
    assert LAYOUT_KEY > "z" * 32


def test_a_change_goes_through_its_states() -> None:
    change = switching()
    assert change.previous is not None
    assert [member.name for member in change.previous.members] == list(THREE)
    seen = [change]
    for state in (State.MOVING, State.SETTLING, State.CLEANING, State.STABLE):
        seen.append(seen[-1].advanced(state))
    assert [each.version for each in seen] == [2, 3, 4, 5, 6]
    assert {each.nonce for each in seen} == {change.nonce}
    assert (seen[-1].router, seen[-1].members) == (change.router, change.members)
    assert seen[-1].previous is None


def test_a_change_can_be_given_up_before_anything_moves() -> None:
    layout = stable()
    back = layout.changed("ring", layout.members).advanced(State.STABLE)
    assert (back.version, back.router, back.members) == (3, "modulo", layout.members)
    with pytest.raises(InvalidLayout, match="behind moving comes settling; not 'stable'"):
        switching().advanced(State.MOVING).advanced(State.STABLE)


def test_only_one_change_at_a_time() -> None:
    with pytest.raises(InvalidLayout, match="only in the state stable; not 'switching'"):
        switching().changed("modulo", [Member("node-1")])


def test_all_members_but_the_lost_hold_a_copy() -> None:
    assert switching().holders == {*THREE, "node-4"}
    assert switching().with_lost(["node-1"]).holders == {"node-2", "node-3", "node-4"}
    with pytest.raises(InvalidLayout, match="lost may only name"):
        switching().with_lost(["node-2"])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": 2}, "format must be 1"),
        ({"version": 0}, "version must be 1 or more; not 0"),
        ({"version": True}, "version must be a whole number; not True"),
        ({"version": 1.5}, "version must be a whole number"),
        ({"state": "moved"}, "state must be one of stable, switching"),
        ({"state": "moving"}, "previous must be null in the state stable"),
        ({"router": ""}, "router must be the alias or dotted path"),
        ({"router": None}, "router must hold a text; not None"),
        ({"members": []}, "at least one node"),
        ({"members": [{"name": "a"}]}, "each of members must have exactly name, weight"),
        ({"members": [{"name": "b", "weight": 1}, {"name": "a", "weight": 1}]}, "in order of"),
        ({"members": [{"name": "a", "weight": 1}, {"name": "a", "weight": 2}]}, "each once"),
        ({"members": [{"name": "a b", "weight": 1}]}, "printable ASCII"),
        ({"members": [{"name": "a", "weight": 0}]}, "must have a weight above 0"),
        ({"members": [{"name": "a", "weight": -1}]}, "weight of a must be a number from 0 to 1000"),
        ({"members": [{"name": "a", "weight": 1001}]}, "weight of a must be a number from 0 to"),
        ({"members": [{"name": "a", "weight": float("inf")}]}, "weight of a must be a number"),
        ({"members": [{"name": "a", "weight": 10**400}]}, "weight of a must be a number"),
        ({"members": [{"name": "a", "weight": "1"}]}, "weight of a must be a number; not '1'"),
        ({"previous": []}, "previous must be a JSON object"),
        ({"previous": {"router": "modulo"}}, "previous must have exactly"),
        ({"nonce": "abc"}, "nonce must be 32"),
        ({"lost": ["node-1"]}, "lost may only name"),
        ({"lost": "node-1"}, "lost must be a JSON array"),
        ({"lease": 0}, "lease must be a number of seconds above 0"),
        ({"lease": float("nan")}, "lease must be a number of seconds above 0"),
        ({"more": 1}, "the document must have exactly"),
    ],
)
def test_what_is_no_layout_is_refused(change: dict[str, Any], complaint: str) -> None:
    document = {**json.loads(stable().to_json()), **change}
    with pytest.raises(InvalidLayout, match=complaint):
        Layout.from_json(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"hello", b"[]", b"\xff", b"null", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidLayout):
        Layout.from_json(data)


def test_tombstones_of_a_change_are_alike_and_of_another_are_not() -> None:
    assert Tombstone.of(NONCE) == Tombstone.of(NONCE)
    assert Tombstone.of(NONCE).etag != Tombstone.of(NONCE[::-1]).etag
