"""One store for each node of this process."""

import threading
from dataclasses import replace

from nodes.node import Node
from objects.exceptions import NodeUnavailable
from objects.store.client import Limits
from objects.store.store import Store
from objects.store.transport import Wait
from objects.store.trust import SYSTEM, Trust
from telemetry.metrics import Metrics, node_metrics


class Stores:
    """Keeps a store for each node, and with it the node's connections.

    A node that moved or changed its keys gets a new store; the old one's connections end.
    """

    def __init__(
        self,
        bucket: str,
        limits: Limits,
        *,
        wait: Wait | None = None,
        trust: Trust = SYSTEM,
        counted: bool = True,
    ) -> None:
        """
        :param wait: see `Pool`.
        :param trust: of the certificates of nodes with TLS.
        :param counted: whether its requests are among the nodes' metrics.
        """
        self._counted = counted
        self._bucket = bucket
        self._limits = limits
        self._wait = wait
        self._trust = trust
        # The node as last seen, which may differ from the store's own in its state.
        self._stores: dict[str, tuple[Node, Store]] = {}
        self._lock = threading.Lock()

    def of(self, node: Node) -> Store:
        """The store of a node.

        :raises NodeUnavailable: when the node has an obstacle.
        """
        seen, store = self._stores.get(node.name, (None, None))
        if store is not None and seen is node:
            return store
        with self._lock:
            # Concurrent requests must share a store, because it limits how many wait.
            _, store = self._stores.get(node.name, (None, None))
            if store is None or not _same(store.node, node):
                previous = store
                store = self._made(node)
                if previous is not None:
                    previous.close()
            self._stores[node.name] = (node, store)
            return store

    def _made(self, node: Node) -> Store:
        metrics = node_metrics(node.name) if self._counted else None
        try:
            return Store(
                node,
                self._bucket,
                self._limits,
                wait=self._wait,
                trust=self._trust,
                metrics=metrics,
            )
        except NodeUnavailable:
            if metrics is not None:
                metrics.failed("down")
            raise

    def sample(self, counts: Metrics) -> None:
        """Set the gauges of each node."""
        for name, (_, store) in tuple(self._stores.items()):
            counts.node_in_flight.labels(name).set(store.in_flight)
            counts.node_waiting.labels(name).set(store.waiting)


def _same(one: Node, other: Node) -> bool:
    return one == replace(other, state=one.state) and other.down_reason is None
