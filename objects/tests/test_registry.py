"""One store for each node."""

import itertools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from nodes.node import Credentials, Node, NodeState
from objects import store
from objects.exceptions import NodeUnavailable
from objects.store import registry
from objects.store.client import Limits
from objects.store.registry import Stores
from objects.store.store import Store
from objects.tests.membership_of import node, stopped
from telemetry.metrics import get_metrics

LIMITS = Limits(1.0, 1.0, 4)


@pytest.fixture
def stores() -> Stores:
    return Stores("objects", LIMITS)


def test_the_same_store_for_the_same_node(stores: Stores) -> None:
    first = stores.of(node())
    assert stores.of(node()) is first
    assert stores.of(node("node-2")) is not first
    assert stores.of(node()) is first


@pytest.mark.parametrize("state", [NodeState.ASSUMED, NodeState.UNKNOWN])
def test_another_state_keeps_the_store(stores: Stores, state: NodeState) -> None:
    first = stores.of(node())
    assert stores.of(replace(node(), state=state)) is first


@pytest.mark.parametrize(
    "moved",
    [
        node(host="192.0.2.99"),
        node(port=9001),
        replace(node(), credentials=Credentials("access", "changed")),
        replace(node(), region="eu-west-1"),
    ],
    ids=["host", "port", "keys", "region"],
)
def test_a_node_that_changed_gets_a_new_store_and_the_old_one_is_closed(
    stores: Stores, moved: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Store] = []
    monkeypatch.setattr(Store, "close", lambda store: closed.append(store))  # noqa: PLW0108  (a built-in is not bound)
    first = stores.of(node())
    second = stores.of(moved)
    assert second is not first
    assert second.node == moved
    assert closed == [first]
    assert stores.of(moved) is second


@pytest.mark.parametrize(
    ("obstructed", "reason"),
    [
        (stopped(node()), "exited"),
        (replace(node(), host=None), "no address"),
        (replace(node(), credentials=None), "no credentials"),
        (replace(node(), state=NodeState.RESTARTING), "restarting"),
    ],
)
def test_a_node_with_an_obstacle_is_unavailable(
    stores: Stores, obstructed: Node, reason: str
) -> None:
    with pytest.raises(NodeUnavailable, match=reason) as caught:
        stores.of(obstructed)
    assert "hush-hush" not in caught.value.detail


def test_a_node_is_unavailable_while_stopped_and_has_its_store_afterwards(stores: Stores) -> None:
    first = stores.of(node())
    with pytest.raises(NodeUnavailable):
        stores.of(stopped(node()))
    assert stores.of(node()) is first


def test_its_pool_waits_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_sock: socket.socket) -> None: ...

    assert Stores("objects", LIMITS, wait=wait).of(node())._client._pool.wait is wait
    monkeypatch.setattr(store._Configured, "wait", None)
    store.get_stores.cache_clear()
    store.configure(wait=wait)
    assert store.get_stores().of(node())._client._pool.wait is wait
    with pytest.raises(RuntimeError, match="made already"):
        store.configure(wait=None)
    store.get_stores.cache_clear()


def test_those_who_come_at_once_share_one_store(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each would have a bulkhead of its own, and a hanging node that many places."""
    lock = CountingLock()
    monkeypatch.setattr(stores, "_lock", lock)

    def slow(*args: object, **options: object) -> Store:
        assert lock.all_came.wait(10)
        return Store(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "Store", slow)
    with ThreadPoolExecutor(CountingLock.EXPECTED) as pool:
        found = list(pool.map(lambda _: stores.of(node()), range(CountingLock.EXPECTED)))
    assert len({id(store) for store in found}) == 1


class CountingLock:
    """A lock that knows when all who are expected have asked for it."""

    EXPECTED = 8

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._came = itertools.count(1)
        self.all_came = threading.Event()

    def __enter__(self) -> None:
        if next(self._came) == self.EXPECTED:
            self.all_came.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_request_that_is_not_sent_since_the_node_is_down_is_counted(stores: Stores) -> None:
    def counted() -> float:
        return sum(
            sample.value
            for sample in get_metrics().samples()
            if sample.name == "objgw_node_request_failures_total"
            and sample.labels == {"node": "counted", "reason": "down"}
        )

    before = counted()
    for _ in range(3):
        with pytest.raises(NodeUnavailable):
            stores.of(stopped(node("counted")))
    assert counted() == before + 3
