"""Progress on stderr, while a command runs."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from terminal.tables import Look, console_of

#: Told how many things more were done, and how many of the steps that they belong to.
Advance = Callable[[int, int], None]


@contextmanager
def progress(steps: str, things: str, total: int, look: Look) -> Iterator[Advance]:
    """A bar of ``total`` steps, with the things that were done in them, of which nobody knows how
    many there are. It may be told of them by several threads. Nothing is shown where stderr is no
    terminal.

    :param look: of stderr.
    """
    shown = Progress(
        TextColumn("{task.completed:.0f} of " + f"{total} {steps}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[things]:,} " + things),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        console=console_of(sys.stderr, look),
        transient=True,
        disable=not look.live,
    )
    with shown:
        # Without a total the bar only moves: until a step is done there is nothing to compare with.
        task = shown.add_task("", total=None, things=0, rate=0.0)
        done = 0
        lock = threading.Lock()

        def advance(things: int, steps: int) -> None:
            nonlocal done
            with lock:
                done += things
                elapsed = shown.tasks[0].elapsed or 0.0
                shown.update(
                    task,
                    advance=steps,
                    total=total if steps else None,
                    things=done,
                    rate=done / elapsed if elapsed else 0.0,
                )

        yield advance
