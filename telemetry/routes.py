"""Methods and routes as label values: few of them, and none that a client can choose."""

METHODS = frozenset(
    {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH", "TRACE", "CONNECT"}
)
#: What is served, by the first part of its path.
ROUTES = frozenset(
    {"object", "objects", "nodes", "livez", "readyz", "metrics", "schema", "docs", "static"}
)
OTHER = "other"


def route_of(path: str) -> str:
    """Which part of the interface a path belongs to: one of `ROUTES`, ``root`` or ``other``."""
    slash, first = path[:1], path[1:].partition("/")[0]
    if first in ROUTES:
        return first
    return "root" if slash == "/" and not first else OTHER
