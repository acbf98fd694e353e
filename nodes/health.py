"""Which nodes can serve: asked of the nodes themselves, all at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from nodes.node import Node

#: Says what keeps a node from serving, None when nothing does.
Probe = Callable[[Node], str | None]

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Health:
    """One node and what keeps it from serving, None when nothing does."""

    node: Node
    reason: str | None

    @property
    def healthy(self) -> bool:
        return self.reason is None


def get_probe() -> Probe:
    """The probe that the settings name (OBJGW_NODE_PROBE)."""
    probe: Probe = import_string(settings.OBJGW_NODE_PROBE)
    return probe


def health(nodes: Sequence[Node], probe: Probe) -> list[Health]:
    """The health of each node, in the same order; takes as long as the slowest probe."""

    def examine(node: Node) -> Health:
        return Health(node, node.obstacle or probe(node))

    if not nodes:
        return []
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(nodes))) as pool:
        return list(pool.map(examine, nodes))
