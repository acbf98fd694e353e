"""Which nodes can serve, found out by asking all of them at once."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from functools import lru_cache

from nodes.fanout import threads_for
from nodes.node import Node
from objects.store import probe

#: Says what keeps a node from serving, None when nothing does; the number is the seconds that the
#: node may take for a step.
Probe = Callable[[Node, float], str | None]

#: Seconds for all nodes together: for people, who wait, and for a load balancer, which does not.
FOR_PEOPLE = 3.0
FOR_READINESS = 1.0
#: Seconds for which readiness remembers what it found out.
REMEMBERED = 2.0
# More than one would ask at once for speed: a node that hangs must not keep another one waiting.
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Health:
    """One node and what keeps it from serving, None when nothing does."""

    node: Node
    reason: str | None

    @property
    def healthy(self) -> bool:
        return self.reason is None


def health(nodes: Sequence[Node], probe: Probe, within: float = FOR_PEOPLE) -> list[Health]:
    """The health of each node, in the same order.

    :param within: seconds for all of them; a node that has not answered by then cannot serve.
    """
    if not nodes:
        return []
    pool = threads_for(len(nodes), _AT_ONCE)
    asked = {
        index: pool.submit(probe, node, within)
        for index, node in enumerate(nodes)
        if node.down_reason is None
    }
    answered = wait(asked.values(), timeout=within).done
    # Whoever has not answered does so, or gives up, without us.
    pool.shutdown(wait=False, cancel_futures=True)

    def reason(index: int, node: Node) -> str | None:
        future = asked.get(index)
        if future is None:
            return node.down_reason
        return future.result() if future in answered else f"it did not answer within {within:g} s"

    return [Health(node, reason(index, node)) for index, node in enumerate(nodes)]


class RememberedHealth:
    """The health of the nodes for those who ask often: a moment old at most.

    Callers that come while the nodes are asked wait and share the outcome.

    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._flight = threading.Lock()
        self._nodes: Sequence[Node] | None = None
        self._found: list[Health] = []
        self._found_at = 0.0

    def of(self, nodes: Sequence[Node]) -> list[Health]:
        """The health of each node, in the same order; takes `FOR_READINESS` seconds at most."""
        with self._flight:
            if self._nodes != nodes or time.monotonic() - self._found_at >= REMEMBERED:
                self._found = health(nodes, self._probe, FOR_READINESS)
                self._nodes = nodes
                self._found_at = time.monotonic()
            return self._found


@lru_cache(maxsize=1)
def get_remembered_health() -> RememberedHealth:
    """One instance a process."""
    return RememberedHealth(probe)
