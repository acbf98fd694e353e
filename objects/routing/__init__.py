"""Routers: pure functions from an object id and the membership to the owner."""

from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string

from objects.routing.base import MAX_WEIGHT, BaseRouter, Member, check_weights
from objects.routing.modulo import ModuloRouter
from objects.routing.rendezvous import RendezvousRouter
from objects.routing.ring import RingRouter

__all__ = [
    "ALIASES",
    "MAX_WEIGHT",
    "BaseRouter",
    "Member",
    "ModuloRouter",
    "RendezvousRouter",
    "RingRouter",
    "check_weights",
    "get_router",
    "router_class",
]

#: Short names of the routers that are part of objgw, for OBJGW_ROUTER.
ALIASES = {
    "modulo": "objects.routing.modulo.ModuloRouter",
    "rendezvous": "objects.routing.rendezvous.RendezvousRouter",
    "ring": "objects.routing.ring.RingRouter",
}


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
