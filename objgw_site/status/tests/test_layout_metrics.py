"""What `/metrics` says of the layout."""

from dataclasses import dataclass

import pytest
from django.core.cache import cache

from nodes.membership import Membership
from nodes.tests.scripted import ScriptedDiscovery
from objects.layout import Layout, Member, State
from objects.layout.backlog import Backlog, Notes
from objects.tests.memory import MemoryStores
from objgw_site.status import metrics
from objgw_site.status.backlog import RememberedBacklog
from objgw_site.status.health import RememberedHealth


@dataclass
class Known:
    layout: Layout | None


FIRST = Layout.adopted("modulo", ["a", "b"])
SWITCHING = FIRST.changed("modulo", [Member("a")])
MOVING = SWITCHING.advanced(State.MOVING)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> MemoryStores:
    """The nodes' own, all of which are discovered and serve."""
    stores = MemoryStores("a", "b")
    membership = Membership(ScriptedDiscovery(*stores.discovered), cache, ttl=3600)
    membership.refresh()
    backlog = RememberedBacklog(Notes(stores.stores))
    serving = RememberedHealth(lambda node, timeout: None)
    monkeypatch.setattr(metrics, "get_membership", lambda: membership)
    monkeypatch.setattr(metrics, "get_remembered_health", lambda: serving)
    monkeypatch.setattr(metrics, "get_remembered_backlog", lambda: backlog)
    return stores


def exposed(layout: Layout | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    monkeypatch.setattr(metrics, "get_keeper", lambda: Known(layout))
    return {each.name.removeprefix("objgw_layout_"): each.values[()] for each in metrics._layout()}


@pytest.mark.parametrize(
    ("layout", "values"),
    [
        (None, {}),
        (FIRST, {"version": 1, "changing": 0, "backlog_objects": 0, "backlog_bytes": 0}),
        (SWITCHING, {"version": 2, "changing": 1}),
        (MOVING, {"version": 3, "changing": 1, "backlog_objects": 7, "backlog_bytes": 7168}),
    ],
    ids=["none", "stable", "switching", "moving"],
)
def test_the_layout(
    layout: Layout | None,
    values: dict[str, float],
    stores: MemoryStores,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Notes(stores.stores).write(MOVING, stores.discovered, Backlog(7, 7168))
    assert exposed(layout, monkeypatch) == values


def test_what_another_change_had_left_is_none_of_this_one(
    stores: MemoryStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = FIRST.changed("modulo", [Member("a")]).advanced(State.MOVING)
    assert before.nonce != MOVING.nonce
    Notes(stores.stores).write(before, stores.discovered, Backlog(7, 7168))
    assert exposed(MOVING, monkeypatch) == {"version": 3, "changing": 1}


def test_a_node_that_is_down_keeps_nobody_from_the_rest(
    stores: MemoryStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.nodes["a"].down = True
    assert exposed(MOVING, monkeypatch) == {"version": 3, "changing": 1}
