"""One store for each node of this process."""

import threading
from dataclasses import replace

from nodes.node import Node
from objects.store.bucket import Store
from objects.store.client import Limits


class Stores:
    """Keeps a store for each node, and with it the node's connections.

    A node that moved or changed its keys gets a new store; the old one's connections end.
    """

    def __init__(self, bucket: str, limits: Limits) -> None:
        self._bucket = bucket
        self._limits = limits
        self._stores: dict[str, Store] = {}
        self._lock = threading.Lock()

    def of(self, node: Node) -> Store:
        """The store of a node.

        :raises NodeUnavailable: when the node has an obstacle.
        """
        store = self._stores.get(node.name)
        if store is not None and (store.node is node or _same(store.node, node)):
            return store
        with self._lock:
            self._stores[node.name] = fresh = Store(node, self._bucket, self._limits)
        if store is not None:
            store.close()
        return fresh


def _same(one: Node, other: Node) -> bool:
    return one == replace(other, state=one.state) and other.obstacle is None
