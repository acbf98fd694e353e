"""Showing something repeatedly, for `--watch`."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from rich.live import Live
from rich.text import Text

from terminal.tables import Look, console_of


def watch(seen: Callable[[], str], every: float, look: Look) -> None:
    """Show a text until Ctrl-C: in place on a terminal, else again whenever it is another.

    :param seen: the text now.
    :param every: seconds.
    """
    if not look.live:
        for text in changes(seen, every):
            print(f"{datetime.now().astimezone():%H:%M:%S}\n{text}", flush=True)
        return
    with Live(console=console_of(sys.stdout, look), auto_refresh=False) as live:
        while True:
            live.update(Text.from_ansi(f"{_now(every)}\n{seen()}"), refresh=True)
            time.sleep(every)


def changes(seen: Callable[[], str], every: float) -> Iterator[str]:
    """A text now, and again whenever it is another."""
    last = None
    while True:
        text = seen()
        if text != last:
            yield text
        last = text
        time.sleep(every)


def _now(every: float) -> str:
    return f"{datetime.now().astimezone():%H:%M:%S}, every {every:g} s; Ctrl-C ends it"
