"""What a pass does with objects of nodes that are dictionaries: brings them, then removes them."""

import threading
from collections.abc import Callable
from typing import cast

import pytest

from objects.layout import Layout, Member, State
from objects.layout.placement import Placement
from objects.moving import mover as module
from objects.moving.mover import Mover
from objects.moving.one import Outcome
from objects.moving.permit import Stopped
from objects.moving.progress import Progress
from objects.moving.sweep import Left, Sweep
from objects.moving.whereabouts import Whereabouts
from objects.store import Store
from objects.store.removal import AT_ONCE
from objects.tests.memory import Kept, MemoryNode, MemoryStores

OLD, NEW = Kept(b"old"), Kept(b"newer")
BEFORE = Layout.adopted("modulo", ["a"], 1.0)
MOVING = BEFORE.changed("modulo", [Member("b")]).advanced(State.MOVING)


class Case:
    """Objects of `a` that all belong to `b` now."""

    def __init__(self, count: int, kept: Kept = OLD) -> None:
        self.nodes = MemoryStores("a", "b").nodes
        self.keys = [f"k{number:04}" for number in range(count)]
        self.source.kept = dict.fromkeys(self.keys, kept)
        self.progress = Progress()
        self.mover = self._mover(lambda size: None)

    def _mover(self, permit: Callable[[int], None]) -> Mover:
        where = cast("Whereabouts", self)
        told: list[Progress] = []
        return Mover(Placement(MOVING), where, permit, self.progress, told.append, paced=False)

    def store(self, name: str) -> Store:
        return cast("Store", self.nodes[name])

    @property
    def source(self) -> MemoryNode:
        return self.nodes["a"]

    @property
    def target(self) -> MemoryNode:
        return self.nodes["b"]

    def sweep(self, jobs: int = 1) -> Left:
        mover, where = self.mover, cast("Whereabouts", self)
        return Sweep(
            ["a"],
            where,
            mover.select,
            mover.act,
            jobs,
            threading.Event(),
            lambda name, said: None,
            complete=mover.complete,
        ).run()

    def asked(self, node: MemoryNode, method: str) -> int:
        return sum(asked == method for asked, _ in node.asked)


@pytest.mark.parametrize("jobs", [1, 8])
def test_small_objects_are_removed_together(jobs: int) -> None:
    case = Case(1500)
    assert not case.sweep(jobs)
    assert case.source.kept == {}
    assert case.target.kept.keys() == set(case.keys)
    assert case.progress.outcomes == {Outcome.MOVED: 1500}
    assert (case.progress.done.objects, case.progress.done.size) == (1500, 4500)
    # Of two pages with 1,000 and 500: so many at once, and each page is looked at once more.
    assert case.asked(case.source, "DELETE") == 1500 / AT_ONCE
    assert case.asked(case.source, "LIST") == 4
    assert case.asked(case.source, "HEAD") == 0


def test_a_large_object_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCHED", 2)
    case = Case(3)
    assert not case.sweep()
    steps = [step for step in case.source.asked if step[0] in ("GET", "HEAD", "DELETE")]
    assert steps == [(each, key) for key in case.keys for each in ("GET", "HEAD", "DELETE")]
    assert case.progress.outcomes == {Outcome.MOVED: 3}


def test_what_changes_before_it_is_removed_is_left_for_the_next_pass() -> None:
    case = Case(3)

    def change(method: str, key: str) -> None:
        if (method, key) == ("PUT", case.keys[2]):
            case.source.kept[case.keys[0]] = NEW

    case.target.before = change
    assert case.sweep().tasks == 1
    assert case.source.kept == {case.keys[0]: NEW}
    assert case.progress.outcomes == {Outcome.MOVED: 2}
    # What is at the target by then counts as newer (docs/layout.md), so that stays.
    assert not case.sweep()
    assert case.source.kept == {}
    assert case.target.kept == dict.fromkeys(case.keys, OLD)
    assert case.progress.outcomes == {Outcome.MOVED: 2, Outcome.NEWER: 1}


def test_a_removal_that_fails_is_done_by_the_next_pass() -> None:
    case = Case(3)

    def fail(method: str, key: str) -> None:
        case.source.down = method == "DELETE"

    case.source.before = fail
    assert case.sweep().tasks == 3
    assert len(case.source.kept) == len(case.target.kept) == 3
    assert not case.progress.done
    case.source.before = lambda method, key: None
    case.source.down = False
    assert not case.sweep()
    assert case.source.kept == {}
    assert case.progress.outcomes == {Outcome.EQUAL: 3}


def test_what_somebody_else_removes_meanwhile_is_counted_once() -> None:
    case = Case(3)

    def fail(method: str, key: str) -> None:
        case.source.down = method == "DELETE"

    case.source.before = fail
    case.sweep()
    case.source.down = False

    def vanish(method: str, key: str) -> None:
        if method == "GET":
            case.source.kept.pop(key, None)

    case.source.before = vanish
    assert not case.sweep()
    assert case.progress.outcomes == {Outcome.GONE: 3}


def test_nothing_is_removed_once_it_may_not_be() -> None:
    case = Case(3)

    def permit(size: int) -> None:
        if len(case.target.kept) == 3:
            raise Stopped

    case.mover = case._mover(permit)
    with pytest.raises(Stopped):
        case.sweep()
    assert len(case.source.kept) == 3


def test_what_stays_is_no_task() -> None:
    case = Case(1)
    store = case.target
    store.kept = {"x1": OLD}
    [entry] = store.list(prefix="", after="", limit=1).entries
    assert case.mover.select("b", entry) is None
