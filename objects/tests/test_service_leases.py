"""What the service does when the layout changes while something is being done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from nodes.exceptions import NoNodes
from nodes.membership import Membership, Snapshot
from nodes.node import Node
from objects.exceptions import (
    LayoutChanging,
    LayoutUnknown,
    NodeUnavailable,
    ObjectNotFound,
    PreconditionFailed,
)
from objects.http.body import RequestBody
from objects.http.parameters import ListingQuery
from objects.http.reading import ReadRequest
from objects.layout import LAYOUT_KEY, Layout, Member, State
from objects.layout.keeper import Lease
from objects.layout.placement import Placement
from objects.routing import ModuloRouter
from objects.service import Service
from objects.store import Spool, Upload
from objects.tests.leases import GivenLeases, expired, in_force
from objects.tests.memory import Kept, MemoryStores

ONE, TWO, THREE = "node-1", "node-2", "node-3"
BEFORE = Layout.adopted("modulo", [ONE, TWO])
SWITCHING = BEFORE.changed("modulo", [Member(ONE), Member(TWO), Member(THREE)])
MOVING = SWITCHING.advanced(State.MOVING)
SETTLING = MOVING.advanced(State.SETTLING)
CLEANING = SETTLING.advanced(State.CLEANING)
AFTER = CLEANING.advanced(State.STABLE)


def an_id(*, goes_away: bool) -> str:
    """One that goes from the first to the third, or one that stays on the first."""
    placement = Placement(MOVING)
    for number in range(1000):
        object_id = f"id{number}"
        source, owner = placement.source(object_id), placement.owner(object_id)
        if (source, owner) == ((ONE, THREE) if goes_away else (None, ONE)):
            return object_id
    raise AssertionError("there are such ids")


MOVES, STAYS = an_id(goes_away=True), an_id(goes_away=False)


@dataclass
class FakeMembership:
    """Knows all nodes, unless a test takes some away."""

    nodes: tuple[Node, ...]
    expected: bool = True

    def current(self) -> Snapshot:
        if not self.expected:
            raise NoNodes
        return self.latest()

    def latest(self) -> Snapshot:
        return Snapshot(self.nodes, 1.0)

    def renewed(self, doubtful: Snapshot) -> Snapshot:
        return self.latest()

    rediscover = renewed


@dataclass
class Body:
    """A client's body, in pieces, with something that happens before the last one."""

    pieces: list[bytes]
    before_the_last: Callable[[], None] = lambda: None
    received: int = 0

    def __post_init__(self) -> None:
        self.length: int | None = sum(map(len, self.pieces))

    def read(self, size: int) -> bytes:
        if len(self.pieces) == 1:
            self.before_the_last()
        piece = self.pieces.pop(0) if self.pieces else b""
        self.received += len(piece)
        return piece


LARGE = [b"x" * 60_000, b"y" * 60_000]


@dataclass
class Case:
    leases: GivenLeases = field(default_factory=GivenLeases)
    stores: MemoryStores = field(default_factory=lambda: MemoryStores(ONE, TWO, THREE))

    def __post_init__(self) -> None:
        self.membership = FakeMembership(self.stores.discovered)
        self.service = Service(
            cast("Membership", self.membership),
            ModuloRouter(),
            self.stores.stores,
            Spool(0),
            self.leases,
        )

    def given(self, *leases: Lease) -> None:
        """The leases that the service gets, one after the other."""
        self.leases.leases = list(leases)

    def put(self, object_id: str, body: Body, conditions: dict[str, str] | None = None) -> None:
        upload = Upload(conditions=conditions or {})
        self.service.put(object_id, cast("RequestBody", body), upload)

    def get(self, object_id: str) -> bytes:
        found = self.service.get(object_id, ReadRequest())
        assert found.body is not None
        return b"".join(found.body)

    def keep(self, name: str, object_id: str, data: bytes) -> None:
        self.stores.nodes[name].kept[object_id] = Kept(data)

    def on(self, name: str, object_id: str) -> bytes | None:
        return self.stores.nodes[name].has(object_id)


@pytest.fixture
def case() -> Case:
    return Case()


def place(layout: Layout) -> Placement:
    return Placement(layout)


P = {layout.state: place(layout) for layout in (SWITCHING, MOVING, SETTLING, CLEANING)}
P_BEFORE, P_AFTER = place(BEFORE), place(AFTER)


class TestReading:
    def test_by_a_lease_in_force(self, case: Case) -> None:
        case.given(in_force(P_BEFORE))
        case.keep(ONE, MOVES, b"old")
        assert case.get(MOVES) == b"old"

    def test_again_when_the_layout_has_changed_meanwhile(self, case: Case) -> None:
        case.given(expired(P_BEFORE), in_force(P_AFTER))
        case.keep(ONE, MOVES, b"stale")
        case.keep(THREE, MOVES, b"new")
        assert case.get(MOVES) == b"new"

    def test_a_miss_is_not_believed_either(self, case: Case) -> None:
        case.given(expired(P_BEFORE), in_force(P_AFTER))
        case.keep(THREE, MOVES, b"new")
        assert case.get(MOVES) == b"new"

    def test_what_took_long_holds_while_the_layout_does(self, case: Case) -> None:
        case.given(expired(P_BEFORE), expired(P_BEFORE))
        case.keep(ONE, MOVES, b"old")
        assert case.get(MOVES) == b"old"
        with pytest.raises(ObjectNotFound):
            case.get(STAYS)

    def test_ids_that_stay_do_not_notice(self, case: Case) -> None:
        case.given(expired(P_BEFORE), in_force(P[State.MOVING]))
        case.keep(ONE, STAYS, b"old")
        assert case.get(STAYS) == b"old"
        assert len(case.stores.nodes[ONE].asked) == 1

    def test_when_nobody_knows_the_layout_any_more(self, case: Case) -> None:
        case.keep(ONE, MOVES, b"old")
        case.given(expired(P_BEFORE))
        case.stores.nodes[ONE].before = lambda method, key: case.leases.leases.clear()
        with pytest.raises(LayoutUnknown):
            case.get(MOVES)


class TestMembers:
    def test_a_member_that_is_not_found_keeps_its_ids(self, case: Case) -> None:
        case.membership.nodes = case.membership.nodes[1:]
        case.given(in_force(P_BEFORE))
        with pytest.raises(NodeUnavailable, match="the layout names it") as caught:
            case.get(MOVES)
        assert caught.value.source == f"node {ONE}"

    def test_a_node_that_is_no_member_gets_nothing(self, case: Case) -> None:
        case.given(in_force(P_BEFORE))
        for number in range(50):
            case.put(f"id{number}", Body([b"data"]))
        assert case.stores.nodes[THREE].asked == []

    def test_with_a_layout_the_number_of_nodes_does_not_matter(self, case: Case) -> None:
        case.membership.expected = False
        case.given(in_force(P_BEFORE))
        case.put(STAYS, Body([b"data"]))
        assert case.get(STAYS) == b"data"
        case.given(in_force(None))
        with pytest.raises(NoNodes):
            case.get(STAYS)

    def test_without_any_layout_the_owner_says_what_is_wrong(self, case: Case) -> None:
        owner = ModuloRouter().owner(STAYS, case.stores.discovered).name
        failure = NodeUnavailable("is gone")
        case.given()
        case.leases.failure = LayoutUnknown("", {owner: failure}, laid_out=False)
        with pytest.raises(NodeUnavailable) as caught:
            case.get(STAYS)
        assert caught.value is not failure
        assert (caught.value.detail, caught.value.predicate) == (failure.detail, "is gone")


class TestUploads:
    def test_that_end_before_the_change(self, case: Case) -> None:
        case.given(in_force(P_BEFORE))
        case.put(MOVES, Body(list(LARGE)))
        assert case.on(ONE, MOVES) == b"".join(LARGE)

    @pytest.mark.parametrize("state", [State.SWITCHING, State.MOVING, State.SETTLING])
    def test_that_straddle_it_store_nothing(self, case: Case, state: State) -> None:
        case.given(in_force(P_BEFORE))
        body = Body(list(LARGE), lambda: case.given(in_force(P[state])))
        with pytest.raises(LayoutChanging):
            case.put(MOVES, body)
        assert not any(case.on(name, MOVES) for name in (ONE, TWO, THREE))

    def test_of_ids_that_stay_go_on(self, case: Case) -> None:
        case.given(in_force(P_BEFORE))
        case.put(STAYS, Body(list(LARGE), lambda: case.given(in_force(P[State.MOVING]))))
        assert case.on(ONE, STAYS) == b"".join(LARGE)

    @pytest.mark.parametrize("end", [P[State.SETTLING], P[State.CLEANING], P_AFTER])
    def test_to_the_new_owner_go_on(self, case: Case, end: Placement) -> None:
        case.given(in_force(P[State.MOVING]))
        case.put(MOVES, Body(list(LARGE), lambda: case.given(in_force(end))))
        assert case.on(THREE, MOVES) == b"".join(LARGE)

    def test_but_not_over_a_tombstone_that_is_being_removed(self, case: Case) -> None:
        case.given(in_force(P[State.MOVING]))
        case.service.delete(MOVES)
        body = Body(list(LARGE), lambda: case.given(in_force(P[State.CLEANING])))
        with pytest.raises(LayoutChanging):
            case.put(MOVES, body)
        assert case.on(THREE, MOVES) == P[State.MOVING].tombstone.body

    def test_while_switching_are_refused_before_a_byte_is_read(self, case: Case) -> None:
        case.given(in_force(P[State.SWITCHING]))
        body = Body(list(LARGE))
        with pytest.raises(LayoutChanging):
            case.put(MOVES, body)
        assert body.received == 0

    def test_without_a_lease_at_the_end_store_nothing(self, case: Case) -> None:
        case.given(in_force(P_BEFORE))

        def cut_off() -> None:
            case.leases.leases.clear()

        with pytest.raises(LayoutUnknown):
            case.put(MOVES, Body(list(LARGE), cut_off))
        assert case.on(ONE, MOVES) is None

    @pytest.mark.parametrize("later", [P[State.SWITCHING], P[State.MOVING], P_AFTER])
    def test_whose_answer_comes_too_late_are_not_acknowledged(
        self, case: Case, later: Placement
    ) -> None:
        # One lease to begin with, one for the body, one for its last byte; and then.
        case.given(*[expired(P_BEFORE)] * 3, in_force(later))
        with pytest.raises(LayoutChanging, match="not known"):
            case.put(MOVES, Body([b"data"]))

    def test_that_took_long_are_while_the_layout_stays(self, case: Case) -> None:
        case.given(expired(P_BEFORE))
        case.put(MOVES, Body([b"data"]))
        assert case.on(ONE, MOVES) == b"data"

    def test_a_failed_condition_is_not_believed_too_late(self, case: Case) -> None:
        case.given(*[expired(P_BEFORE)] * 3, in_force(P_AFTER))
        case.keep(ONE, MOVES, b"there")
        with pytest.raises(LayoutChanging):
            case.put(MOVES, Body([b"data"]), {"If-None-Match": "*"})
        case.given(in_force(P_BEFORE))
        with pytest.raises(PreconditionFailed):
            case.put(MOVES, Body([b"data"]), {"If-None-Match": "*"})


class TestDeleting:
    def test_too_late_is_not_acknowledged(self, case: Case) -> None:
        case.given(expired(P_BEFORE), in_force(P[State.MOVING]))
        with pytest.raises(LayoutChanging):
            case.service.delete(MOVES)

    def test_of_an_id_that_stays_is(self, case: Case) -> None:
        case.given(expired(P_BEFORE), in_force(P[State.MOVING]))
        case.keep(ONE, STAYS, b"old")
        case.service.delete(STAYS)
        assert case.on(ONE, STAYS) is None


class TestListing:
    def keys(self, case: Case) -> list[str]:
        return [entry.key for entry in case.service.list(ListingQuery()).entries]

    def test_each_once_while_moving(self, case: Case) -> None:
        case.given(in_force(P[State.MOVING]))
        case.keep(ONE, MOVES, b"old")
        case.keep(THREE, MOVES, b"new")
        case.keep(ONE, STAYS, b"old")
        case.keep(ONE, LAYOUT_KEY, MOVING.to_json())
        assert self.keys(case) == sorted([MOVES, STAYS])
        assert [len(node.asked) for node in case.stores.nodes.values()] == [2, 2, 2]

    def test_tombstones_are_not_listed(self, case: Case) -> None:
        case.given(in_force(P[State.MOVING]))
        case.keep(ONE, MOVES, b"old")
        case.service.delete(MOVES)
        assert self.keys(case) == []
        case.stores.nodes[ONE].kept.clear()
        for placement in (P[State.SETTLING], P[State.CLEANING], P_AFTER):
            case.given(in_force(placement))
            assert self.keys(case) == []

    def test_afterwards_the_members_alone_and_once(self, case: Case) -> None:
        case.given(in_force(place(BEFORE)))
        case.keep(THREE, "foreign", b"data")
        listing = case.service.list(ListingQuery())
        assert (listing.entries, listing.passed_over) == ((), 0)
        assert [len(node.asked) for node in case.stores.nodes.values()] == [1, 1, 0]

    def test_again_when_the_layout_has_changed_meanwhile(self, case: Case) -> None:
        case.given(expired(P_BEFORE), in_force(P_AFTER))
        case.keep(THREE, MOVES, b"new")
        assert self.keys(case) == [MOVES]

    def test_a_member_that_is_not_found_is_missing(self, case: Case) -> None:
        case.given(in_force(P_BEFORE))
        case.membership.nodes = case.membership.nodes[1:]
        listing = case.service.list(ListingQuery(partial=True))
        assert [missing.name for missing in listing.missing] == [ONE]
        with pytest.raises(NodeUnavailable, match=ONE):
            case.service.list(ListingQuery())
