"""The lease: how it is renewed, that it runs out, and what there is without one."""

import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import cast

import pytest

from nodes.exceptions import MembershipUnknown
from nodes.membership import Membership, Snapshot
from nodes.node import Node
from objects.exceptions import LayoutUnknown
from objects.layout import LAYOUT_KEY, Layout, Member, State, keeper
from objects.layout.copies import Copies
from objects.layout.keeper import Keeper
from objects.tests.memory import Kept, MemoryStores

ONE, TWO, THREE, FOUR = "node-1", "node-2", "node-3", "node-4"
FIRST = Layout.adopted("modulo", [ONE, TWO, THREE], lease=5)
SECOND = FIRST.changed("modulo", [Member(name) for name in (TWO, THREE, FOUR)])
LEASE = 5.0


@dataclass
class Clock:
    """A clock that a test moves on."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class FakeMembership:
    """Finds the nodes that a test says."""

    nodes: tuple[Node, ...]
    then: tuple[Node, ...] | None = None
    unknown: bool = False

    def latest(self) -> Snapshot:
        if self.unknown:
            raise MembershipUnknown
        return Snapshot(self.nodes, 1.0)

    def renewed(self, doubtful: Snapshot) -> Snapshot:
        self.nodes = self.nodes if self.then is None else self.then
        return self.latest()


@dataclass
class Case:
    """Three nodes, a keeper without its thread, and its clock."""

    clock: Clock
    nodes: MemoryStores = field(default_factory=lambda: MemoryStores(ONE, TWO, THREE, FOUR))
    lease: float = LEASE
    expected: int | None = None

    def __post_init__(self) -> None:
        self.membership = FakeMembership(self.nodes.discovered[:3])
        self.keeper = self.another()

    def another(self) -> Keeper:
        made = Keeper(
            cast("Membership", self.membership),
            Copies(self.nodes.stores),
            router="modulo",
            lease=self.lease,
            expected=self.expected,
        )
        made.start = lambda: None  # type: ignore[method-assign]  # no threads
        return made

    def have(self, layout: Layout | None, *names: str) -> None:
        for name in names:
            if layout is None:
                self.nodes.nodes[name].kept.pop(LAYOUT_KEY, None)
            else:
                self.nodes.nodes[name].kept[LAYOUT_KEY] = Kept(layout.to_json())

    def down(self, *names: str) -> None:
        for name, node in self.nodes.nodes.items():
            node.down = name in names

    def leased(self) -> Layout | None:
        placement = self.keeper.lease().placement
        return None if placement is None else placement.layout

    @property
    def readings(self) -> int:
        return sum(len(node.asked) for node in self.nodes.nodes.values())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(keeper, "time", clock)
    return clock


@pytest.fixture
def case(clock: Clock) -> Case:
    return Case(clock)


def test_at_first_all_are_asked_and_then_nobody_while_it_lasts(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    assert case.leased() == FIRST
    assert case.readings == 3
    case.clock.now += LEASE - 0.01
    assert case.leased() == FIRST
    assert case.readings == 3
    case.clock.now += 0.01
    assert case.leased() == FIRST
    assert case.readings > 3


def test_a_change_is_seen_when_the_lease_has_run_out(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    assert case.leased() == FIRST
    case.have(SECOND, ONE, TWO, THREE, FOUR)
    assert case.leased() == FIRST
    case.clock.now += LEASE
    assert case.leased() == SECOND


def test_one_node_that_answers_is_enough(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    case.down(ONE, TWO)
    assert case.leased() == FIRST


def test_without_an_answer_there_is_no_lease(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    assert case.leased() == FIRST
    case.down(ONE, TWO, THREE)
    case.clock.now += LEASE
    with pytest.raises(LayoutUnknown, match=r"layout 1 was the last.*node-1 cannot be reached"):
        case.leased()
    assert case.keeper.status().failure is not None
    assert case.keeper.status().layout == FIRST
    case.down()
    case.clock.now += 1
    assert case.leased() == FIRST


def test_a_failure_is_remembered_for_a_moment(case: Case) -> None:
    case.down(ONE, TWO, THREE)
    for _ in range(3):
        with pytest.raises(LayoutUnknown):
            case.leased()
    assert case.readings == 3


def test_those_that_come_together_share_one_reading(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    held, entered = threading.Event(), threading.Event()

    def wait(method: str, key: str) -> None:
        entered.set()
        assert held.wait(10)

    case.nodes.nodes[ONE].before = wait
    threads = [threading.Thread(target=case.leased) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    held.set()
    for thread in threads:
        thread.join(10)
    assert case.readings == 3


def test_the_layout_may_shorten_the_lease(clock: Clock) -> None:
    case = Case(clock, lease=60)
    case.have(FIRST, ONE, TWO, THREE)
    assert case.keeper.lease().until == clock.now + 5


def test_a_lease_begins_before_the_node_is_asked(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    begun = case.clock.now

    def slow(method: str, key: str) -> None:
        case.clock.now += 1

    case.nodes.nodes[TWO].before = slow
    assert case.keeper.lease().until == begun + LEASE


def test_never_back(case: Case) -> None:
    case.have(SECOND, ONE, TWO, THREE)
    assert case.leased() == SECOND
    case.have(FIRST, ONE, TWO, THREE)
    case.clock.now += LEASE
    assert case.leased() == SECOND


def test_the_placement_stays_while_the_layout_does(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    first = case.keeper.lease()
    case.clock.now += LEASE
    second = case.keeper.lease()
    assert second is not first
    assert second.placement is first.placement


def test_that_there_is_none_is_leased_as_well(case: Case) -> None:
    assert case.leased() is None
    case.have(FIRST, ONE, TWO, THREE)
    assert case.leased() is None
    case.clock.now += LEASE
    assert case.leased() == FIRST


def test_without_a_layout_one_of_three_may_be_down(case: Case) -> None:
    case.down(TWO)
    assert case.leased() is None


def test_a_node_that_came_later_does_not_speak_for_those_that_were_there(case: Case) -> None:
    assert case.leased() is None
    case.membership.nodes = case.nodes.discovered
    case.down(ONE, TWO, THREE)
    case.clock.now += LEASE
    with pytest.raises(LayoutUnknown, match="none was found so far"):
        case.leased()


def test_nodes_that_moved_are_found(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    now = case.membership.nodes
    case.membership.nodes, case.membership.then = (case.nodes.nodes[FOUR].node,), now
    case.down(FOUR)
    assert case.leased() == FIRST


def test_a_router_that_is_not_here_is_said(case: Case) -> None:
    strange = Layout.adopted("somewhere.Router", [ONE, TWO, THREE])
    case.have(strange, ONE, TWO, THREE)
    with pytest.raises(LayoutUnknown, match="names a router that is not here"):
        case.leased()


def test_the_keeper_asks_one_after_the_other(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    case.leased()
    for _ in range(3):
        case.clock.now += 1
        case.keeper._ask_next()
    assert [len(case.nodes.nodes[name].asked) for name in (ONE, TWO, THREE)] == [2, 2, 2]
    assert case.keeper._held.until == case.clock.now + LEASE


def test_the_keeper_goes_on_to_the_others_when_one_is_down(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    case.leased()
    case.down(ONE, TWO)
    for _ in range(3):
        case.clock.now += 1
        case.keeper._ask_next()
        assert case.keeper._held.until == case.clock.now + LEASE


def test_the_expected_nodes_are_adopted(clock: Clock) -> None:
    case = Case(clock, expected=3)
    assert case.leased() is None
    case.keeper._adopt_if_due()
    case.clock.now += LEASE
    adopted = case.leased()
    assert adopted is not None
    assert (adopted.version, adopted.state, adopted.router) == (1, State.STABLE, "modulo")
    assert [member.name for member in adopted.members] == [ONE, TWO, THREE]
    assert [node.has(LAYOUT_KEY) is not None for node in case.nodes.nodes.values()] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("obstacle", ["one more", "one is down", "one has a layout", "not asked"])
def test_only_when_all_of_them_are_there_and_have_none(clock: Clock, obstacle: str) -> None:
    case = Case(clock, expected=3)
    if obstacle == "one more":
        case.membership.nodes = case.nodes.discovered
    if obstacle != "not asked":
        case.leased()
    if obstacle == "one is down":
        case.down(THREE)
    if obstacle == "one has a layout":
        case.have(SECOND, THREE)
    case.keeper._adopt_if_due()
    assert case.nodes.nodes[ONE].has(LAYOUT_KEY) is None


def test_no_number_expected_none_adopted(case: Case) -> None:
    case.leased()
    case.keeper._adopt_if_due()
    assert case.nodes.nodes[ONE].has(LAYOUT_KEY) is None


def test_two_adopt_the_same(clock: Clock) -> None:
    case = Case(clock, expected=3)
    other = case.another()
    case.leased()
    other.lease()
    case.keeper._adopt_if_due()
    other._adopt_if_due()
    copies = {node.has(LAYOUT_KEY) for name, node in case.nodes.nodes.items() if name != FOUR}
    assert len(copies) == 1


def test_an_adoption_that_was_cut_short_is_finished(clock: Clock) -> None:
    case = Case(clock, expected=3)
    case.have(FIRST, ONE)
    assert case.leased() == FIRST
    case.keeper._adopt_if_due()
    assert case.nodes.nodes[THREE].has(LAYOUT_KEY) == FIRST.to_json()
    readings = case.readings
    case.keeper._adopt_if_due()
    case.keeper._adopt_if_due()
    # Once it was seen on all of them, nobody looks again.
    assert case.readings == readings + 3


def test_without_a_membership_there_is_none(case: Case) -> None:
    case.membership.unknown = True
    with pytest.raises(MembershipUnknown):
        case.leased()


def test_at_first_one_that_hangs_is_passed_over(case: Case) -> None:
    case.have(FIRST, ONE, TWO, THREE)
    goes_on = threading.Event()

    def hang(method: str, key: str) -> None:
        assert goes_on.wait(30)

    case.nodes.nodes[TWO].before = hang
    try:
        assert case.leased() == FIRST
        assert case.nodes.nodes[TWO].asked == []
    finally:
        goes_on.set()


_ENDS_WHILE_THE_KEEPER_ASKS = """
import os, time
from concurrent.futures import ThreadPoolExecutor
os.environ |= {"OBJGW_DISCOVERY": "static", "OBJGW_NODES": "http://key:hush-hush@127.0.0.1:9"}
os.environ["DJANGO_SETTINGS_MODULE"] = "objgw_site.settings"
import django
django.setup()
from objects.layout.copies import Copies
from objects.layout.keeper import Keeper
from objects.layout.tests.test_keeper import FakeMembership
from objects.tests.memory import MemoryStores
nodes = MemoryStores("node-1")
nodes.nodes["node-1"].down = True
Keeper(
    FakeMembership(nodes.discovered), Copies(nodes.stores), router="modulo", lease=0.05
).start()
ThreadPoolExecutor(1).submit(time.sleep, 1)
"""


def test_it_ends_quietly_with_the_process() -> None:
    """A command may end while the nodes are asked, when no thread can be started any more."""
    command = [sys.executable, "-c", _ENDS_WHILE_THE_KEEPER_ASKS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
