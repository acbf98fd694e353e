"""Figures of the last minutes, of all workers together, for the status page.

Beside the metrics, a worker counts in a few plain numbers. Every `SPAN` seconds it notes them, in a
file of its own in the folder of the metrics, and nothing while nothing happens. (To compare the
metrics themselves with those of a moment ago would take 0.25 s with 1,000 nodes.) Whoever wants to
see the last minutes reads the files of all workers, also of one that has ended since.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from telemetry.figures import CLIENTS, NOTHING, Figures
from telemetry.metrics import Metrics, shared_by

#: Seconds of a period, and how many of them there are.
SPAN, KEPT = 5.0, 60
_PREFIX = "history-"
# Seconds after its end until all workers have noted a period: they look once a second.
_LATE = 1.5

Clock = Callable[[], float]


class Journal(Protocol):
    """Where a process notes its periods, one line each."""

    def append(self, line: str, /) -> None:
        """Add a line. Of those before, the last `KEPT` are kept at least."""


class _File:
    """Lines in a file. One process writes it, any may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 2 * KEPT  # how many a predecessor left is not known

    def append(self, line: str) -> None:
        if self._count >= 2 * KEPT:
            self._shorten()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        self._count += 1

    def _shorten(self) -> None:
        kept = list(_lines_of(self._path))[-KEPT:]
        new = self._path.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        new.replace(self._path)
        self._count = len(kept)


class Recorder:
    """Notes what one process counts.

    :param clock: seconds, the same in all processes of the machine.
    """

    def __init__(self, metrics: Metrics, *, clock: Clock = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._journal = _journal()
        self._period = int(clock() // SPAN)

    def sample(self, _metrics: Metrics | None = None) -> None:
        """To be called once a second."""
        period = int(self._clock() // SPAN)
        if period == self._period:
            return
        last, self._period = self._period, period
        taken = {name: tally.take() for name, tally in list(self._metrics.tallies.items())}
        # Nobody called for long: when it happened is not known.
        if period - last > 2:
            return
        changes = {name: figures for name, figures in taken.items() if figures.something}
        if changes:
            noted = {name: change.as_json() for name, change in changes.items()}
            # Without room for it there are no figures for this period, and all else goes on.
            with suppress(OSError):
                self._journal.append(json.dumps([last, noted], separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Recent:
    """The last minutes.

    :ivar clients: requests of clients for objects, period by period, the oldest first.
    :ivar nodes: requests to each node, by its name.
    """

    clients: tuple[Figures, ...]
    nodes: Mapping[str, tuple[Figures, ...]]

    def node(self, name: str) -> tuple[Figures, ...]:
        """Those of one node."""
        return self.nodes.get(name, (NOTHING,) * KEPT)


def recent(*, clock: Clock = time.monotonic) -> Recent:
    """What all processes noted of the last `KEPT` periods that are over."""
    return _recent(int((clock() - _LATE) // SPAN) - KEPT)


@lru_cache(maxsize=1)
def _recent(first: int) -> Recent:
    """Of the periods from the first on: what is over does not change any more."""
    found: dict[str, list[Figures]] = {}
    for line in _all_lines():
        period, noted = json.loads(line)
        if 0 <= period - first < KEPT:
            for name, figures in noted.items():
                series = found.setdefault(name, [NOTHING] * KEPT)
                series[period - first] += Figures.from_json(figures)
    clients = found.pop(CLIENTS, [NOTHING] * KEPT)
    return Recent(tuple(clients), {name: tuple(each) for name, each in found.items()})


# Of a process that shares its metrics with nobody.
_own: deque[str] = deque(maxlen=2 * KEPT)


def _journal() -> Journal:
    folder, identity = shared_by()
    return _own if folder is None else _File(folder / f"{_PREFIX}{identity}")


def _all_lines() -> Iterator[str]:
    folder, _ = shared_by()
    if folder is None:
        yield from list(_own)
        return
    for path in folder.glob(f"{_PREFIX}*"):
        if not path.suffix:
            yield from _lines_of(path)


def _lines_of(path: Path) -> Iterator[str]:
    """The whole lines of a file; the last may be on its way."""
    with suppress(FileNotFoundError):
        text = path.read_text(encoding="utf-8")
        yield from text[: text.rfind("\n") + 1].splitlines()
