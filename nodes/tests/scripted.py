"""A discovery backend that a test leads by the hand."""

import queue
import threading
from collections.abc import Iterator, Sequence

from nodes.discovery import BaseDiscovery, DiscoveryError, DiscoveryOptions
from nodes.node import Credentials, Node, NodeState

PATIENCE = 10.0


def node(name: str, host: str | None = "192.0.2.1") -> Node:
    return Node(name, host, 9000, NodeState.RUNNING, Credentials("ACCESS-5fb0", "SECRET-9c41"))


class ScriptedDiscovery(BaseDiscovery):
    """Answers with what it is told to, when it is told to.

    :ivar outcome: the next answers: nodes, or what is raised.
    :ivar calls: how often it was asked.
    :ivar may_answer: while it is not set, those who ask wait.
    :ivar asked: released once for each question, as it arrives.
    """

    def __init__(self, *nodes: Node) -> None:
        super().__init__(DiscoveryOptions("node", 9000, "", 1.0))
        self.outcome: Sequence[Node] | Exception = nodes
        self.calls = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Semaphore(0)

    def discover(self) -> Sequence[Node]:
        self.calls += 1
        self.asked.release()
        self.may_answer.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def fails(self, reason: str = "Docker does not answer") -> None:
        self.outcome = DiscoveryError(reason)

    def finds(self, *nodes: Node) -> None:
        self.outcome = nodes

    def was_asked(self) -> None:
        """Wait for the next question."""
        assert self.asked.acquire(timeout=PATIENCE), "nobody asked"


class ReportingDiscovery(ScriptedDiscovery):
    """Reports changes, too: what a test puts into ``reports``; an exception is raised."""

    def __init__(self, *nodes: Node) -> None:
        super().__init__(*nodes)
        self.reports: queue.Queue[str | Exception] = queue.Queue()

    def changes(self) -> Iterator[str]:
        while True:
            report = self.reports.get()
            if isinstance(report, Exception):
                raise report
            yield report
