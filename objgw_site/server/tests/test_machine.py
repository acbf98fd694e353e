"""What a control group and setrlimit(2) leave this process."""

import resource
from pathlib import Path

import pytest

from objgw_site.server.machine import Machine, this_machine

GIB = 2**30
MANY = 2**20


def group(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_without_limits_it_is_the_whole_machine(tmp_path: Path) -> None:
    unlimited = this_machine(tmp_path)
    assert unlimited.cores >= 1
    assert unlimited.memory > 2**20
    files = {
        "cpu.max": "max 100000",
        "memory.max": "max",
        "cpu/cpu.cfs_quota_us": "-1",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    assert this_machine(group(tmp_path, files)) == unlimited


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.max": "50000 100000", "memory.max": "33554432"},
        {
            "cpu/cpu.cfs_quota_us": "50000",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/memory.limit_in_bytes": "33554432",
        },
    ],
    ids=["version 2", "version 1"],
)
def test_limits(tmp_path: Path, files: dict[str, str]) -> None:
    assert this_machine(group(tmp_path, files)) == Machine(
        0.5, 33554432, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    )


def test_a_limit_above_what_there_is_changes_nothing(tmp_path: Path) -> None:
    unlimited = this_machine(tmp_path)
    files = {"cpu.max": "100000000 100000", "memory.max": str(2**62)}
    assert this_machine(group(tmp_path, files)) == unlimited


@pytest.mark.parametrize(("cores", "workers"), [(0.5, 2), (1, 2), (2, 2), (2.5, 3), (8, 8)])
def test_workers(cores: float, workers: int) -> None:
    assert Machine(cores, 16 * GIB, MANY).workers == workers


def test_workers_are_no_more_than_memory_can_hold() -> None:
    assert Machine(64, GIB, MANY).workers < 8
    assert Machine(64, 0, MANY).workers == 2


def test_connections_follow_the_memory_within_bounds() -> None:
    few, some, many = (Machine(2, memory, MANY).connections(2) for memory in (0, GIB, 999 * GIB))
    assert few == 16
    assert few < some < many
    assert many == 4000
    assert Machine(2, GIB, MANY).connections(3) < some


def test_connections_follow_the_descriptors() -> None:
    assert Machine(2, 999 * GIB, 1024).connections(2) == (1024 - 160) // 3
    assert Machine(2, 999 * GIB, 100).connections(2) == 16
