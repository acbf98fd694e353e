"""Routers: pure functions from an object id and the membership to the owner."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string

from nodes.node import Node

ALIASES = {"modulo": "objects.routing.ModuloRouter"}


class BaseRouter(ABC):
    """Picks the owner of an object id. Has no state and does no I/O."""

    @abstractmethod
    def owner(self, object_id: str, nodes: Sequence[Node]) -> Node:
        """The node that owns ``object_id``.

        :param nodes: the membership, in order, at least one.
        """

    @abstractmethod
    def shares(self, nodes: Sequence[Node]) -> Sequence[float]:
        """The part of all possible ids that each node owns, in the same order; sums up to 1."""


class ModuloRouter(BaseRouter):
    """The MD5 digest (RFC 1321) of the id, read as one big-endian number, modulo the node count.

    MD5 spreads any set of ids evenly; nothing here depends on its being hard to invert.
    """

    def owner(self, object_id: str, nodes: Sequence[Node]) -> Node:
        digest = hashlib.md5(object_id.encode("ascii"), usedforsecurity=False).digest()
        return nodes[int.from_bytes(digest, "big") % len(nodes)]

    def shares(self, nodes: Sequence[Node]) -> Sequence[float]:
        return [1 / len(nodes) for _ in nodes]


def router_class(name: str) -> type[BaseRouter]:
    """The router class for an alias or a dotted path.

    :raises ImportError: when there is no such thing, or it is not a router.
    """
    found = import_string(ALIASES.get(name, name))
    if not (isinstance(found, type) and issubclass(found, BaseRouter)):
        raise ImportError(f"{name} is not a subclass of objects.routing.BaseRouter")  # noqa: TRY004
    return found


@lru_cache(maxsize=1)
def get_router() -> BaseRouter:
    """The router that the settings name, one instance a process."""
    return router_class(settings.OBJGW_ROUTER)()


def shares(nodes: Sequence[Node]) -> Sequence[float]:
    """`BaseRouter.shares` of the router in use (the setting OBJGW_NODE_SHARES names this)."""
    return get_router().shares(nodes)
