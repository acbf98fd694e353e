"""Moving all objects that have another owner now, one by one, and removing them in batches."""

from collections.abc import Callable, Sequence
from functools import partial

from objects.layout.placement import Placement
from objects.moving.one import TO_BE_REMOVED, Outcome, Permit, bring, ending
from objects.moving.progress import Progress
from objects.moving.sweep import Task
from objects.moving.whereabouts import Kind, Whereabouts, kind_of
from objects.store import Entry, Found, Stretch, remove

#: Bytes. Until a batch is complete its objects take room twice, so larger ones do not wait for it.
_BATCHED = 2**20


class Mover:
    """What a sweep does while the layout is `moving`: `select`, `act`, `complete`.

    :param tell: of the progress, whenever there is some.
    :param paced: see `objects.moving.one.move`.
    """

    def __init__(
        self,
        placement: Placement,
        where: Whereabouts,
        permit: Permit,
        progress: Progress,
        tell: Callable[[Progress], None],
        *,
        paced: bool,
    ) -> None:
        self._placement = placement
        self._where = where
        self._permit = permit
        self._progress = progress
        self._tell = tell
        self._paced = paced
        self._brought: dict[Task, Outcome] = {}

    def select(self, name: str, entry: Entry) -> Task | None:
        """The task that an entry of a node is, None if it need not move."""
        if kind_of(self._placement, name, entry) is not Kind.LEAVING:
            return None
        return Task(name, self._placement.owner(entry.key), entry)

    def act(self, task: Task) -> bool:
        """Move an object, but for the removal of a small one; False if it has changed."""
        source, target = self._where.store(task.node), self._where.store(task.other)
        self._brought.pop(task, None)  # of a pass that could not complete it
        outcome = bring(source, target, _found(task), self._permit, paced=self._paced)
        if outcome in TO_BE_REMOVED:
            self._brought[task] = outcome
            if task.entry.size > _BATCHED:
                return not self.complete([task])
        else:
            self._count(outcome, task)
        return outcome is not Outcome.CHANGED

    def complete(self, tasks: Sequence[Task], stretch: Stretch | None = None) -> Sequence[Task]:
        """Remove what was brought to its owner; returns what has changed since."""
        brought = {task: self._brought[task] for task in tasks if task in self._brought}
        if not brought:
            return ()
        source = self._where.store(tasks[0].node)
        found = {task: _found(task) for task in brought}
        removal = remove(source, list(found.values()), partial(self._permit, 0), stretch)
        changed = []
        for task, outcome in brought.items():
            del self._brought[task]
            ended = ending(outcome, found[task], removal)
            self._count(ended, task)
            if ended is Outcome.CHANGED:
                changed.append(task)
        return changed

    def _count(self, outcome: Outcome, task: Task) -> None:
        if outcome is not Outcome.CHANGED:
            self._progress.moved(outcome, task.entry.size)
            self._tell(self._progress)


def _found(task: Task) -> Found:
    return Found(task.entry.key, task.entry.size, task.entry.etag)
