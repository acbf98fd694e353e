"""The note of what is left to move."""

import json

import pytest

from objects.layout import BACKLOG_KEY, Layout, Member, State
from objects.layout.backlog import DONE, Backlog, Notes
from objects.tests.memory import Kept, MemoryStores

SWITCHING = Layout.adopted("modulo", ["b"]).changed("modulo", [Member("a"), Member("b")])
MOVING = SWITCHING.advanced(State.MOVING)
SETTLING = MOVING.advanced(State.SETTLING)


class Case:
    """Two nodes."""

    def __init__(self) -> None:
        self.stores = MemoryStores("a", "b")
        self.notes = Notes(self.stores.stores)

    def read(self, layout: Layout = MOVING) -> Backlog | None:
        return self.notes.read(layout, self.stores.discovered)

    def write(self, backlog: Backlog) -> None:
        self.notes.write(MOVING, self.stores.discovered, backlog)


def test_what_was_written_last_is_read() -> None:
    case = Case()
    assert case.read() is None
    case.write(Backlog(7, 7000))
    case.write(Backlog(3, 3000))
    assert case.read() == Backlog(3, 3000)
    assert case.stores.nodes["a"].kept.keys() == {BACKLOG_KEY}, "on the first member"
    assert not case.stores.nodes["b"].kept


def test_it_is_asked_for_only_while_objects_move() -> None:
    case = Case()
    case.write(Backlog(7, 7000))
    case.stores.nodes["a"].asked.clear()
    assert case.read(SWITCHING) is None
    assert case.read(SETTLING) == DONE
    assert not case.stores.nodes["a"].asked


def test_it_can_be_removed() -> None:
    case = Case()
    case.write(Backlog(7, 7000))
    case.notes.remove(SETTLING, case.stores.discovered)
    assert not case.stores.nodes["a"].kept
    case.notes.remove(SETTLING, case.stores.discovered)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"nonce": "0" * 32},
        {"objects": -1},
        {"bytes": "many"},
        {"objects": None},
        {"more": 1},
    ],
    ids=str,
)
def test_a_note_that_is_none_of_this_change_says_nothing(change: dict[str, object]) -> None:
    case = Case()
    case.write(Backlog(7, 7000))
    kept = case.stores.nodes["a"].kept
    kept[BACKLOG_KEY] = Kept(json.dumps(json.loads(kept[BACKLOG_KEY].data) | change).encode())
    assert case.read() is None


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"\xff"])
def test_nor_does_what_is_no_note(body: bytes) -> None:
    case = Case()
    case.stores.nodes["a"].kept[BACKLOG_KEY] = Kept(body)
    assert case.read() is None


def test_a_node_that_is_down_hinders_nobody() -> None:
    case = Case()
    case.stores.nodes["a"].down = True
    case.write(Backlog(7, 7000))
    case.notes.remove(MOVING, case.stores.discovered)
    assert case.read() is None
    assert case.notes.read(MOVING, ()) is None
