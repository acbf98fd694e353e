"""How a change of the layout is shown while it goes on: as a bar, or in lines."""

import threading
import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from objects.layout import Layout
from objects.moving.progress import Progress
from objects.moving.words import amount_of, size_of, time_of, title_of

#: Seconds between two lines about what moves, and about what is waited for.
_INTERVAL = 5.0
_WAITING_INTERVAL = 20.0
_COLUMNS = 80


class Lines:
    """Plain lines, for logs and scripts.

    :param write: takes a line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._waiting = ""
        self._said_at = float("-inf")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def say(self, text: str) -> None:
        self._waiting = ""
        self._write(text)

    def entered(self, layout: Layout) -> None:
        self.say(title_of(layout))

    def waiting(self, reason: str) -> None:
        if reason != self._waiting or self._due(_WAITING_INTERVAL):
            self._waiting = reason
            self._said_at = time.monotonic()
            self._write(f"waiting: {reason}")

    def progress(self, progress: Progress) -> None:
        with self._lock:
            done = progress.done.objects and progress.done.objects >= progress.total.objects
            if self._due() or (done and self._waiting != "done"):
                self._waiting = "done" if done else ""
                self._said_at = time.monotonic()
                self._write(line_of(progress))

    def _due(self, interval: float = _INTERVAL) -> bool:
        return time.monotonic() - self._said_at >= interval


class Bar:
    """A bar, for terminals; what is said stands above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[text]}", markup=False),
            console=self._console,
            transient=True,
            expand=False,
        )
        self._task: TaskID | None = None
        self._waiting = ""

    def __enter__(self) -> Self:
        self._console.width = min(self._console.width, _COLUMNS)
        self._bars.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        self._waiting = ""
        self._console.print(text)

    def entered(self, layout: Layout) -> None:
        self.say(title_of(layout))

    def waiting(self, reason: str) -> None:
        if reason != self._waiting:
            self.say(f"waiting: {reason}")
            self._waiting = reason

    def progress(self, progress: Progress) -> None:
        # A total that was counted before may be too small by what has come since.
        total = max(progress.total.objects, progress.done.objects, 1)
        if self._task is None:
            self._task = self._bars.add_task("moving", total=total, text="")
        done = progress.done.objects if progress.total else total
        self._bars.update(self._task, total=total, completed=done, text=figures_of(progress))


def line_of(progress: Progress) -> str:
    """One line about what was moved."""
    return (
        f"moved {progress.done.objects:,} of {progress.total.objects:,} objects, "
        f"{size_of(progress.done.size)} of {size_of(progress.total.size)}, "
        f"{_pace(progress)}{_left(progress)}"
    )


def figures_of(progress: Progress) -> str:
    """The same, short enough to stand behind a bar."""
    return (
        f"{progress.done.objects:,}/{progress.total.objects:,} {size_of(progress.done.size)} "
        f"{_pace(progress)}{_left(progress)}"
    )


def summary_of(progress: Progress) -> str:
    """What was moved in all."""
    return f"moved {amount_of(progress.done)} in {time_of(progress.last_at - progress.began)}"


def _pace(progress: Progress) -> str:
    return f"{size_of(progress.rate)}/s"


def _left(progress: Progress) -> str:
    left = progress.seconds_left
    return f", {time_of(left)} left" if left is not None else ""
