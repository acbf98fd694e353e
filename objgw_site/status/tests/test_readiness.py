"""``/livez``, ``/readyz`` and ``/nodes``."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from nodes.exceptions import MembershipUnknown
from nodes.membership import Membership
from nodes.node import Node, NodeState
from nodes.tests.scripted import ScriptedDiscovery, node
from objects.layout import Layout, Member, State
from objects.layout.backlog import Backlog, Notes
from objects.layout.keeper import Status
from objects.tests.memory import MemoryStores
from objgw_site.status import views
from objgw_site.status.backlog import RememberedBacklog
from objgw_site.status.health import RememberedHealth
from objgw_site.status.roles import Role, shown

A, B = node("a"), node("b", "192.0.2.2")


@pytest.fixture
def discovery() -> ScriptedDiscovery:
    """What the gateway's membership asks."""
    return ScriptedDiscovery(A, B)


@dataclass
class FixedKeeper:
    """Knows of the layout what a test says."""

    known: Status = Status(None, failure=None)  # noqa: RUF009  (frozen)

    def status(self) -> Status:
        return self.known


@pytest.fixture
def keeper() -> FixedKeeper:
    """The gateway's; there is no layout."""
    return FixedKeeper()


@pytest.fixture
def left() -> MemoryStores:
    """The nodes' own, for what is noted on them."""
    return MemoryStores("a", "b")


@pytest.fixture(autouse=True)
def membership(
    discovery: ScriptedDiscovery,
    keeper: FixedKeeper,
    left: MemoryStores,
    monkeypatch: pytest.MonkeyPatch,
) -> Membership:
    """The gateway's; two nodes are expected."""
    membership = Membership(discovery, cache, ttl=3600, expected=2)
    monkeypatch.setattr(membership, "start_refreshing", lambda: None)
    monkeypatch.setattr(views, "get_membership", lambda: membership)
    monkeypatch.setattr(views, "get_keeper", lambda: keeper)
    monkeypatch.setattr(views, "probe", probe)
    monkeypatch.setattr(views, "get_remembered_health", lambda: RememberedHealth(probe))
    monkeypatch.setattr(
        views, "get_remembered_backlog", lambda: RememberedBacklog(Notes(left.stores))
    )
    return membership


def probe(asked: Node, timeout: float) -> str | None:
    return "it is ill" if asked.name == "b" else None


def get(path: str) -> tuple[int, Any]:
    response = APIClient().get(path)
    assert "ACCESS-5fb0" not in response.content.decode()
    assert "SECRET-9c41" not in response.content.decode()
    return response.status_code, response.json()


def test_livez_asks_nobody(discovery: ScriptedDiscovery) -> None:
    assert get("/livez") == (200, {"status": "alive"})
    assert discovery.calls == 0


def test_ready() -> None:
    status, report = get("/readyz")
    assert status == 200
    assert isinstance(report.pop("snapshot_age"), float)
    assert report == {
        "status": "ready",
        "missing": None,
        "nodes": 2,
        "serving": 1,
        "not_serving": [{"name": "b", "reason": "it is ill"}],
        "layout": None,
    }


def test_with_a_layout_the_members_count(keeper: FixedKeeper) -> None:
    layout = Layout.adopted("modulo", ["a", "c"])
    keeper.known = Status(layout, failure=None)
    status, report = get("/readyz")
    assert status == 200
    assert report["layout"] == {
        "version": 1,
        "state": "stable",
        "router": "modulo",
        "backlog": None,
    }
    assert (report["nodes"], report["serving"]) == (2, 1)
    assert report["not_serving"] == [
        {"name": "c", "reason": "the layout names it, and there is no such container"}
    ]
    assert [(each["name"], each["role"], each["index"]) for each in get("/nodes")[1]] == [
        ("a", "member", 0),
        ("b", "unassigned", None),
        ("c", "member", 1),
    ]


def test_while_objects_move_it_says_how_many_are_left(
    keeper: FixedKeeper, left: MemoryStores
) -> None:
    moving = Layout.adopted("modulo", ["a"]).changed("modulo", [Member("a"), Member("b")])
    moving = moving.advanced(State.MOVING)
    keeper.known = Status(moving, failure=None)
    _, report = get("/readyz")
    assert report["layout"]["backlog"] is None, "nobody has said so yet"
    Notes(left.stores).write(moving, (A,), Backlog(3, 4096))
    _, report = get("/readyz")
    assert report["layout"]["backlog"] == {"objects": 3, "bytes": 4096}


def test_with_a_layout_the_number_of_nodes_does_not_matter(
    discovery: ScriptedDiscovery, keeper: FixedKeeper
) -> None:
    keeper.known = Status(Layout.adopted("modulo", ["a", "b"]), failure=None)
    discovery.finds(A)
    assert get("/readyz")[0] == 200


def test_nodes_that_leave_are_said_to() -> None:
    layout = Layout.adopted("modulo", ["a", "b"]).changed("modulo", [Member("b")])
    assert [each.role for each in shown(layout, (A, B))] == [Role.LEAVING, Role.MEMBER]


def test_not_ready_when_the_layout_is_not_known(keeper: FixedKeeper) -> None:
    keeper.known = Status(None, failure="nobody says so")
    status, report = get("/readyz")
    assert (status, report["code"], report["missing"]) == (503, "layout_unknown", "nobody says so")


def test_not_ready_when_no_node_serves(discovery: ScriptedDiscovery) -> None:
    discovery.finds(B, replace(A, state=NodeState.EXITED))
    response = APIClient().get("/readyz")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    report = response.json()
    assert (report["status"], report["code"]) == ("not ready", "no_node_serves")
    assert (report["nodes"], report["serving"]) == (2, 0)
    assert report["missing"] == (
        "None of the 2 nodes can serve: its container is exited (1 of them); it is ill (1 of them)"
    )
    assert [node["name"] for node in report["not_serving"]] == ["a", "b"]


def test_stale_is_ready(discovery: ScriptedDiscovery, membership: Membership) -> None:
    get("/readyz")
    discovery.fails("the daemon is away")
    with pytest.raises(MembershipUnknown):
        membership.refresh()
    status, report = get("/readyz")
    assert status == 200
    assert report["status"] == "stale"
    assert report["failure"] == "the daemon is away"
    assert report["nodes"] == 2


@pytest.mark.parametrize(
    ("found", "code"),
    [((A,), "membership_incomplete"), ((), "membership_incomplete"), (None, "membership_unknown")],
)
def test_not_ready(discovery: ScriptedDiscovery, found: tuple[Node, ...] | None, code: str) -> None:
    if found is None:
        discovery.fails("the daemon is away")
    else:
        discovery.finds(*found)
    response = APIClient().get("/readyz")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    report = response.json()
    assert report["status"] == "not ready"
    assert report["code"] == code
    assert report["nodes"] == len(found or ())
    assert ("the daemon is away" if found is None else "2 are expected") in report["missing"]


def test_not_ready_without_any_node(
    discovery: ScriptedDiscovery, membership: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "_expected", None)
    discovery.finds()
    status, report = get("/readyz")
    assert (status, report["code"]) == (503, "no_nodes")


def test_the_list_of_nodes() -> None:
    status, listed = get("/nodes")
    assert status == 200
    assert listed == [
        {
            "index": index,
            "name": each.name,
            "address": each.address,
            "state": "running",
            "healthy": reason is None,
            "reason": reason,
            "role": "member",
        }
        for index, (each, reason) in enumerate([(A, None), (B, "it is ill")])
    ]


def test_the_list_of_nodes_shows_an_incomplete_membership_too(
    discovery: ScriptedDiscovery,
) -> None:
    discovery.finds(A)
    status, listed = get("/nodes")
    assert (status, len(listed)) == (200, 1)


def test_the_list_of_nodes_that_nobody_knows(discovery: ScriptedDiscovery) -> None:
    discovery.fails()
    status, problem = get("/nodes")
    assert (status, problem["code"]) == (503, "membership_unknown")
