"""Changing the layout, from one that is stable to another: one state after the other.

Every state is entered only when the one before has counted for a lease (docs/layout.md). All that
is known lies on the nodes, so whoever comes next goes on where this one was ended; and several may
be at it at once, because each step can be done twice: the layout is replaced by
compare-and-swap, and who was too late goes on with what is there.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from objects.layout import Layout, State
from objects.layout.backlog import Notes
from objects.layout.copies import Copies, LayoutConflict, LayoutNotWritten
from objects.layout.keeper import Keeper
from objects.layout.placement import Placement
from objects.moving.mover import Mover
from objects.moving.note import Note
from objects.moving.permit import Overtaken, Pace, Permit, Stopped
from objects.moving.progress import Progress, View
from objects.moving.survey import trouble_with
from objects.moving.sweep import Act, Complete, Left, Select, Sweep, Task, all_done
from objects.moving.whereabouts import Amount, Kind, Whereabouts, entries_of, kind_of
from objects.store import Entry
from problems.problem import Problem

T = TypeVar("T")

#: Seconds on top of a lease: clocks of several machines do not run at quite the same speed.
_MARGIN = 0.5
#: Seconds between two looks at what is waited for.
_PAUSE = 1.0
#: Passes that leave no fewer objects than the one before, though all nodes are up, until it is
#: given up.
_FAILING_PASSES = 3


class CannotFinish(Exception):
    """Some objects cannot be moved; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How objects are moved.

    :ivar jobs: how many at once.
    :ivar rate: bytes a second, None for no limit.
    :ivar lost: names of nodes that nobody waits for.
    """

    jobs: int = 8
    rate: float | None = None
    lost: frozenset[str] = frozenset()


class Change:
    """Brings changes of the layout about.

    :param stop: set from elsewhere, to end at the next step.
    :ivar progress: of what is moved, or was.
    """

    def __init__(
        self,
        copies: Copies,
        notes: Notes,
        keeper: Keeper,
        where: Whereabouts,
        options: Options,
        view: View,
        stop: threading.Event,
    ) -> None:
        self._copies = copies
        self._notes = notes
        self._keeper = keeper
        self._where = where
        self._options = options
        self._view = view
        self._stop = stop
        self._pace = Pace(options.rate)
        self.progress = Progress()
        self._counts: Layout | None = None
        self._counts_since = 0.0

    def present(self) -> Layout | None:
        """The layout that counts; what somebody left half-written is written to the end.

        Waits for nodes that cannot be reached.

        :raises LayoutConflict: when the copies contradict each other.
        """
        layout = self._until_written(
            lambda: self._copies.finish(self._where.nodes(), self._options.lost)
        )
        if layout != self._counts:
            self._counts, self._counts_since = layout, time.monotonic()
        return layout

    def begin(self, old: Layout | None, new: Layout) -> Layout:
        """Write a layout in place of another one, once that has counted for its lease.

        :raises LayoutConflict: when somebody else was faster.
        """
        if old is not None:
            self._wait_for_lease(old)
        return self._replace(old, new)

    def resume(self, layout: Layout) -> None:
        """Say where a change goes on that was begun before."""
        self._view.entered(layout)

    def give_up(self, layout: Layout) -> Layout:
        """Go back to the layout before, as long as nothing has been moved, and return it.

        :raises InvalidLayout: when it is too late for that.
        :raises LayoutConflict: when somebody else was faster.
        """
        back = layout.advanced(State.STABLE)
        self._wait_for_lease(layout)
        return self._replace(layout, back)

    def finish(self, layout: Layout, expected: Amount) -> Layout:
        """Go on until the layout is stable, and return it.

        :param expected: what there is to be moved, as far as it is known.
        :raises CannotFinish: when some objects cannot be moved.
        :raises LayoutConflict: when somebody else has begun another change.
        """
        nonce = layout.nonce
        while layout.state is not State.STABLE:
            try:
                # Objects may move as soon as this state counts: those who know of the one before
                # only look for them at both places as well, and write none of them.
                if layout.state is not State.MOVING:
                    self._wait_for_lease(layout)
                following = layout.advanced(self._next(layout, expected))
                if layout.state is State.MOVING:
                    # Copies that somebody else began before the sources were empty have ended by
                    # then (`objects.store.copying.FRESH`). Only after that deletes are plain again.
                    self._counts_since = time.monotonic()
                    self._wait_for_lease(layout)
                layout = self._replace(layout, following)
            except (Overtaken, LayoutConflict) as overtaken:
                found = self.present()
                if found is None or found.nonce != nonce:
                    raise LayoutConflict(
                        "Somebody else has finished this change, and begun another one."
                    ) from overtaken
                if found == layout:
                    raise
                self._view.say("somebody else is at it, too; going on with what is there")
                self._view.entered(found)
                layout = found
        return layout

    def _next(self, layout: Layout, expected: Amount) -> State:
        """Do what there is to be done in a state, and say which comes next."""
        permit = Permit(self._keeper, layout, self._pace, self._stop)
        placement = Placement(layout)
        if layout.state is State.SWITCHING:
            return State.MOVING
        if layout.state is State.MOVING:
            self._move_all(placement, permit, expected)
            return State.SETTLING
        if layout.state is State.SETTLING:
            self._notes.remove(layout, self._where.nodes())
            return State.CLEANING if self._has_tombstones(placement, permit) else State.STABLE
        self._clean(placement, permit)
        return State.STABLE

    def _move_all(self, placement: Placement, permit: Permit, expected: Amount) -> None:
        layout = placement.layout
        assert layout.previous is not None  # noqa: S101  (it is not stable)
        sources = sorted({member.name for member in layout.previous.members} - layout.lost)
        self.progress = progress = Progress()
        progress.total = expected
        note = Note(self._notes, layout, self._where)

        def tell(progress: Progress) -> None:
            self._view.progress(progress)
            note.update(progress)

        tell(progress)

        paced = self._options.rate is not None
        mover = Mover(placement, self._where, permit, progress, tell, paced=paced)
        self._repeat(sources, mover.select, mover.act, mover.complete)
        note.write(progress)

    def _clean(self, placement: Placement, permit: Permit) -> None:
        def select(name: str, entry: Entry) -> Task | None:
            found = kind_of(placement, name, entry) is Kind.TOMBSTONE
            return Task(name, name, entry) if found else None

        def act(task: Task) -> bool:
            permit(0)
            self._where.store(task.node).delete(task.entry.key)
            return True

        self._repeat(_names(placement), select, act)

    def _has_tombstones(self, placement: Placement, permit: Permit) -> bool:
        for name in _names(placement):
            while True:
                permit(0)
                try:
                    entries = entries_of(self._where.store(name))
                    if any(kind_of(placement, name, e) is Kind.TOMBSTONE for e in entries):
                        return True
                    break
                except Problem as problem:
                    self._pause(f"{name}: {problem.detail}")
        return False

    def _repeat(
        self,
        names: Sequence[str],
        select: Select,
        act: Act,
        complete: Complete = all_done,
    ) -> None:
        """Pass after pass, until nothing is left.

        :raises CannotFinish: when it is no node that is in the way, again and again.
        """
        failing, fewest = 0, math.inf
        jobs, stop, where = self._options.jobs, self._stop, self._where
        while left := Sweep(
            names, where, select, act, jobs, stop, self._is_down, complete=complete
        ).run():
            if left.down:
                self._wait_for_nodes(left)
                continue
            failing = failing + 1 if left.failed and left.tasks >= fewest else 0
            fewest = min(fewest, left.tasks)
            if failing >= _FAILING_PASSES:
                reasons = "; ".join(f"{key}: {said}" for key, said in sorted(left.failed.items()))
                raise CannotFinish(f"{left.tasks} objects could not be moved, among them {reasons}")
            self._pause(f"{left.tasks} objects have to be looked at once more")

    def _is_down(self, name: str, said: str) -> None:
        self._view.waiting(f"{name} {said}".strip())

    def _wait_for_nodes(self, left: Left) -> None:
        waiting = dict(left.down)
        while waiting:
            self._pause(
                "; ".join(f"{name} {said}".strip() for name, said in sorted(waiting.items()))
            )
            self._where.look_again()
            # What keeps a node down may be something else by now.
            now = {name: self._trouble(name) for name in waiting}
            waiting = {name: said for name, said in now.items() if said is not None}

    def _trouble(self, name: str) -> str | None:
        """What keeps a node down, "" standing for all of them; None for nothing."""
        if name:
            return trouble_with(self._where, name)
        try:
            self._keeper.lease()
        except Problem as problem:
            return problem.detail
        return None

    def _replace(self, old: Layout | None, new: Layout) -> Layout:
        self._until_written(lambda: self._copies.replace(self._where.nodes(), old, new))
        self._counts, self._counts_since = new, time.monotonic()
        self._view.entered(new)
        return new

    def _until_written(self, write: Callable[[], T]) -> T:
        while True:
            try:
                return write()
            except LayoutNotWritten as error:
                self._pause(str(error))
            self._where.look_again()

    def _wait_for_lease(self, layout: Layout) -> None:
        """Until every gateway that is alive has seen this version, or given up what it knows."""
        assert self._counts == layout  # noqa: S101  (`present` and `_replace` say since when)
        until = self._counts_since + layout.lease + _MARGIN
        while (left := until - time.monotonic()) > 0:
            self._view.waiting(f"{layout.lease:g} s, for every gateway to learn of it")
            if self._stop.wait(min(left, _PAUSE)):
                raise Stopped

    def _pause(self, reason: str) -> None:
        self._view.waiting(reason)
        if self._stop.wait(_PAUSE):
            raise Stopped


def _names(placement: Placement) -> list[str]:
    return [member.name for member in placement.layout.members]
