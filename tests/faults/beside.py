"""Programs of the tests that run in a process of their own, so that they slow down nobody here."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Program:
    """One that prints a line when it is ready, and goes on until its standard input ends.

    :ivar ready: that line.
    :ivar report: what it printed at its end, once the block is over.
    """

    ready: str
    report: str = ""


@contextmanager
def running_beside(module: str, *arguments: str) -> Iterator[Program]:
    """A module that runs as a program inside of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            program = Program(process.stdout.readline().strip())
            yield program
        except BaseException:  # also Ctrl-C: it must not outlive the test
            process.kill()
            raise
        process.stdin.close()
        program.report = process.stdout.read()
    assert process.returncode == 0
