"""An operation goes to the owner, and once more when the owner turns out to be elsewhere."""

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from nodes.exceptions import MembershipIncomplete, MembershipUnknown
from nodes.membership import Membership, Snapshot
from nodes.node import Node, NodeState
from objects.changing import Passage
from objects.exceptions import NodeBusy, NodeRefusedCredentials, NodeUnavailable, ObjectNotFound
from objects.routing import ModuloRouter
from objects.service import Service
from objects.store import Spool, Store, Stores
from objects.tests.leases import FOREVER, GivenLeases
from objects.tests.membership_of import node, nodes, stopped

MOVED = "192.0.2.99"
#: It belongs to the first of one node, and to the second of three.
ID = "abc"


@dataclass
class FakeMembership:
    """Answers with what a test gives it, and counts."""

    now: tuple[Node, ...]
    then: tuple[Node, ...] | Exception = ()
    asked_again: int = 0
    failure: Exception | None = None

    def current(self) -> Snapshot:
        if self.failure is not None:
            raise self.failure
        return Snapshot(self.now, 1.0)

    def rediscover(self, doubtful: Snapshot) -> Snapshot:
        assert doubtful.nodes == self.now
        self.asked_again += 1
        if isinstance(self.then, Exception):
            raise self.then
        return Snapshot(self.then, 2.0)


@dataclass
class FakeStores:
    """A store is the node itself: all that operations here want to know."""

    asked: list[Node] = field(default_factory=list)

    def of(self, wanted: Node) -> Node:
        self.asked.append(wanted)
        if wanted.down_reason:
            raise NodeUnavailable(wanted.down_reason, repeatable=True)
        return wanted


@dataclass
class Case:
    membership: FakeMembership
    stores: FakeStores = field(default_factory=FakeStores)
    done_on: list[str | None] = field(default_factory=list)

    def run(self, *outcomes: Exception | str) -> str:
        """Do an operation with these outcomes, one after the other."""
        left = list(outcomes)

        def operation(store: Store, object_id: str) -> str:
            assert object_id == ID
            self.done_on.append(cast("Node", store).host)
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        def moving(passage: Passage, object_id: str) -> str:
            raise AssertionError("no id is on its way")

        service = Service(
            cast("Membership", self.membership),
            ModuloRouter(),
            cast("Stores", self.stores),
            Spool(0),
            GivenLeases(),
        )
        return service._done(FOREVER, operation, moving, ID)


def unreachable() -> NodeUnavailable:
    return NodeUnavailable("refused", repeatable=True)


def one(then: tuple[Node, ...] | Exception | None = None) -> Case:
    """One node, which has moved unless it is said otherwise."""
    return Case(FakeMembership((node(),), (node(host=MOVED),) if then is None else then))


def test_the_owner_and_nobody_else_is_asked() -> None:
    members = tuple(nodes(3))
    case = Case(FakeMembership(members))
    assert case.run("done") == "done"
    assert case.stores.asked == [members[1]]
    assert case.membership.asked_again == 0


@pytest.mark.parametrize("problem", [unreachable(), NodeRefusedCredentials()])
def test_once_more_when_the_owner_moved(problem: Exception) -> None:
    case = one()
    assert case.run(problem, "done") == "done"
    assert case.done_on == ["192.0.2.1", MOVED]
    assert case.membership.asked_again == 1


def test_an_owner_known_as_stopped_is_looked_at_again() -> None:
    case = Case(FakeMembership((stopped(node()),), (node(),)))
    assert case.run("done") == "done"
    assert case.membership.asked_again == 1


def test_an_owner_known_as_paused_is_looked_at_again() -> None:
    case = Case(FakeMembership((replace(node(), state=NodeState.PAUSED),), (node(),)))
    assert case.run("done") == "done"
    assert case.done_on == ["192.0.2.1"]
    assert case.membership.asked_again == 1


def test_once_more_and_no_more() -> None:
    case = one()
    last = unreachable()
    with pytest.raises(NodeUnavailable) as caught:
        case.run(unreachable(), last)
    assert caught.value is last
    assert case.membership.asked_again == 1


def test_new_keys_count_as_another_place() -> None:
    assert node().credentials is not None
    other = replace(node(), credentials=replace(node().credentials, secret_key="new"))  # type: ignore[type-var]
    case = one((other,))
    assert case.run(NodeRefusedCredentials(), "done") == "done"
    assert case.stores.asked == [node(), other]


@pytest.mark.parametrize("problem", [NodeUnavailable("hung up"), NodeBusy(), ObjectNotFound()])
def test_not_after_what_another_place_would_not_mend(problem: Exception) -> None:
    case = one()
    with pytest.raises(type(problem)) as caught:
        case.run(problem)
    assert caught.value is problem
    assert case.membership.asked_again == 0


@pytest.mark.parametrize(
    "then",
    [
        (node(),),
        (node("another", host=MOVED),),
        (stopped(node()),),
        (replace(node(host=MOVED), state=NodeState.RESTARTING),),
    ],
    ids=["same place", "another name", "down", "moved and not up yet"],
)
def test_not_when_there_is_nowhere_else_to_go(then: tuple[Node, ...]) -> None:
    case = one(then)
    first = unreachable()
    with pytest.raises(NodeUnavailable) as caught:
        case.run(first)
    assert caught.value is first
    assert case.stores.asked == [node()]
    assert case.membership.asked_again == 1


def test_a_membership_that_is_not_complete_any_more_is_said() -> None:
    case = one(MembershipIncomplete("2 of 3"))
    with pytest.raises(MembershipIncomplete):
        case.run(unreachable())


def test_without_a_membership_nobody_is_asked() -> None:
    case = one()
    case.membership.failure = MembershipUnknown()
    with pytest.raises(MembershipUnknown):
        case.run("done")
    assert case.stores.asked == []
