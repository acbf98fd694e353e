"""What a change of the layout tells whoever watches it."""

import threading
import time
from collections import Counter
from typing import Protocol

from objects.layout import Layout
from objects.moving.one import Outcome
from objects.moving.whereabouts import NOTHING, Amount


class Progress:
    """What has been moved, counted by many threads.

    :ivar total: what there was to be moved when it was counted; more may have been found since.
    :ivar done: what is not at its source any more.
    :ivar outcomes: how often each came about.
    :ivar began, last_at: on the monotonic clock, when the first could be and the last was moved.
    """

    def __init__(self) -> None:
        self.total = NOTHING
        self.done = NOTHING
        self.outcomes: Counter[Outcome] = Counter()
        self.began = self.last_at = time.monotonic()
        self._lock = threading.Lock()

    def moved(self, outcome: Outcome, size: int) -> None:
        """Count an object that is not at its source any more."""
        with self._lock:
            self.outcomes[outcome] += 1
            self.done += Amount(1, size)
            self.last_at = time.monotonic()

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.done.size / max(time.monotonic() - self.began, 0.001)

    @property
    def seconds_left(self) -> float | None:
        """None while nobody can tell. Small objects cost by number, large ones by size."""
        elapsed = time.monotonic() - self.began
        if not self.done or elapsed < 1:
            return None
        by_number = (self.total.objects - self.done.objects) / self.done.objects
        by_size = 0.0
        if self.done.size:
            by_size = (self.total.size - self.done.size) / self.done.size
        return max(by_number, by_size, 0.0) * elapsed


class View(Protocol):
    """Shows it."""

    def say(self, text: str) -> None:
        """Something has happened."""

    def entered(self, layout: Layout) -> None:
        """This version of the layout counts."""

    def waiting(self, reason: str) -> None:
        """It waits; the same reason comes again and again for as long as it does."""

    def progress(self, progress: Progress) -> None:
        """Something was moved, or a while has passed."""
