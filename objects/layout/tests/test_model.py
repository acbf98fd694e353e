"""The protocol holds however its steps follow one another, and each of its rules is needed."""

import pytest

from objects.layout.tests.model import OPERATIONS, RULES, Fault, Protocol, Walk


def test_no_answer_that_a_single_register_could_not_give() -> None:
    walk = Walk(Protocol(), operations=2, crashes=1)
    walk.run()
    # It has been everywhere, rather than stopped early.
    assert walk.states > 40_000


@pytest.mark.parametrize("rule", RULES)
def test_without_any_of_the_rules_there_is_a_fault(rule: str) -> None:
    with pytest.raises(Fault) as caught:
        Walk(Protocol(rule), operations=2, crashes=1).run()
    assert caught.value.trace, "it says how it comes about"


def test_every_kind_of_operation_is_in_it() -> None:
    assert set(OPERATIONS) == {"GET", "PUT", "CREATE", "MATCH", "MATCH ANY", "DELETE", "LIST"}
