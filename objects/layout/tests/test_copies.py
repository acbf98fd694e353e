"""Copies of the layout: written to all, by compare-and-swap, never backwards."""

import pytest

from objects.exceptions import NodeError
from objects.layout import LAYOUT_KEY, Layout, Member, State
from objects.layout.copies import Copies, LayoutConflict, LayoutNotWritten
from objects.tests.memory import Kept, MemoryStores

ONE, TWO, THREE, FOUR = "node-1", "node-2", "node-3", "node-4"
FIRST = Layout.adopted("modulo", [ONE, TWO, THREE])
#: The first goes, the fourth comes.
SECOND = FIRST.changed("modulo", [Member(name) for name in (TWO, THREE, FOUR)])


@pytest.fixture
def nodes() -> MemoryStores:
    return MemoryStores(ONE, TWO, THREE, FOUR)


@pytest.fixture
def copies(nodes: MemoryStores) -> Copies:
    return Copies(nodes.stores)


def on(nodes: MemoryStores, name: str) -> Layout | None:
    data = nodes.nodes[name].has(LAYOUT_KEY)
    return None if data is None else Layout.from_json(data)


def put(nodes: MemoryStores, name: str, layout: Layout) -> None:
    nodes.nodes[name].kept[LAYOUT_KEY] = Kept(layout.to_json())


def test_to_all_members_now_and_before(nodes: MemoryStores, copies: Copies) -> None:
    copies.replace(nodes.discovered, None, FIRST)
    assert [on(nodes, name) for name in (ONE, TWO, THREE, FOUR)] == [FIRST, FIRST, FIRST, None]
    copies.replace(nodes.discovered, FIRST, SECOND)
    assert {on(nodes, name) for name in nodes.nodes} == {SECOND}


def test_the_last_version_of_a_change_goes_to_those_that_leave(
    nodes: MemoryStores, copies: Copies
) -> None:
    settling = SECOND.advanced(State.MOVING).advanced(State.SETTLING)
    done = settling.advanced(State.STABLE)
    for name in nodes.nodes:
        put(nodes, name, settling)
    copies.replace(nodes.discovered, settling, done)
    assert on(nodes, ONE) == done


def test_of_two_at_once_one_loses_and_writes_nothing(nodes: MemoryStores, copies: Copies) -> None:
    copies.replace(nodes.discovered, None, FIRST)
    other = FIRST.changed("ring", FIRST.members)

    def overtake(method: str, key: str) -> None:
        # Behind the look at what is there, before it is replaced.
        if method == "PUT":
            nodes.nodes[ONE].before = lambda method, key: None
            put(nodes, ONE, other)

    nodes.nodes[ONE].before = overtake
    with pytest.raises(LayoutConflict, match="node-1"):
        copies.replace(nodes.discovered, FIRST, SECOND)
    assert [on(nodes, name) for name in (ONE, TWO, THREE)] == [other, FIRST, FIRST]


def test_the_first_is_swapped_before_any_other(nodes: MemoryStores, copies: Copies) -> None:
    nodes.nodes[ONE].down = True
    with pytest.raises(LayoutNotWritten, match="node-1 cannot be reached: Connection refused"):
        copies.replace(nodes.discovered, None, FIRST)
    assert all(on(nodes, name) is None for name in nodes.nodes)


def test_what_is_half_written_is_finished(nodes: MemoryStores, copies: Copies) -> None:
    copies.replace(nodes.discovered, None, FIRST)
    nodes.nodes[THREE].down = True
    with pytest.raises(LayoutNotWritten, match="node-3"):
        copies.replace(nodes.discovered, FIRST, SECOND)
    with pytest.raises(LayoutNotWritten, match=r"Not all copies .* node-3"):
        copies.finish(nodes.discovered)
    nodes.nodes[THREE].down = False
    assert copies.finish(nodes.discovered) == SECOND
    assert {on(nodes, name) for name in nodes.nodes} == {SECOND}


def test_again_is_to_go_on(nodes: MemoryStores, copies: Copies) -> None:
    nodes.nodes[TWO].down = True
    with pytest.raises(LayoutNotWritten):
        copies.replace(nodes.discovered, None, FIRST)
    nodes.nodes[TWO].down = False
    copies.replace(nodes.discovered, None, FIRST)
    assert [on(nodes, name) for name in (ONE, TWO, THREE)] == [FIRST, FIRST, FIRST]


def test_never_backwards(nodes: MemoryStores, copies: Copies) -> None:
    for name in nodes.nodes:
        put(nodes, name, SECOND)
    with pytest.raises(LayoutConflict, match="node-1 has version 2 of the layout already"):
        copies.replace(nodes.discovered, None, FIRST)
    put(nodes, ONE, FIRST)
    newer = SECOND.advanced(State.MOVING)
    put(nodes, THREE, newer)
    with pytest.raises(LayoutConflict, match="node-3 has version 3"):
        copies.replace(nodes.discovered, FIRST, SECOND)
    assert on(nodes, THREE) == newer


def test_a_lost_node_is_left_out_and_must_be_gone(nodes: MemoryStores, copies: Copies) -> None:
    copies.replace(nodes.discovered, None, FIRST)
    lost = FIRST.changed("modulo", [Member(TWO), Member(THREE)], lost=[ONE])
    with pytest.raises(LayoutNotWritten, match="node-1: declared lost, and still there"):
        copies.replace(nodes.discovered, FIRST, lost)
    left = tuple(node for node in nodes.discovered if node.name != ONE)
    copies.replace(left, FIRST, lost)
    assert [on(nodes, name) for name in (ONE, TWO, THREE)] == [FIRST, lost, lost]


def test_a_member_that_is_not_found_is_said(nodes: MemoryStores, copies: Copies) -> None:
    with pytest.raises(LayoutNotWritten, match="Not found: node-3"):
        copies.replace(nodes.discovered[:2], None, FIRST)


def test_two_of_one_version_exclude_each_other(nodes: MemoryStores, copies: Copies) -> None:
    put(nodes, ONE, FIRST)
    put(nodes, TWO, Layout.adopted("ring", [ONE, TWO]))
    with pytest.raises(LayoutConflict, match=r"Version 1 .* not the same on node-1, node-2"):
        copies.finish(nodes.discovered)


def test_a_node_whose_disk_was_replaced_gets_its_copy(nodes: MemoryStores, copies: Copies) -> None:
    copies.replace(nodes.discovered, None, FIRST)
    nodes.nodes[ONE].kept.clear()
    assert copies.finish(nodes.discovered) == FIRST
    assert on(nodes, ONE) == FIRST


def test_a_copy_that_is_none_is_said(nodes: MemoryStores, copies: Copies) -> None:
    nodes.nodes[ONE].kept[LAYOUT_KEY] = Kept(b"hello")
    with pytest.raises(NodeError, match="has a copy of the layout that is none"):
        copies.read(nodes.discovered[0])
    with pytest.raises(LayoutNotWritten, match="node-1 has a copy of the layout that is none"):
        copies.finish(nodes.discovered)


def test_the_same_copy_is_not_sent_again(nodes: MemoryStores, copies: Copies) -> None:
    copies.replace(nodes.discovered, None, FIRST)
    known = copies.read(nodes.discovered[0])
    assert copies.read(nodes.discovered[1], known) is known


def test_without_any(nodes: MemoryStores, copies: Copies) -> None:
    assert copies.finish(nodes.discovered) is None
