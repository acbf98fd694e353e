"""The store: what talks S3 to one node. Nothing outside of this package knows that S3 exists."""

from contextlib import closing
from functools import lru_cache

from django.conf import settings

from nodes.node import Node
from objects.exceptions import OwnerProblem
from objects.store.client import Limits
from objects.store.copying import NotProved, copy
from objects.store.entries import Entry, NodeListing
from objects.store.errors import ConnectFailed, TransportError
from objects.store.payload import PART_SIZE, Body, Payload, Whole, payload_of
from objects.store.pieces import Found, SourceChanged, find
from objects.store.registry import Stores
from objects.store.removal import Removal, Stretch, remove
from objects.store.response import NodeResponse
from objects.store.spool import Spool, default_size
from objects.store.store import Store, Stored, Upload
from objects.store.transport import Wait
from objects.store.trust import Trust
from problems.problem import Problem
from telemetry.metrics import get_metrics, is_enabled

__all__ = [
    "PART_SIZE",
    "Body",
    "Entry",
    "Found",
    "NodeListing",
    "NodeResponse",
    "NotProved",
    "Payload",
    "Removal",
    "SourceChanged",
    "Spool",
    "Store",
    "Stored",
    "Stores",
    "Stretch",
    "TransportError",
    "Upload",
    "Wait",
    "Whole",
    "configure",
    "copy",
    "find",
    "get_spool",
    "get_stores",
    "get_trust",
    "never_sent",
    "payload_of",
    "probe",
    "quick_stores",
    "reason_of",
    "remove",
    "spool_share",
    "store_for",
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
def get_trust() -> Trust:
    """Whose certificates this process believes."""
    return Trust(settings.OBJGW_NODE_CA or None)


@lru_cache(maxsize=1)
def get_stores() -> Stores:
    """The stores of this process."""
    stores = Stores(settings.OBJGW_BUCKET, _limits(), wait=_Configured.wait, trust=get_trust())
    if is_enabled():
        get_metrics().sample_with(stores.sample)
    return stores


def quick_stores(timeout: float) -> Stores:
    """Stores with connections of their own: what is short and urgent waits behind nobody's bytes,
    and is not counted among the requests that clients cause.

    :param timeout: seconds for a connection, and again for a node's silence.
    """
    limits = Limits(
        min(timeout, settings.OBJGW_CONNECT_TIMEOUT),
        min(timeout, settings.OBJGW_READ_TIMEOUT),
        concurrency=4,
    )
    return Stores(
        settings.OBJGW_BUCKET, limits, wait=_Configured.wait, trust=get_trust(), counted=False
    )


@lru_cache(maxsize=1)
def get_spool() -> Spool:
    """The spool of this process."""
    return Spool(spool_share())


def spool_share() -> int:
    """Bytes that a worker has of OBJGW_SPOOL_SIZE. What one that was killed had is free again by
    itself.
    """
    size: int | None = settings.OBJGW_SPOOL_SIZE
    workers: int = settings.OBJGW_WORKERS
    return (default_size(least=workers * PART_SIZE) if size is None else size) // workers


def store_for(node: Node, timeout: float) -> Store:
    """A store of one's own, apart from those that requests share. It is to be closed.

    :param timeout: seconds for the connection, and again for each answer, if the settings do not
        allow less.
    :raises NodeUnavailable: see `Store`.
    """
    timeout = min(timeout, settings.OBJGW_READ_TIMEOUT)
    limits = Limits(min(timeout, settings.OBJGW_CONNECT_TIMEOUT), timeout, concurrency=1)
    return Store(node, settings.OBJGW_BUCKET, limits, wait=_Configured.wait, trust=get_trust())


def probe(node: Node, timeout: float) -> str | None:
    """What keeps a node from serving, None when nothing does.

    :param timeout: seconds for the connection, and again for the answer.
    """
    try:
        with closing(store_for(node, timeout)) as store:
            store.check()
    except Problem as problem:
        return reason_of(problem)
    return None


def reason_of(problem: Problem) -> str:
    """What a node did wrong, to go on after "because": "it did not answer within 3 s"."""
    if isinstance(problem, OwnerProblem):
        return f"it {problem.predicate}"
    return f"it answered {problem.code}"


def never_sent(problem: Problem) -> bool:
    """Whether a request that failed cannot have reached the node."""
    return isinstance(problem.__cause__, ConnectFailed)
