"""Which nodes can serve: all are asked at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nodes.node import Node, NodeState
from nodes.tests.scripted import PATIENCE, node
from objgw_site.status import health as health_module
from objgw_site.status.health import RememberedHealth, health


def test_the_probes_are_asked_at_once_and_answers_keep_their_order() -> None:
    together = threading.Barrier(8)

    def probe(asked: Node, timeout: float) -> str | None:
        together.wait(PATIENCE)
        return None if asked.name < "4" else f"{asked.name} is ill"

    nodes = [node(str(number)) for number in range(8)]
    found = health(nodes, probe)
    assert [item.node for item in found] == nodes
    assert [item.reason for item in found] == [None] * 4 + [f"{n} is ill" for n in range(4, 8)]
    assert [item.healthy for item in found] == [True] * 4 + [False] * 4


def test_a_node_with_an_obstacle_is_not_asked() -> None:
    stopped = replace(node("a"), state=NodeState.EXITED)
    (found,) = health([stopped], lambda *_: pytest.fail("it was asked"))
    assert found.reason == stopped.down_reason
    assert not found.healthy


def test_no_nodes() -> None:
    assert health([], lambda *_: None) == []


def test_all_nodes_together_have_the_time_that_one_has() -> None:
    may_answer = threading.Event()

    def probe(asked: Node, timeout: float) -> str | None:
        if asked.name != "up":
            may_answer.wait(PATIENCE)
        return None

    # More than are asked at once where that is a number for speed: 40 hang before the one that
    # answers.
    nodes = [*(node(f"hung-{number}") for number in range(40)), node("up")]
    try:
        found = health(nodes, probe, 0.2)
    finally:
        may_answer.set()
    assert [item.reason for item in found] == ["it did not answer within 0.2 s"] * 40 + [None]


class Nodes:
    """Probes, counted."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def probe(self, asked: Node, timeout: float) -> str | None:
        assert timeout == health_module.FOR_READINESS
        self.asked += 1
        self.may_answer.wait(PATIENCE)
        return None


class TestRemembered:
    def test_for_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = SimpleNamespace(now=100.0)
        fake = SimpleNamespace(monotonic=lambda: clock.now)
        monkeypatch.setattr(health_module, "time", fake)
        nodes = Nodes()
        remembered = RememberedHealth(nodes.probe)
        members = (node("a"),)
        for clock.now in (100.0, 101.0, 101.9):
            assert remembered.of(members)[0].healthy
        assert nodes.asked == 1
        clock.now = 102.0
        remembered.of((node("a"),))
        assert nodes.asked == 2

    def test_not_of_other_nodes(self) -> None:
        nodes = Nodes()
        remembered = RememberedHealth(nodes.probe)
        remembered.of((node("a"),))
        (found,) = remembered.of((stopped := replace(node("a"), state=NodeState.EXITED),))
        assert found.node is stopped
        assert not found.healthy
        assert nodes.asked == 1

    def test_those_who_come_at_once_share_one_probe(self) -> None:
        nodes = Nodes()
        remembered = RememberedHealth(nodes.probe)
        with ThreadPoolExecutor(20) as pool:
            found = [pool.submit(remembered.of, (node("a"),)) for _ in range(20)]
            assert all(each.result()[0].healthy for each in found)
        assert nodes.asked == 1
