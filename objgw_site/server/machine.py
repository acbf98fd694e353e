"""What this process may use: the cores and the memory that its control group leaves it, and the
file descriptors of setrlimit(2).

Sources: the kernel's documentation of control groups, cgroup-v2.rst (``cpu.max``, ``memory.max``)
and cgroup-v1/ (``cpu.cfs_quota_us``, ``memory.limit_in_bytes``).
"""

import math
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")

#: Memory of a worker that has nothing to do, and the most that a connection takes of it: measured,
#: see docs/operations.md; tests/docker/test_memory.py holds a gateway to it.
WORKER_BYTES = 80 * 2**20
CONNECTION_BYTES = 600 * 2**10
#: Below this, a further worker is worth less than its memory.
_USUAL_CONNECTIONS = 100
_MOST_CONNECTIONS = 4000
_FEWEST_CONNECTIONS = 16
#: What a connection with a transfer needs: the client's, the node's, and that of a spool file.
_CONNECTION_DESCRIPTORS = 3
#: What a worker needs besides: sockets it listens on, log, event loop, Docker, connections to nodes
#: that are kept for the next request, and those of clients that are only told that it is full.
_WORKER_DESCRIPTORS = 160


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to use.

    :ivar cores: how many cores' worth of time; may be a fraction.
    :ivar memory: bytes.
    :ivar descriptors: the most that one process may have open.
    """

    cores: float
    memory: int
    descriptors: int

    @property
    def workers(self) -> int:
        """One worker a core, as far as memory goes, and two at least: while one starts, the other
        serves.
        """
        affordable = self.memory // 2 // (WORKER_BYTES + _USUAL_CONNECTIONS * CONNECTION_BYTES)
        return max(2, min(math.ceil(self.cores), affordable))

    def connections(self, workers: int) -> int:
        """Connections at once that each of ``workers`` can afford."""
        by_memory = (self.memory // 2 // workers - WORKER_BYTES) // CONNECTION_BYTES
        by_descriptors = (self.descriptors - _WORKER_DESCRIPTORS) // _CONNECTION_DESCRIPTORS
        return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, by_memory, by_descriptors))


def this_machine(root: Path = CGROUP_ROOT) -> Machine:
    """What this process may use.

    :param root: where control groups are mounted; in a container, that is its own group.
    """
    cores: float = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        min([cores, *_cpu_limits(root)]),
        min([memory, *_memory_limits(root)]),
        _most_descriptors(),
    )


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many files as they may (RLIMIT_NOFILE)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _most_descriptors() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _cpu_limits(root: Path) -> Iterator[float]:
    match _words(root / "cpu.max"):
        case [quota, period] if quota.isdecimal() and period.isdecimal():
            yield int(quota) / int(period)
    quota_v1 = _words(root / "cpu" / "cpu.cfs_quota_us")
    period_v1 = _words(root / "cpu" / "cpu.cfs_period_us")
    # -1 stands for no limit, and is not decimal.
    if quota_v1 and period_v1 and quota_v1[0].isdecimal():
        yield int(quota_v1[0]) / int(period_v1[0])


def _memory_limits(root: Path) -> Iterator[int]:
    for path in (root / "memory.max", root / "memory" / "memory.limit_in_bytes"):
        match _words(path):
            case [limit] if limit.isdecimal():
                yield int(limit)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
