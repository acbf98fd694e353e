"""One pass over nodes that a test makes up, some of which fail."""

import threading
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from objects.exceptions import NodeBusy, NodeError, NodeUnavailable
from objects.moving import sweep as module
from objects.moving.permit import Overtaken, Stopped
from objects.moving.sweep import Complete, Left, Sweep, Task, all_done
from objects.moving.whereabouts import Whereabouts
from objects.store import Entry, NodeListing, Stretch
from problems.problem import Problem


class MadeUpStore:
    """Has so many objects, in pages of ten."""

    def __init__(self, name: str, count: int) -> None:
        self.keys = [f"{name}{number:05}" for number in range(count)]
        self.down: Problem | None = None
        self.listed = 0

    def list(self, *, prefix: str, after: str, limit: int) -> NodeListing:
        self.check()
        keys = [key for key in self.keys if key > after]
        self.listed += len(keys[:10])
        entries = tuple(Entry(key, 1, '"tag"', "") for key in keys[:10])
        return NodeListing(entries, truncated=len(keys) > 10)

    def check(self) -> None:
        if self.down is not None:
            raise self.down


class MadeUp:
    """Nodes by their names."""

    def __init__(self, **counts: int) -> None:
        self.stores = {name: MadeUpStore(name, count) for name, count in counts.items()}

    def store(self, name: str) -> MadeUpStore:
        return self.stores[name]


def swept(
    nodes: MadeUp,
    act: Callable[[Task], bool],
    stop: threading.Event | None = None,
    notice: Callable[[str, str], None] = lambda name, said: None,
    complete: Complete = all_done,
) -> Left:
    def select(name: str, entry: Entry) -> Task | None:
        return Task(name, "b", entry)

    where = cast("Whereabouts", nodes)
    stop = stop or threading.Event()
    return Sweep(list(nodes.stores), where, select, act, 4, stop, notice, complete=complete).run()


def noting(done: list[str]) -> Callable[[Task], bool]:
    """Does nothing but note what it was asked to do."""

    def act(task: Task) -> bool:
        done.append(task.entry.key)
        return True

    return act


def failed(problem: Problem, node: str) -> Problem:
    problem.source = f"node {node}"
    return problem


def test_a_page_is_listed_while_the_one_before_is_worked_on() -> None:
    nodes = MadeUp(a=25)
    listed = threading.Condition()

    class Announcing(MadeUpStore):
        def list(self, *, prefix: str, after: str, limit: int) -> NodeListing:
            page = super().list(prefix=prefix, after=after, limit=limit)
            with listed:
                listed.notify_all()
            return page

    store = nodes.stores["a"] = Announcing("a", 25)
    ahead = []

    def act(task: Task) -> bool:
        with listed:
            ahead.append(listed.wait_for(lambda: store.listed >= 20, timeout=10))
        return True

    assert not swept(nodes, act)
    assert ahead == [True] * 25


def test_everything_is_done_once() -> None:
    done: list[str] = []
    nodes = MadeUp(a=95, b=0, c=30)
    left = swept(nodes, noting(done))
    assert not left
    assert sorted(done) == nodes.stores["a"].keys + nodes.stores["c"].keys


def test_a_node_that_is_down_keeps_no_other_from_its_turn() -> None:
    nodes = MadeUp(a=95, b=0, c=30)
    nodes.stores["a"].down = NodeUnavailable("is down: exited")
    done: list[str] = []
    left = swept(nodes, noting(done))
    assert left.down == {"a": "is down: exited"}
    assert sorted(done) == nodes.stores["c"].keys


def test_a_node_that_goes_down_is_told_at_once() -> None:
    nodes = MadeUp(a=500, b=0, c=500)
    done: list[str] = []
    told: list[tuple[str, str, int]] = []

    def act(task: Task) -> bool:
        done.append(task.entry.key)
        if task.entry.key == "a00007":
            nodes.stores["a"].down = NodeUnavailable("cannot be reached: Connection refused")
            raise failed(NodeUnavailable("hung up"), "a")
        return True

    left = swept(nodes, act, notice=lambda name, said: told.append((name, said, len(done))))
    assert left.down.keys() == {"a"}
    [(name, said, by_then)] = told
    assert (name, said) == ("a", "cannot be reached: Connection refused")
    assert by_then < 100 < len(done), "while the others go on"


def test_a_target_that_goes_down_is_asked_by_a_few_only() -> None:
    nodes = MadeUp(a=500, b=0)
    asked: list[str] = []

    def act(task: Task) -> bool:
        asked.append(task.entry.key)
        nodes.stores["b"].down = NodeUnavailable("cannot be reached: Connection refused")
        raise failed(NodeUnavailable("hung up"), "b")

    left = swept(nodes, act)
    assert left.down == {"b": "cannot be reached: Connection refused"}
    assert left.tasks == 500
    assert len(asked) <= 4
    assert not left.failed


def test_an_object_that_fails_on_a_node_that_is_up_is_named() -> None:
    def act(task: Task) -> bool:
        if task.entry.key == "a00007":
            raise failed(NodeError("answered 500 InternalError"), "a")
        return True

    left = swept(MadeUp(a=20, b=0), act)
    assert (left.tasks, left.down) == (1, {})
    assert left.failed == {"a00007": "a answered 500 InternalError"}


def test_what_is_not_done_is_left_for_the_next_pass() -> None:
    assert swept(MadeUp(a=20, b=0), lambda task: task.entry.key != "a00003").tasks == 1


def test_a_busy_node_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_PAUSE", 0)
    tries: list[str] = []

    def act(task: Task) -> bool:
        tries.append(task.entry.key)
        if len(tries) < 5:
            raise failed(NodeBusy("has 64 requests waiting for it"), "b")
        return True

    assert not swept(MadeUp(a=1, b=0), act)
    assert len(tries) == 5


@pytest.mark.parametrize("error", [Overtaken("version 3 is there"), Stopped()])
def test_nothing_is_begun_once_it_is_to_end(error: Exception) -> None:
    nodes = MadeUp(a=5000, b=0)

    def act(task: Task) -> bool:
        raise error

    with pytest.raises(type(error)):
        swept(nodes, act)
    # It lists no more than a few objects ahead.
    assert nodes.stores["a"].listed < 100


def test_it_stops_when_it_is_told_to() -> None:
    stop = threading.Event()

    def act(task: Task) -> bool:
        stop.set()
        return True

    with pytest.raises(Stopped):
        swept(MadeUp(a=5000, b=0), act, stop)


class Completing:
    """Notes what it is to complete.

    :ivar seen: the keys, and the stretch of the node's keys that they are from.
    """

    def __init__(self, problem: Problem | None = None) -> None:
        self.seen: list[tuple[list[str], Stretch]] = []
        self._problem = problem

    def __call__(self, tasks: Sequence[Task], stretch: Stretch) -> Sequence[Task]:
        self.seen.append((sorted(task.entry.key for task in tasks), stretch))
        if self._problem is not None:
            raise self._problem
        return [task for task in tasks if task.entry.key.endswith("07")]


def test_what_is_done_of_a_page_is_completed_together() -> None:
    nodes = MadeUp(a=25, b=0)
    completing = Completing()
    left = swept(nodes, lambda task: task.entry.key != "a00003", complete=completing)
    keys = [key for key in nodes.stores["a"].keys if key != "a00003"]
    assert sorted(completing.seen) == [
        (keys[:9], Stretch("", 10)),
        (keys[9:19], Stretch("a00009", 10)),
        (keys[19:], Stretch("a00019", 5)),
    ]
    # One that is not done, and one that turns out not to be when it is completed.
    assert left.tasks == 2


def test_a_page_that_takes_long_is_completed_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMPLETED_AFTER", 0)
    completing = Completing()
    assert not swept(MadeUp(c=5, b=0), noting([]), complete=completing)
    assert sorted(keys for keys, _ in completing.seen) == [[f"c0000{n}"] for n in range(5)]


def test_what_cannot_be_completed_is_left_and_named() -> None:
    completing = Completing(failed(NodeError("answered 500 InternalError"), "a"))
    left = swept(MadeUp(a=5, b=0), noting([]), complete=completing)
    assert left.tasks == 5
    assert left.failed["a00000"] == "a answered 500 InternalError"
    assert left.down == {}


def test_a_page_of_a_node_that_goes_down_is_left() -> None:
    nodes = MadeUp(a=5, b=0)

    def go_down(tasks: Sequence[Task], stretch: Stretch) -> Sequence[Task]:
        nodes.stores["a"].down = NodeUnavailable("cannot be reached: Connection refused")
        raise failed(NodeUnavailable("hung up"), "a")

    left = swept(nodes, noting([]), complete=go_down)
    assert left.tasks == 5
    assert left.down == {"a": "cannot be reached: Connection refused"}
