"""What a server's processes cost, as the kernel counts it (Linux)."""

import os
from pathlib import Path

from benchmarks.failure import CannotMeasure

_TICK = 1 / os.sysconf("SC_CLK_TCK")
#: Resets VmHWM, see proc_pid_clear_refs(5).
_RESET_PEAK = "5"


class ProcessTree:
    """A master process and its workers."""

    def __init__(self, master: int) -> None:
        self.master = master

    def workers(self) -> list[int]:
        """The pids of the master's children."""
        try:
            text = Path(f"/proc/{self.master}/task/{self.master}/children").read_text()
        except FileNotFoundError:
            raise CannotMeasure(f"process {self.master} has ended") from None
        return [int(pid) for pid in text.split()]

    def cpu_seconds(self) -> float:
        """User and system time of all of them so far."""
        return sum(_cpu_seconds(pid) for pid in (self.master, *self.workers()))

    def reset_peaks(self) -> None:
        """Let `peaks` begin anew."""
        for pid in self.workers():
            Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)

    def peaks(self) -> dict[int, int]:
        """For each worker, the most bytes that were resident."""
        return {pid: _status_bytes(pid, "VmHWM") for pid in self.workers()}

    def resident(self) -> dict[int, int]:
        """For each worker, the bytes that are resident now."""
        return {pid: _status_bytes(pid, "VmRSS") for pid in self.workers()}


def _cpu_seconds(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        raise CannotMeasure(f"process {pid} has ended") from None
    # The name in parentheses may hold anything; utime and stime are fields 14 and 15.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise CannotMeasure(f"/proc/{pid}/status does not say {name}")
