"""The protocol holds however its steps follow one another, and each of its rules is needed."""

import pytest

from objects.layout.tests.model import OPERATIONS, RULES, Fault, Protocol, Walk


def test_no_answer_that_a_single_register_could_not_give() -> None:
    walk = Walk(Protocol(), operations=2, crashes=1)
    walk.run()
    # It has been everywhere, rather than stopped early.
    assert walk.states > 40_000


#: Those that change something, and what shows it: three of them are walked as well.
CHANGES = ("PUT", "CREATE", "DELETE")


def test_three_operations_that_change_something() -> None:
    walk = Walk(Protocol(), operations=3, crashes=0, kinds=CHANGES)
    walk.run()
    assert walk.states > 3_000


@pytest.mark.parametrize("rule", RULES)
def test_without_any_of_the_rules_there_is_a_fault(rule: str) -> None:
    if rule == "look before a delete while cleaning":
        walk = Walk(Protocol(rule), operations=3, crashes=0, kinds=CHANGES)
    else:
        walk = Walk(Protocol(rule), operations=2, crashes=1)
    with pytest.raises(Fault) as caught:
        walk.run()
    assert caught.value.trace, "it says how it comes about"


def test_every_kind_of_operation_is_in_it() -> None:
    assert set(OPERATIONS) == {"GET", "PUT", "CREATE", "MATCH", "MATCH ANY", "DELETE", "LIST"}
