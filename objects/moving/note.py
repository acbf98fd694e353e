"""Leaving a note of what is left to move where gateways find it."""

import threading
import time

from objects.layout import Layout
from objects.layout.backlog import Backlog, Notes
from objects.moving.progress import Progress
from objects.moving.whereabouts import Whereabouts

#: Seconds between two notes.
_INTERVAL = 5.0


class Note:
    """The note of one who moves objects; others who are at it as well write theirs over it."""

    def __init__(self, notes: Notes, layout: Layout, where: Whereabouts) -> None:
        self._notes = notes
        self._layout = layout
        self._where = where
        self._due_at = 0.0
        self._writing = threading.Lock()

    def update(self, progress: Progress) -> None:
        """Write it, if that is due and nobody is at it already."""
        if time.monotonic() >= self._due_at and self._writing.acquire(blocking=False):
            try:
                self.write(progress)
            finally:
                self._writing.release()

    def write(self, progress: Progress) -> None:
        """Write it in any case."""
        self._due_at = time.monotonic() + _INTERVAL
        total, done = progress.total, progress.done
        # More may have been moved than was counted before.
        left = Backlog(max(0, total.objects - done.objects), max(0, total.size - done.size))
        self._notes.write(self._layout, self._where.nodes(), left)
