"""Which nodes can serve: all are asked at once."""

import threading
from dataclasses import replace

import pytest

from nodes.health import health
from nodes.node import Node, NodeState
from nodes.tests.scripted import PATIENCE, node


def test_the_probes_are_asked_at_once_and_answers_keep_their_order() -> None:
    together = threading.Barrier(8)

    def probe(asked: Node) -> str | None:
        together.wait(PATIENCE)
        return None if asked.name < "4" else f"{asked.name} is ill"

    nodes = [node(str(number)) for number in range(8)]
    found = health(nodes, probe)
    assert [item.node for item in found] == nodes
    assert [item.reason for item in found] == [None] * 4 + [f"{n} is ill" for n in range(4, 8)]
    assert [item.healthy for item in found] == [True] * 4 + [False] * 4


def test_a_node_with_an_obstacle_is_not_asked() -> None:
    stopped = replace(node("a"), state=NodeState.EXITED)
    (found,) = health([stopped], lambda _: pytest.fail("it was asked"))
    assert found.reason == stopped.obstacle
    assert not found.healthy


def test_no_nodes() -> None:
    assert health([], lambda _: None) == []
