"""Going through what nodes have, and doing something with each object that it concerns.

One pass does what can be done, and says what is left and why: a node that is down keeps nobody from
moving what does not concern it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import TypeVar

from objects.exceptions import LayoutUnknown, NodeBusy
from objects.moving.permit import Stopped
from objects.moving.survey import said_of, trouble_with
from objects.moving.whereabouts import Whereabouts, pages_of
from objects.store import Entry, NotProved, Stretch
from problems.problem import Problem

T = TypeVar("T")

#: Tries of a request that a node refuses because it is busy, and seconds between them.
_BUSY_TRIES = 8
_BUSY_PAUSE = 0.25
#: How many objects are named that could not be done.
_EXAMPLES = 10
#: Nodes that are listed at once.
_LISTINGS = 16
#: Seconds until what was done of a page is completed, though the page is not at its end.
_COMPLETED_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class Task:
    """An object that it concerns.

    :ivar node: the name of the node that has it.
    :ivar other: that of the other node that it takes, the same when there is none.
    """

    node: str
    other: str
    entry: Entry


@dataclass
class Left:
    """What a pass could not do.

    :ivar tasks: how many; of a node that cannot be listed, nobody knows.
    :ivar down: by the names of nodes, what they do not do.
    :ivar failed: by the keys of objects, what came of them on nodes that are up; some of them.
    """

    tasks: int = 0
    down: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tasks or self.down)


#: Does a task, and says whether it is done with; if not, the next pass sees it again.
Act = Callable[[Task], bool]
#: Does what is left to do for some tasks of a node at once, all of them from this stretch of its
#: keys. Returns those that are not done with after all.
Complete = Callable[[Sequence[Task], Stretch], Sequence[Task]]
#: The task that an entry of a node is, None for none.
Select = Callable[[str, Entry], Task | None]


class _Page:
    """The tasks of a page of a node's listing."""

    def __init__(self, stretch: Stretch, tasks: Sequence[Task]) -> None:
        self.stretch = stretch
        self.tasks = tasks
        self._left = len(tasks)
        self._done: list[Task] = []
        self._due_at = time.monotonic() + _COMPLETED_AFTER
        self._lock = threading.Lock()

    def ended(self, task: Task, *, done: bool) -> Sequence[Task]:
        """Count a task; those that are due to be completed now."""
        with self._lock:
            self._left -= 1
            if done:
                self._done.append(task)
            now = time.monotonic()
            if self._left and now < self._due_at:
                return ()
            due, self._done = self._done, []
            self._due_at = now + _COMPLETED_AFTER
            return due


def _ahead(items: Iterator[T], executor: Executor) -> Iterator[T]:
    """The same, each asked for while the one before is worked on."""
    following = executor.submit(next, items, None)
    while (item := following.result()) is not None:
        following = executor.submit(next, items, None)
        yield item


def all_done(tasks: Sequence[Task], stretch: Stretch) -> Sequence[Task]:
    """Completes tasks of which nothing is left to do."""
    return ()


class Sweep:
    """One pass over some nodes.

    :param names: of the nodes to be listed.
    :param jobs: how many objects at once.
    :param complete: told of tasks that are done with but for this, a page's together or, when that
        takes long, some of it.
    :param notice: told at once of a node that is down, and what it says; a pass may take hours.
    """

    def __init__(
        self,
        names: Sequence[str],
        where: Whereabouts,
        select: Select,
        act: Act,
        jobs: int,
        stop: threading.Event,
        notice: Callable[[str, str], None],
        complete: Complete = all_done,
    ) -> None:
        self._names = names
        self._where = where
        self._select = select
        self._act = act
        self._jobs = jobs
        self._stop = stop
        self._notice = notice
        self._complete = complete
        self._left = Left()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._error: BaseException | None = None

    def run(self) -> Left:
        """Go through them once.

        :raises Overtaken, Stopped: from what is done; nothing else is begun then.
        """
        with ThreadPoolExecutor(_LISTINGS) as listing, ThreadPoolExecutor(self._jobs) as pool:
            tasks = self._tasks(listing)
            for _ in range(self._jobs):
                pool.submit(self._work, tasks).add_done_callback(self._done)
        if self._error is not None:
            raise self._error
        if self._stop.is_set():
            raise Stopped
        return self._left

    def _work(self, tasks: Iterator[tuple[_Page, Task]]) -> None:
        """Do one task after the other until there is none."""
        while self._error is None and not self._stop.is_set():
            with self._turn:
                found = next(tasks, None)
            if found is None:
                break
            page, task = found
            left = self._tried([task], partial(self._do, task))
            due = page.ended(task, done=not left)
            if due:
                self._tried(due, partial(self._complete, due, page.stretch))

    def _tasks(self, listing: Executor) -> Iterator[tuple[_Page, Task]]:
        """Of all nodes in turns, so that none has all of the work."""
        for row in zip_longest(*(self._of_node(name, listing) for name in self._names)):
            yield from (found for found in row if found is not None)

    def _of_node(self, name: str, listing: Executor) -> Iterator[tuple[_Page, Task]]:
        try:
            for stretch, entries in _ahead(pages_of(self._where.store(name)), listing):
                selected = (self._select(name, entry) for entry in entries)
                page = _Page(stretch, [task for task in selected if task])
                yield from ((page, task) for task in page.tasks)
        except Problem as problem:
            self._is_down(name, said_of(problem))

    def _do(self, task: Task) -> Sequence[Task]:
        down = self._left.down
        if self._error is not None or task.node in down or task.other in down:
            return [task]
        return () if self._act(task) else [task]

    def _done(self, future: Future[None]) -> None:
        self._error = self._error or future.exception()

    def _tried(self, tasks: Sequence[Task], act: Callable[[], Sequence[Task]]) -> Sequence[Task]:
        """Do something for tasks of a node; those that are left then.

        :param act: returns those that are not done with.
        """
        reason = ""
        try:
            left = self._patiently(act)
        except Problem as problem:
            left, reason = tasks, self._blame(tasks[0], problem)
        except (NotProved, OSError) as error:
            left, reason = tasks, str(error)
        for task in left:
            self._leave(task, reason)
        return left

    def _patiently(self, act: Callable[[], T]) -> T:
        for _ in range(_BUSY_TRIES):
            try:
                return act()
            except NodeBusy:
                if self._stop.wait(_BUSY_PAUSE):
                    raise Stopped from None
        return act()

    def _blame(self, task: Task, problem: Problem) -> str:
        """Whether a node is down, or only this object cannot be had; then why."""
        said = said_of(problem)
        if isinstance(problem, LayoutUnknown):
            self._is_down("", problem.detail)
            return ""
        for name in {task.node, task.other}:
            if problem.source == f"node {name}" and (reason := trouble_with(self._where, name)):
                self._is_down(name, reason)
                return ""
        return f"{problem.source.removeprefix('node ')} {said}".strip()

    def _is_down(self, name: str, said: str) -> None:
        with self._lock:
            if name in self._left.down:
                return
            self._left.down[name] = said
        self._notice(name, said)

    def _leave(self, task: Task, reason: str = "") -> None:
        with self._lock:
            self._left.tasks += 1
            if reason and len(self._left.failed) < _EXAMPLES:
                self._left.failed[task.entry.key] = reason
