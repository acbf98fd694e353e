"""A change that is reported before it can be seen is seen all the same."""

import threading
from collections.abc import Iterator, Sequence

from django.core.cache.backends.locmem import LocMemCache

from nodes.discovery import BaseDiscovery, DiscoveryOptions
from nodes.membership import Membership
from nodes.node import Node, NodeState
from tests.support.waiting import eventually


class HastyDiscovery(BaseDiscovery):
    """Reports that its node stopped, and shows it from the second look on, as Docker may."""

    def __init__(self) -> None:
        super().__init__(DiscoveryOptions("node", 9000, "", 1.0))
        self.stop = threading.Event()
        self.looks_since_stop = 0

    def discover(self) -> Sequence[Node]:
        if self.stop.is_set():
            self.looks_since_stop += 1
        state = NodeState.EXITED if self.looks_since_stop > 1 else NodeState.RUNNING
        return [Node("node-1", "127.0.0.1", 9000, state)]

    def changes(self) -> Iterator[str]:
        self.stop.wait()
        yield "die node-1"
        threading.Event().wait()


def test_a_change_seen_late_is_seen_long_before_the_ttl() -> None:
    discovery = HastyDiscovery()
    membership = Membership(discovery, LocMemCache("settling", {}), ttl=3600)
    assert membership.current().nodes[0].state == NodeState.RUNNING
    discovery.stop.set()
    eventually(lambda: membership.current().nodes[0].state == NodeState.EXITED, "it is seen")
