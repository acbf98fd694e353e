"""Children stop when they are told to, and never outlive who started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.harness.children import PROJECT_ROOT, ChildError, ChildProcess, stop_children
from demo.harness.tests.processes import ProcessMark
from tests.support.waiting import eventually, eventually_empty

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True: time.sleep(60)
"""
WITH_GRANDCHILD = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("two", flush=True)
time.sleep(600)
"""
CHATTY_AND_MORTAL = """
for number in range(100): print("line", number)
raise SystemExit(7)
"""
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
PARENT = """
import os, sys, time
from pathlib import Path
from demo.harness.children import ChildProcess
child = ChildProcess("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"],
                     environment=os.environ, log=Path(sys.argv[1]))
child.launch()
print(child.pid, flush=True)
time.sleep(600)
"""

MakeChild = Callable[[str], ChildProcess]


@pytest.fixture
def mark() -> ProcessMark:
    return ProcessMark()


@pytest.fixture
def make_child(tmp_path: Path, mark: ProcessMark) -> Iterator[MakeChild]:
    made: list[ChildProcess] = []

    def make(program: str) -> ChildProcess:
        number = len(made)
        child = ChildProcess(
            f"child {number}",
            [sys.executable, "-c", program],
            environment=mark.environment(),
            log=tmp_path / f"{number}.log",
        )
        made.append(child)
        return child

    yield make
    for child in made:
        child.kill()


def wait_for_output(child: ChildProcess, text: str) -> None:
    eventually(lambda: text in child.log_tail(), f"{child.name} writes {text!r}")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_stop_ends_a_child_by_sigterm(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    wait_for_output(child, "up")
    child.stop()
    assert child.exit_status == -signal.SIGTERM
    assert not child.running


def test_a_child_deaf_to_sigterm_is_killed_after_the_grace_time(make_child: MakeChild) -> None:
    child = make_child(STUBBORN)
    child.launch()
    wait_for_output(child, "deaf")
    child.stop(grace=0.2)
    assert child.exit_status == -signal.SIGKILL


def test_stop_takes_the_grandchildren_along(make_child: MakeChild, mark: ProcessMark) -> None:
    child = make_child(WITH_GRANDCHILD)
    child.launch()
    wait_for_output(child, "two")
    assert len(mark.carriers()) == 2
    child.stop()
    eventually_empty(mark.carriers, "processes left")


def test_a_child_is_in_a_session_of_its_own(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    assert os.getsid(child.pid) == child.pid
    assert os.getpgid(child.pid) == child.pid


def test_a_child_dies_with_its_killed_parent(tmp_path: Path, mark: ProcessMark) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")],
        env={**mark.environment(), "PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        assert child_pid in mark.carriers()
        parent.kill()
    eventually_empty(mark.carriers, "processes left")


def test_pause_freezes_and_resume_thaws(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    wait_for_output(child, "up")
    child.pause()
    assert state_of(child.pid) == "T"
    child.resume()
    eventually(lambda: state_of(child.pid) != "T", "the child goes on")


def test_a_paused_child_can_be_stopped(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    wait_for_output(child, "up")
    child.pause()
    child.stop()
    assert child.exit_status == -signal.SIGTERM


def test_waiting_for_a_child_that_died_shows_status_and_the_end_of_its_log(
    make_child: MakeChild,
) -> None:
    child = make_child(CHATTY_AND_MORTAL)
    child.launch()
    with pytest.raises(ChildError) as caught:
        child.wait_until(lambda: False, timeout=30)
    message = str(caught.value)
    assert message.startswith("child 0 ended with status 7.")
    assert message.endswith("  | line 99")
    assert "line 50" not in message


def test_waiting_has_a_deadline(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    with pytest.raises(ChildError, match="child 0 was not ready after 0 s"):
        child.wait_until(lambda: False, timeout=0.1)
    assert child.running


def test_waiting_can_be_given_up_through_the_pause(make_child: MakeChild) -> None:
    class GivenUpError(Exception):
        pass

    def give_up(_seconds: float) -> None:
        raise GivenUpError

    child = make_child(SLEEPER)
    child.launch()
    with pytest.raises(GivenUpError):
        child.wait_until(lambda: False, timeout=30, pause=give_up)


def test_a_running_child_is_not_launched_twice(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    with pytest.raises(ChildError, match="runs already"):
        child.launch()


def test_a_stopped_child_can_be_launched_again(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.launch()
    first = child.pid
    child.stop()
    child.launch()
    assert child.running
    assert child.pid != first


def test_children_stop_side_by_side(make_child: MakeChild) -> None:
    children = [make_child(SLEEPER) for _ in range(3)]
    for child in children:
        child.launch()
    for child in children:
        wait_for_output(child, "up")
    stop_children(children)
    assert [child.exit_status for child in children] == [-signal.SIGTERM] * 3


def test_stopping_what_never_started_does_nothing(make_child: MakeChild) -> None:
    child = make_child(SLEEPER)
    child.stop()
    assert child.exit_status is None
