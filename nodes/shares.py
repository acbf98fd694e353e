"""Which part of all ids each node owns: for the router to say, which nodes do not know."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from nodes.node import Node


def get_shares(nodes: Sequence[Node]) -> Sequence[float]:
    """The share of each node, in the same order, from what OBJGW_NODE_SHARES names."""
    shares: Callable[[Sequence[Node]], Sequence[float]] = import_string(settings.OBJGW_NODE_SHARES)
    return shares(nodes)
