"""Discovery: who are the nodes? One backend a file, chosen by the setting OBJGW_DISCOVERY.

Nothing outside of this package knows which backend is in use.
"""

from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string

from nodes.discovery.base import BaseDiscovery, DiscoveryError, DiscoveryOptions

__all__ = [
    "BaseDiscovery",
    "DiscoveryError",
    "DiscoveryOptions",
    "discovery_class",
    "get_discovery",
]

ALIASES = {
    "docker": "nodes.discovery.docker.DockerDiscovery",
    "swarm": "nodes.discovery.swarm.SwarmDiscovery",
    "static": "nodes.discovery.static.StaticDiscovery",
}


def discovery_class(name: str) -> type[BaseDiscovery]:
    """The backend class for an alias or a dotted path.

    :raises ImportError: when there is no such thing, or it is not a discovery backend.
    """
    found = import_string(ALIASES.get(name, name))
    if not (isinstance(found, type) and issubclass(found, BaseDiscovery)):
        raise ImportError(f"{name} is not a subclass of nodes.discovery.BaseDiscovery")  # noqa: TRY004
    return found


@lru_cache(maxsize=1)
def get_discovery() -> BaseDiscovery:
    """The backend that the settings name, one instance a process."""
    return discovery_class(settings.OBJGW_DISCOVERY)(
        DiscoveryOptions(
            name=settings.OBJGW_NODE_NAME,
            port=settings.OBJGW_NODE_PORT,
            nodes=settings.OBJGW_NODES,
            timeout=settings.OBJGW_DISCOVERY_TIMEOUT,
            tls=settings.OBJGW_NODE_TLS,
        )
    )
