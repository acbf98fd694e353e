"""Doing something with many nodes at the same time."""

import threading

import pytest

from nodes.fanout import AT_ONCE, on_all


def test_results_have_the_order_of_the_items() -> None:
    assert on_all(lambda number: number * 2, range(100)) == [2 * number for number in range(100)]


def test_nothing_is_done_without_items() -> None:
    assert on_all(pytest.fail, []) == []


def test_as_many_as_may_be_run_at_the_same_time() -> None:
    together = threading.Barrier(AT_ONCE, timeout=60)
    assert len(on_all(lambda _: together.wait(), range(AT_ONCE))) == AT_ONCE


def test_no_more_run_at_the_same_time() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def run(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # Others get their chance to come in between.
        threading.Event().wait(0.001)
        with lock:
            running -= 1

    on_all(run, range(5 * AT_ONCE))
    assert most <= AT_ONCE


def test_an_exception_passes_through_once_what_has_begun_has_ended() -> None:
    begun, ended = threading.Barrier(2, timeout=60), threading.Event()

    def run(number: int) -> None:
        begun.wait()
        if number == 0:
            raise ValueError(number)
        threading.Event().wait(0.1)  # the other one's exception has come by then
        ended.set()

    with pytest.raises(ValueError, match="0"):
        on_all(run, range(2))
    assert ended.is_set()
