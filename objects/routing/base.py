"""The contract of routers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol, TypeVar

#: The largest weight that a router takes: what a ring costs in memory grows with the weights.
MAX_WEIGHT = 1000.0


class Member(Protocol):
    """What a router knows of a node."""

    @property
    def name(self) -> str:
        """Outlives address, state and keys, and is like no other's."""

    @property
    def weight(self) -> float:
        """How much it is to own, compared with the others; 0 for nothing."""


M = TypeVar("M", bound=Member)


class BaseRouter(ABC):
    """Picks the owner of an object id. Does no I/O, and what it remembers changes no answer.

    :cvar weighted: whether it goes by the members' weights.
    """

    weighted: ClassVar[bool] = False

    @abstractmethod
    def owner(self, object_id: str, nodes: Sequence[M]) -> M:
        """The node that owns ``object_id``.

        :param nodes: the members, in order of name, at least one. A tuple is looked at once, so
            looking up many ids in the same one is cheap.
        :raises ValueError: in a weighted router, when the weights are none: see `check_weights`.
        """

    @abstractmethod
    def shares(self, nodes: Sequence[Member]) -> Sequence[float]:
        """The part of all possible ids that each node owns, in the same order; sums up to 1.

        :raises ValueError: see `owner`.
        """


def check_weights(nodes: Sequence[Member]) -> None:
    """Refuse weights that say nothing.

    :raises ValueError: when one is not a number from 0 to `MAX_WEIGHT`, or none is above 0.
    """
    for node in nodes:
        if not (math.isfinite(node.weight) and 0 <= node.weight <= MAX_WEIGHT):
            raise ValueError(
                f"the weight of {node.name} must be a number from 0 to {MAX_WEIGHT:g}, "
                f"not {node.weight}"
            )
    if nodes and not any(node.weight for node in nodes):
        raise ValueError("one node at least must have a weight above 0")
