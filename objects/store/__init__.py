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
from objects.store.transport import Wait
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
    "Wait",
    "configure",
    "get_stores",
    "probe",
]


class _Configured:
    wait: Wait | None = None


def configure(*, wait: Wait | None) -> None:
    """Set how the stores of this process wait for a node. To be called before the first is made.

    :param wait: see `objects.store.transport.Pool`.
    :raises RuntimeError: when there are stores already.
    """
    if get_stores.cache_info().currsize:
        raise RuntimeError("the stores of this process have been made already")
    _Configured.wait = wait


def _limits() -> Limits:
    return Limits(
        connect_timeout=settings.OBJGW_CONNECT_TIMEOUT,
        read_timeout=settings.OBJGW_READ_TIMEOUT,
        concurrency=settings.OBJGW_NODE_CONCURRENCY,
    )


@lru_cache(maxsize=1)
def get_stores() -> Stores:
    """The stores of this process."""
    return Stores(settings.OBJGW_BUCKET, _limits(), wait=_Configured.wait)


def probe(node: Node, timeout: float) -> str | None:
    """What keeps a node from serving, None when nothing does (the setting OBJGW_NODE_PROBE).

    :param timeout: seconds for the connection, and again for the answer.
    """
    timeout = min(timeout, settings.OBJGW_READ_TIMEOUT)
    limits = Limits(min(timeout, settings.OBJGW_CONNECT_TIMEOUT), timeout, concurrency=1)
    store = None
    try:
        store = Store(node, settings.OBJGW_BUCKET, limits, wait=_Configured.wait)
        store.check()
    except Problem as problem:
        return problem.detail.replace("The node that owns this id", "it").rstrip(".")
    finally:
        if store is not None:
            store.close()
    return None
