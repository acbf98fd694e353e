"""How many requests may wait for one node."""

from contextlib import ExitStack

import pytest

from objects.exceptions import NodeBusy
from objects.store.bulkhead import Bulkhead
from objects.store.errors import TimedOut


def enter(bulkhead: Bulkhead, times: int) -> ExitStack:
    """That many requests wait, until the stack is closed."""
    stack = ExitStack()
    for _ in range(times):
        stack.enter_context(bulkhead)
    return stack


def test_up_to_the_limit_and_no_more() -> None:
    bulkhead = Bulkhead(3)
    with enter(bulkhead, 3):
        with pytest.raises(NodeBusy, match="3 requests wait"), bulkhead:
            pytest.fail("a fourth was let in")
        # The refused one must not have given a place away.
        with pytest.raises(NodeBusy), bulkhead:
            pytest.fail("a fourth was let in")
    with enter(bulkhead, 3):
        pass


def test_an_exception_gives_the_place_back() -> None:
    bulkhead = Bulkhead(1)
    for _ in range(3):
        with pytest.raises(OSError, match="x"), bulkhead:
            raise OSError("x")
    with enter(bulkhead, 1):
        pass


def test_after_a_timeout_one_at_a_time_finds_out() -> None:
    bulkhead = Bulkhead(5)
    with pytest.raises(TimedOut), bulkhead:
        raise TimedOut
    with enter(bulkhead, 1), pytest.raises(NodeBusy, match="does not answer"), bulkhead:
        pytest.fail("a second was let in")
    with enter(bulkhead, 5):
        pass


def test_those_that_waited_at_the_timeout_are_enough() -> None:
    bulkhead = Bulkhead(5)
    with enter(bulkhead, 3):
        with pytest.raises(TimedOut), bulkhead:
            raise TimedOut
        with pytest.raises(NodeBusy), bulkhead:
            pytest.fail("another was let in")
    with enter(bulkhead, 1):
        pass


def test_a_transfer_gives_the_place_up_for_as_long_as_it_lasts() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead:
        with bulkhead.transferring(), enter(bulkhead, 1):
            pass
        with pytest.raises(NodeBusy), bulkhead:
            pytest.fail("the place was not taken again")
    with enter(bulkhead, 1):
        pass


def test_a_transfer_that_breaks_off_leaves_the_count_right() -> None:
    bulkhead = Bulkhead(1)
    with pytest.raises(OSError, match="client"), bulkhead, bulkhead.transferring():
        raise OSError("client")
    with enter(bulkhead, 1), pytest.raises(NodeBusy), bulkhead:
        pytest.fail("two were let in")


def test_after_a_transfer_the_place_is_taken_even_when_there_is_none() -> None:
    bulkhead = Bulkhead(1)
    with ExitStack() as other:
        with bulkhead:
            with bulkhead.transferring():
                other.enter_context(bulkhead)
            with pytest.raises(NodeBusy), bulkhead:
                pytest.fail("another was let in")
        with pytest.raises(NodeBusy), bulkhead:
            pytest.fail("another was let in")
    with enter(bulkhead, 1):
        pass
