"""What this process may use: the cores and the memory that its control group leaves it.

Sources: the kernel's documentation of control groups, cgroup-v2.rst (``cpu.max``, ``memory.max``)
and cgroup-v1/ (``cpu.cfs_quota_us``, ``memory.limit_in_bytes``).
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")

#: Memory of a worker that has nothing to do, and what a connection with a transfer takes of it:
#: measured, see docs/performance.md.
_WORKER_BYTES = 80 * 2**20
_CONNECTION_BYTES = 600 * 2**10
_MOST_CONNECTIONS = 4000
_FEWEST_CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to use.

    :ivar cores: how many cores' worth of time; may be a fraction.
    :ivar memory: bytes.
    """

    cores: float
    memory: int

    @property
    def workers(self) -> int:
        """One worker a core, and two at least: while one starts, the other serves."""
        return max(2, math.ceil(self.cores))

    def connections(self, workers: int) -> int:
        """Connections at once that each of ``workers`` can afford."""
        affordable = (self.memory // 2 // workers - _WORKER_BYTES) // _CONNECTION_BYTES
        return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, affordable))


def this_machine(root: Path = CGROUP_ROOT) -> Machine:
    """What this process may use.

    :param root: where control groups are mounted; in a container, that is its own group.
    """
    cores: float = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(min([cores, *_cpu_limits(root)]), min([memory, *_memory_limits(root)]))


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
