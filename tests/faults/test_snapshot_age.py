"""What decides how old a snapshot gets, and when a failure brings a new one. No process needed."""

import time
from collections.abc import Sequence

import pytest
from django.core.cache.backends.locmem import LocMemCache

from nodes.discovery.base import BaseDiscovery, DiscoveryOptions
from nodes.membership import CACHE_KEY, Membership, Snapshot
from nodes.node import Credentials, Node, NodeState

TTL = 10.0


class CountingDiscovery(BaseDiscovery):
    """One node, and how often it was asked for."""

    asked = 0

    def discover(self) -> Sequence[Node]:
        self.asked += 1
        return [Node("node-1", "127.0.0.1", 9000, NodeState.RUNNING, Credentials("k", "s"))]


class StopKeepingError(Exception):
    """Ends the keeper's loop."""


class OneRound:
    """In place of the event that the keeper waits for: ends it at its first wait."""

    def __init__(self) -> None:
        self.timeout = -1.0

    def is_set(self) -> bool:
        return False

    def clear(self) -> None:
        pass

    def wait(self, timeout: float) -> bool:
        self.timeout = timeout
        raise StopKeepingError


@pytest.fixture
def discovery() -> CountingDiscovery:
    return CountingDiscovery(DiscoveryOptions("", 9000, "", 1.0))


@pytest.fixture
def cache() -> LocMemCache:
    found = LocMemCache(f"snapshots {time.monotonic()}", {})
    found.clear()
    return found


def keep_once(membership: Membership) -> float:
    """One round of the keeper; how long it would wait for the next."""
    membership._wake = event = OneRound()  # type: ignore[assignment]
    with pytest.raises(StopKeepingError):
        membership._refresh_forever()
    return event.timeout


def test_a_snapshot_from_the_cache_is_replaced_when_its_own_time_is_up(
    discovery: CountingDiscovery, cache: LocMemCache
) -> None:
    membership = Membership(discovery, cache, ttl=TTL)
    nodes = membership.refresh().nodes
    cache.set(CACHE_KEY, Snapshot(nodes, time.time() - 7), timeout=None)
    assert keep_once(membership) <= TTL - 7


def test_a_failure_brings_a_discovery_though_the_snapshot_was_fetched_again(
    discovery: CountingDiscovery, cache: LocMemCache
) -> None:
    membership = Membership(discovery, cache, ttl=TTL)
    doubtful = membership.refresh()
    keep_once(membership)  # the same snapshot, out of the cache
    membership._attempted_at = float("-inf")  # the last discovery is long ago
    assert discovery.asked == 1
    membership.rediscover(doubtful)
    assert discovery.asked == 2


def test_a_failure_brings_none_when_a_later_snapshot_is_there(
    discovery: CountingDiscovery, cache: LocMemCache
) -> None:
    membership = Membership(discovery, cache, ttl=TTL)
    doubtful = membership.refresh()
    later = membership.refresh()
    membership._attempted_at = float("-inf")
    assert membership.rediscover(doubtful) is later
    assert discovery.asked == 2
