"""How many requests may wait for one node."""

from contextlib import ExitStack

import pytest

from objects.exceptions import NodeBusy
from objects.store.gate import Gate


def enter(gate: Gate, times: int) -> ExitStack:
    """That many requests wait, until the stack is closed."""
    stack = ExitStack()
    for _ in range(times):
        stack.enter_context(gate.waiting())
    return stack


def test_up_to_the_limit_and_no_more() -> None:
    gate = Gate(3)
    with enter(gate, 3):
        with pytest.raises(NodeBusy, match="3 requests wait"), gate.waiting():
            pytest.fail("a fourth was let in")
        # The refused one must not have given a place away.
        with pytest.raises(NodeBusy), gate.waiting():
            pytest.fail("a fourth was let in")
    with enter(gate, 3):
        pass


def test_an_exception_gives_the_place_back() -> None:
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(OSError, match="x"), gate.waiting():
            raise OSError("x")
    with enter(gate, 1):
        pass


def test_after_a_timeout_one_at_a_time_finds_out() -> None:
    gate = Gate(5)
    gate.timed_out()
    with enter(gate, 1), pytest.raises(NodeBusy, match="does not answer"), gate.waiting():
        pytest.fail("a second was let in")
    gate.answered()
    with enter(gate, 5):
        pass


def test_those_that_waited_at_the_timeout_are_enough() -> None:
    gate = Gate(5)
    with enter(gate, 3):
        gate.timed_out()
        with pytest.raises(NodeBusy), gate.waiting():
            pytest.fail("another was let in")
    with enter(gate, 1):
        pass


def test_a_transfer_gives_the_place_up_for_as_long_as_it_lasts() -> None:
    gate = Gate(1)
    with gate.waiting():
        with gate.transferring(), enter(gate, 1):
            pass
        with pytest.raises(NodeBusy), gate.waiting():
            pytest.fail("the place was not taken again")
    with enter(gate, 1):
        pass


def test_a_transfer_that_breaks_off_leaves_the_count_right() -> None:
    gate = Gate(1)
    with pytest.raises(OSError, match="client"), gate.waiting(), gate.transferring():
        raise OSError("client")
    with enter(gate, 1), pytest.raises(NodeBusy), gate.waiting():
        pytest.fail("two were let in")


def test_after_a_transfer_the_place_is_taken_even_when_there_is_none() -> None:
    gate = Gate(1)
    with ExitStack() as other:
        with gate.waiting():
            with gate.transferring():
                other.enter_context(gate.waiting())
            with pytest.raises(NodeBusy), gate.waiting():
                pytest.fail("another was let in")
        with pytest.raises(NodeBusy), gate.waiting():
            pytest.fail("another was let in")
    with enter(gate, 1):
        pass
