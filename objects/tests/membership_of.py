"""Nodes for tests."""

from dataclasses import replace

from nodes.node import Credentials, Node, NodeState


def node(name: str = "node-1", host: str | None = "192.0.2.1", port: int = 9000) -> Node:
    """A node that nothing keeps from serving."""
    return Node(name, host, port, NodeState.RUNNING, Credentials("access", "hush-hush"))


def nodes(count: int) -> list[Node]:
    """That many nodes, in routing order."""
    return [node(f"node-{number:03}", f"192.0.2.{number % 250}") for number in range(count)]


def stopped(running: Node) -> Node:
    """The same node once its container is stopped."""
    return replace(running, host=None, state=NodeState.EXITED)
