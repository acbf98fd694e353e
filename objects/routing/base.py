"""The contract of routers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from nodes.node import Node


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
