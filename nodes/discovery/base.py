"""The contract of discovery backends."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nodes.node import Node


class DiscoveryError(Exception):
    """The nodes could not be discovered; the text says why, for an operator."""


@dataclass(frozen=True, slots=True)
class DiscoveryOptions:
    """What a backend may want to know.

    :ivar name: what a node's container has in its name.
    :ivar port: the S3 port of nodes that do not bring their own.
    :ivar nodes: the text of ``OBJGW_NODES``.
    :ivar timeout: seconds that one question may take.
    :ivar tls: whether nodes that do not say so themselves are reached with TLS.
    """

    name: str
    port: int
    nodes: str
    timeout: float
    tls: bool = False


class BaseDiscovery(ABC):
    """Finds the nodes. One instance serves one process, and its methods any thread."""

    def __init__(self, options: DiscoveryOptions) -> None:
        self.options = options

    @abstractmethod
    def discover(self) -> Sequence[Node]:
        """All nodes, running or not, each name once, in any order.

        :raises DiscoveryError: when they cannot be known now.
        """

    def check(self) -> list[str]:
        """One sentence for each option that cannot work, without any I/O."""
        return []

    @property
    def no_nodes_hint(self) -> str:
        """Why there may be no node at all, for the answer that says so."""
        return "There is no node."

    def changes(self) -> Iterator[str]:
        """Reports changes as they happen, each as a short text; ends when the source does.

        The base class knows of none and ends at once: the snapshot's age is all there is.

        :raises DiscoveryError: when the source of changes is out of reach.
        """
        return iter(())
