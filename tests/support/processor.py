"""A processor that others want, too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def busy_beside(pid: int, count: int) -> Iterator[None]:
    """Have one processor shared by a process and so many others, which end by themselves."""
    allowed = os.sched_getaffinity(pid)
    one = {min(allowed)}
    command = [
        sys.executable,
        "-c",
        "import time\nt = time.time() + 60\nwhile time.time() < t: pass",
    ]
    others = [subprocess.Popen(command) for _ in range(count)]
    try:
        for process in (pid, *(other.pid for other in others)):
            os.sched_setaffinity(process, one)
        yield
    finally:
        os.sched_setaffinity(pid, allowed)
        for other in others:
            other.kill()
            other.wait()
