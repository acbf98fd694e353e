"""What is left to move, cached for frequent readers."""

import threading
import time
from collections.abc import Sequence
from functools import lru_cache

from objects.layout import Layout
from objects.layout.backlog import Backlog, Notes
from objects.store import quick_stores
from objgw_site.status.health import FOR_READINESS, REMEMBERED, Health


class RememberedBacklog:
    """What a change of the layout has left to move: a moment old at most."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._flight = threading.Lock()
        self._layout: Layout | None = None
        self._found: Backlog | None = None
        self._found_at = 0.0

    def of(self, layout: Layout | None, checked: Sequence[Health]) -> Backlog | None:
        """What is left; None when that is not known, or there is no layout.

        :param checked: the nodes. One that cannot serve is not asked.
        """
        if layout is None:
            return None
        with self._flight:
            due = time.monotonic() - self._found_at >= REMEMBERED
            if due or self._layout != layout:
                self._found = self._notes.read(layout, [it.node for it in checked if it.healthy])
                self._layout = layout
                self._found_at = time.monotonic()
            return self._found


@lru_cache(maxsize=1)
def get_remembered_backlog() -> RememberedBacklog:
    """One instance a process."""
    return RememberedBacklog(Notes(quick_stores(FOR_READINESS)))
