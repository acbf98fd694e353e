"""The workers' connection counts, in shared memory, so that each worker takes its share.

All workers accept from the same sockets. Left to themselves, whichever is awake takes most of a
burst, and the clients of these connections wait longer than others for as long as they last. Here,
a worker accepts only while it has hardly more connections than the worker with the fewest. A worker
that gives no sign of life is not waited for. A worker that has far more than its part, because
clients of the others left or another worker has just started, is told how many to give away.
"""

import heapq
import mmap
import time
from collections.abc import Iterator
from functools import lru_cache

#: Seconds between two signs of life, and after how many without one a worker is passed over.
BEAT_SECONDS = 0.1
STALE_SECONDS = 0.5
#: A worker may be ahead of the one with the fewest by this part of the fewest.
_LEAD = 8
#: From so many connections above the average, and a fifth of it, a worker has too many.
_MUCH = 8
_FIFTH = 5
#: Workers that are counted; those beyond accept whatever comes.
_MOST_WORKERS = 2048
#: A worker's cells: when it last gave a sign of life, and its connections.
_CELLS = 2


class Loads:
    """One row for each worker. The master makes it, and hands out and takes back the rows.

    A worker writes to its own row only, and each cell is a machine word, so there is no lock.
    """

    def __init__(self, rows: int = _MOST_WORKERS) -> None:
        self._cells = memoryview(mmap.mmap(-1, 8 * (1 + _CELLS * rows))).cast("d")
        self._free = [1 + _CELLS * row for row in range(rows)]

    def take_row(self) -> "Load":
        """A row for a new worker."""
        if not self._free:
            return Load(self._cells, None)
        row = heapq.heappop(self._free)
        self._cells[row] = self._cells[row + 1] = 0.0
        # The first cell says where the rows that were ever used end; workers look no further.
        self._cells[0] = max(self._cells[0], row + _CELLS)
        return Load(self._cells, row)

    def give_back(self, load: "Load") -> None:
        """The worker of this row has ended."""
        load.leave()
        if load.row is not None:
            heapq.heappush(self._free, load.row)


class Load:
    """The connections of one worker, and how they compare with those of the others."""

    def __init__(self, cells: "memoryview[float]", row: int | None) -> None:
        """
        :param cells: of the whole table.
        :param row: the first cell of this worker's; None for a worker that is not counted.
        """
        self.row = row
        self._cells = cells
        self._takes_part = False

    @property
    def connections(self) -> int:
        """How many this worker has."""
        return 0 if self.row is None else int(self._cells[self.row + 1])

    def join(self) -> None:
        """From now on the others wait for this worker when it has fewer connections than they."""
        self._takes_part = True
        self.beat()

    def leave(self) -> None:
        """The others do not wait for this worker any more."""
        self._takes_part = False
        if self.row is not None:
            self._cells[self.row] = 0.0

    def beat(self) -> None:
        """Give a sign of life; to be called every `BEAT_SECONDS`."""
        if self._takes_part and self.row is not None:
            self._cells[self.row] = time.monotonic()

    def add(self, number: int) -> None:
        """So many connections more, or less."""
        if self.row is not None:
            self._cells[self.row + 1] += number

    def may_accept(self) -> bool:
        """Whether the next connection is for this worker to take."""
        mine = self.connections
        return all(mine <= others + others // _LEAD for others in self._others())

    def excess(self) -> int:
        """Connections that this worker has above the average, when these are many; else 0."""
        others = list(self._others())
        mine = self.connections
        average = (mine + sum(others)) / (1 + len(others))
        above = mine - average
        return int(above) if above >= max(_MUCH, average / _FIFTH) else 0

    def _others(self) -> Iterator[float]:
        """The connections of each other worker that is alive and accepts."""
        if self.row is None:
            return
        cells = self._cells
        alive = time.monotonic() - STALE_SECONDS
        for row in range(1, int(cells[0]), _CELLS):
            if row != self.row and cells[row] > alive:
                yield cells[row + 1]


@lru_cache(maxsize=1)
def get_loads() -> Loads:
    """The table of this gateway. To be called first by the master, before it forks."""
    return Loads()
