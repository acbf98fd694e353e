"""The record that workers share: one at a time, and nothing lost, whoever dies."""

import fcntl
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from objgw_site.server import record as record_module
from objgw_site.server.record import SharedRecord, nameless_file


@pytest.fixture
def file() -> int:
    return nameless_file()


def in_a_child(file: int, times: int) -> int:
    """The pid of a process that counts up in the record."""
    pid = os.fork()
    if pid:
        return pid
    try:
        count(SharedRecord(file), times)
    finally:
        os._exit(0)


def count(record: SharedRecord, times: int) -> None:
    for _ in range(times):
        with record.opened() as said:
            said["count"] = said.get("count", 0) + 1


# A child of a process with threads does no more here than to count.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_and_threads_take_turns(file: int) -> None:
    children = [in_a_child(file, 200) for _ in range(3)]
    record = SharedRecord(file)
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(count, record, 200)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    with record.opened() as said:
        assert said == {"count": 1200}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_is_killed_with_the_lock_holds_nobody_up(file: int) -> None:
    told, tells = os.pipe()
    pid = os.fork()
    if not pid:
        with SharedRecord(file).opened():
            os.write(tells, b"x")
            threading.Event().wait()
    os.read(told, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with SharedRecord(file).opened() as said:
        said["x"] = 1
    with SharedRecord(file).opened() as said:
        assert said == {"x": 1}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_one_that_hangs_with_the_lock_holds_nobody_up_for_long(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_module, "_PATIENCE", 0.05)
    told, tells = os.pipe()
    pid = os.fork()
    if not pid:
        fcntl.lockf(file, fcntl.LOCK_EX)
        os.write(tells, b"x")
        threading.Event().wait()
    try:
        os.read(told, 1)
        with SharedRecord(file).opened() as said:
            said["x"] = 1
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_what_cannot_be_read_is_forgotten(file: int) -> None:
    os.pwrite(file, b'{"nodes": {', 0)
    with SharedRecord(file).opened() as said:
        assert said == {}
