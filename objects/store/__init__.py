"""The store: what talks S3 to one node. Nothing outside of this package knows that S3 exists."""

from functools import lru_cache

from django.conf import settings

from nodes.node import Node
from objects.store.bucket import Store, Stored, Upload
from objects.store.client import Limits
from objects.store.entries import Entry, Page
from objects.store.errors import TransportError
from objects.store.registry import Stores
from objects.store.response import Response
from problems.problem import Problem

__all__ = [
    "Entry",
    "Page",
    "Response",
    "Store",
    "Stored",
    "Stores",
    "TransportError",
    "Upload",
    "get_stores",
    "probe",
]


def _limits() -> Limits:
    return Limits(
        connect_timeout=settings.OBJGW_CONNECT_TIMEOUT,
        read_timeout=settings.OBJGW_READ_TIMEOUT,
        concurrency=settings.OBJGW_NODE_CONCURRENCY,
    )


@lru_cache(maxsize=1)
def get_stores() -> Stores:
    """The stores of this process."""
    return Stores(settings.OBJGW_BUCKET, _limits())


def probe(node: Node, timeout: float) -> str | None:
    """What keeps a node from serving, None when nothing does (the setting OBJGW_NODE_PROBE).

    :param timeout: seconds for the connection, and again for the answer.
    """
    timeout = min(timeout, settings.OBJGW_READ_TIMEOUT)
    limits = Limits(min(timeout, settings.OBJGW_CONNECT_TIMEOUT), timeout, concurrency=1)
    store = None
    try:
        store = Store(node, settings.OBJGW_BUCKET, limits)
        store.check()
    except Problem as problem:
        return problem.detail.replace("The node that owns this id", "it").rstrip(".")
    finally:
        if store is not None:
            store.close()
    return None
