"""What may be concluded from which copies."""

from collections.abc import Mapping

from objects.layout import Layout, Member, State
from objects.layout.copies import Copy
from objects.layout.knowledge import NOTHING, Knowledge

ONE, TWO, THREE, FOUR = "node-1", "node-2", "node-3", "node-4"
ALL = (ONE, TWO, THREE)
FIRST = Layout.adopted("modulo", ALL)
SECOND = FIRST.changed("modulo", [Member(name) for name in (TWO, THREE, FOUR)])
LAST = SECOND.advanced(State.MOVING).advanced(State.SETTLING).advanced(State.STABLE)
NONE = Copy(None)


def copy(layout: Layout) -> Copy:
    return Copy(layout, f'"{layout.version}"')


def after(known: Knowledge, copies: Mapping[str, Copy]) -> tuple[Layout | None, bool]:
    learned, sure = known.after(copies, (*ALL, FOUR))
    return learned.layout, sure


def test_any_member_is_enough() -> None:
    assert after(NOTHING, {TWO: copy(FIRST)}) == (FIRST, True)
    assert after(Knowledge(copy(FIRST)), {THREE: copy(FIRST)}) == (FIRST, True)


def test_the_highest_version_counts_and_is_never_forgotten() -> None:
    assert after(NOTHING, {ONE: copy(FIRST), TWO: copy(SECOND)}) == (SECOND, True)
    assert after(Knowledge(copy(SECOND)), {ONE: copy(FIRST)}) == (SECOND, True)


def test_a_node_that_was_removed_knows_nothing_of_what_came_later() -> None:
    assert after(NOTHING, {ONE: copy(LAST)}) == (LAST, False)
    assert after(Knowledge(copy(SECOND)), {ONE: copy(LAST)}) == (LAST, False)
    assert after(Knowledge(copy(LAST)), {ONE: copy(LAST), TWO: copy(LAST)}) == (LAST, True)


def test_nor_does_one_that_never_was_a_member_or_lost_its_disk() -> None:
    assert after(Knowledge(copy(FIRST)), {FOUR: NONE}) == (FIRST, False)
    assert after(Knowledge(copy(FIRST)), {TWO: NONE}) == (FIRST, False)


def test_two_documents_of_one_version_say_nothing() -> None:
    other = Layout.adopted("ring", ALL)
    assert after(NOTHING, {ONE: copy(FIRST), TWO: copy(other)})[1] is False
    assert after(Knowledge(copy(FIRST)), {TWO: copy(other)})[1] is False


def test_that_there_is_none_needs_half_of_the_nodes_at_first() -> None:
    assert after(NOTHING, {ONE: NONE}) == (None, False)
    assert after(NOTHING, {ONE: NONE, FOUR: NONE}) == (None, True)
    assert NOTHING.after({}, ()) == (NOTHING, False)


def test_later_any_of_those_is_enough_and_no_other() -> None:
    known, _ = NOTHING.after({ONE: NONE, TWO: NONE}, ALL)
    assert known.after({TWO: NONE}, ALL) == (known, True)
    assert known.after({FOUR: NONE}, (*ALL, FOUR)) == (known, False)


def test_others_join_while_it_is_in_force() -> None:
    known, _ = NOTHING.after({ONE: NONE, TWO: NONE}, ALL)
    joined, sure = known.after({THREE: NONE}, ALL, in_force=True)
    assert not sure
    assert joined.after({THREE: NONE}, ALL) == (joined, True)


def test_other_nodes_altogether_are_a_new_beginning() -> None:
    known, _ = NOTHING.after({ONE: NONE}, [ONE])
    renewed, sure = known.after({TWO: NONE, THREE: NONE}, [TWO, THREE])
    assert sure
    assert renewed.without == {TWO, THREE}


def test_a_layout_is_found_where_there_was_none() -> None:
    known, _ = NOTHING.after({ONE: NONE, TWO: NONE, THREE: NONE}, ALL)
    assert after(known, {ONE: NONE, TWO: copy(FIRST)}) == (FIRST, True)
