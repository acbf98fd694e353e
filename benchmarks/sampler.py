"""Samples of a process's own CPU time, by stack.

A timer that runs with the CPU time of the process (ITIMER_PROF) counts what the process uses. A
profiler that looks by the clock also counts what a busy machine makes it wait, wherever it
waits most: in ``send``, which wakes up the other side.
"""

import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

#: Seconds of CPU time between samples; the kernel's clock tick is the finest there is.
INTERVAL = 0.004

_stacks: Counter[tuple[CodeType, ...]] = Counter()


def start() -> None:
    """Sample this process from now on."""
    signal.signal(signal.SIGPROF, _take)
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)


def write(path: Path) -> None:
    """Stop, and write one line for each stack: its frames, outermost first, and how often."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    lines = (f"{';'.join(map(_frame, stack))} {count}\n" for stack, count in _stacks.items())
    path.write_text("".join(lines))


def _take(_number: int, frame: FrameType | None) -> None:
    stack: list[CodeType] = []
    while frame is not None:
        stack.append(frame.f_code)
        frame = frame.f_back
    _stacks[tuple(reversed(stack))] += 1


def _frame(code: CodeType) -> str:
    return f"{code.co_filename}|{code.co_qualname}"
