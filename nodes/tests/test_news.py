"""What happens to the nodes is said once, by whichever process notices, and what it means."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from nodes import news as news_module
from nodes.news import News
from nodes.node import Node, NodeState
from nodes.tests.scripted import node

A, B, C, D = (node(name) for name in "abcd")
Said = list[tuple[int, str]]


class SharedRecord:
    """Is kept when it is saved, and at the end: not when whoever has it open is killed."""

    def __init__(self) -> None:
        self._text = "{}"

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        said = json.loads(self._text)
        yield said
        self.save(said)

    def save(self, said: dict[str, Any]) -> None:
        self._text = json.dumps(said)


class Killed(BaseException):
    """Ends a worker."""


class Gateway:
    """Two processes that share a record, and what they log."""

    def __init__(self, caplog: pytest.LogCaptureFixture, expected: int | None = None) -> None:
        record = SharedRecord()
        self.workers = [News(record), News(record)]
        self.now = 0.0
        self.caplog = caplog
        self._expected = expected

    def finds(self, *nodes: Node, worker: int = 0, since: float | None = None) -> Said:
        """What is said by a worker that discovers these nodes, at the levels above debug."""
        self.now += 1
        self.caplog.clear()
        began = self.now if since is None else since
        self.workers[worker].discovered(nodes, began, self._expected)
        return self.said()

    def fails(self, kind: str, text: str, worker: int = 0, since: float | None = None) -> Said:
        self.now += 1
        self.caplog.clear()
        self.workers[worker].discovery_failed(self.now if since is None else since, kind, text)
        return self.said()

    def said(self) -> Said:
        return [
            (record.levelno, record.message)
            for record in self.caplog.records
            if record.levelno > logging.DEBUG
        ]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "objgw.membership")


@pytest.fixture
def gateway(caplog: pytest.LogCaptureFixture) -> Gateway:
    return Gateway(caplog)


@pytest.fixture
def expecting(caplog: pytest.LogCaptureFixture) -> Gateway:
    """A gateway that expects three nodes, and has found them."""
    gateway = Gateway(caplog, expected=3)
    gateway.finds(A, B, C)
    return gateway


class TestStates:
    def test_changes_are_said_and_nothing_else(self, gateway: Gateway) -> None:
        assert gateway.finds(A) == [(logging.INFO, "node a: running at 192.0.2.1:9000")]
        assert gateway.finds(A) == []
        assert gateway.finds(node("a", "192.0.2.2")) == [
            (logging.INFO, "node a: running at 192.0.2.2:9000")
        ]

    @pytest.mark.parametrize("state", [NodeState.EXITED, NodeState.PAUSED, NodeState.RESTARTING])
    def test_a_node_that_is_down_is_a_warning(self, gateway: Gateway, state: NodeState) -> None:
        gateway.finds(A, B)
        assert gateway.finds(A, replace(B, state=state)) == [
            (
                logging.WARNING,
                (
                    f"node b: {state} at 192.0.2.1:9000; requests for its ids get 503 until it is "
                    f"back: its container is {state}"
                ),
            )
        ]
        assert gateway.finds(A, B) == [(logging.INFO, "node b: running at 192.0.2.1:9000")]

    def test_by_one_process_only(self, gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
        assert gateway.finds(A, worker=0)
        assert gateway.finds(A, worker=1) == []
        down = replace(A, state=NodeState.EXITED)
        assert gateway.finds(down, worker=1)
        assert gateway.finds(down, worker=0) == []
        assert gateway.finds(A, worker=0)

    def test_a_process_that_ends_leaves_nothing_unsaid(self, gateway: Gateway) -> None:
        gateway.finds(A, worker=0)
        # Worker 0 is gone, and a new one has no memory of its own.
        gateway.workers[0] = News(gateway.workers[1].record)
        assert gateway.finds(replace(A, state=NodeState.EXITED), worker=0)
        assert gateway.finds(A, worker=1)

    def test_old_knowledge_is_not_news(self, gateway: Gateway) -> None:
        gateway.finds(A)
        down = replace(A, state=NodeState.EXITED)
        assert gateway.finds(down, since=10.0)
        # Began to look before the node went down, and was slower.
        assert gateway.finds(A, worker=1, since=9.0) == []
        assert gateway.finds(down, worker=1, since=11.0) == []


class TestMembershipWithoutANumber:
    @pytest.mark.parametrize(
        ("now", "changes"),
        [
            ((A,), "nodes are gone: b (1 nodes now)"),
            ((A, B, C), "nodes were added: c (3 nodes now)"),
            ((A, C), "nodes are gone: b; nodes were added: c (2 nodes now)"),
        ],
    )
    def test_any_change_is_a_warning_of_what_it_means(
        self, gateway: Gateway, now: tuple[Node, ...], changes: str
    ) -> None:
        gateway.finds(A, B)
        [(level, text)] = [said for said in gateway.finds(*now) if "nodes" in said[1]]
        assert level == logging.WARNING
        assert text.startswith(f"{changes}. Most ids now have other owners: GET answers 404 ")
        assert "set OBJGW_EXPECTED_NODES" in text

    def test_the_first_nodes_hide_nothing(self, gateway: Gateway) -> None:
        [(level, text)] = gateway.finds()
        assert (level, "no_nodes" in text) == (logging.WARNING, True)
        assert {level for level, _ in gateway.finds(A, B)} == {logging.INFO}

    def test_the_last_one_gone(self, gateway: Gateway) -> None:
        gateway.finds(A)
        assert gateway.finds() == [
            (
                logging.WARNING,
                "nodes are gone: a; there is no node: all requests are refused with 503 no_nodes",
            )
        ]


class TestMembershipWithANumber:
    def test_a_node_gone_refuses_requests_and_hides_nothing(self, expecting: Gateway) -> None:
        [(level, text)] = expecting.finds(A, C)
        assert level == logging.WARNING
        assert text == (
            "nodes are gone: b; 2 nodes found and 3 expected (OBJGW_EXPECTED_NODES): all requests "
            "are refused with 503 membership_incomplete until the number is right"
        )
        assert expecting.finds(A, B, C)[-1] == (
            logging.INFO,
            "nodes were added: b; all 3 expected nodes are there",
        )

    def test_a_node_too_many(self, expecting: Gateway) -> None:
        texts = [text for _, text in expecting.finds(A, B, C, D)]
        assert "nodes were added: d; 4 nodes found and 3 expected" in texts[-1]
        assert "other owners" not in texts[-1]

    def test_too_few_from_the_start(self, caplog: pytest.LogCaptureFixture) -> None:
        gateway = Gateway(caplog, expected=3)
        assert gateway.finds(A)[-1][1].startswith("1 nodes found and 3 expected")
        assert gateway.finds(A, B, C)[-1][0] == logging.INFO

    @pytest.mark.parametrize("between", [(), ((A, B),)])
    def test_the_number_is_right_and_the_names_are_others(
        self, expecting: Gateway, between: tuple[tuple[Node, ...], ...]
    ) -> None:
        for nodes in between:
            expecting.finds(*nodes)
        level, text = expecting.finds(A, B, D)[-1]
        assert level == logging.WARNING
        assert "the names are others than before" in text


class TestFailures:
    @pytest.fixture(autouse=True)
    def clock(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        fake = SimpleNamespace(monotonic=lambda: gateway.now)
        monkeypatch.setattr(news_module, "time", fake)

    def test_once_a_minute_whoever_notices(self, gateway: Gateway) -> None:
        gateway.finds(A)
        said = [gateway.fails("stale", "away", worker=number % 2) for number in range(121)]
        assert [number for number, each in enumerate(said) if each] == [0, 60, 120]
        assert gateway.finds(A, worker=1) == [(logging.INFO, "discovery answers again")]
        assert gateway.finds(A, worker=0) == []
        assert gateway.fails("stale", "away again") == [(logging.WARNING, "away again")]

    def test_what_it_means_for_a_process_without_a_snapshot_is_said_too(
        self, gateway: Gateway
    ) -> None:
        assert gateway.fails("stale", "serving")
        assert gateway.fails("unknown", "not known", worker=1)
        assert gateway.fails("unknown", "not known", worker=1) == []

    def test_a_slow_failure_after_a_success_is_old(self, gateway: Gateway) -> None:
        gateway.fails("stale", "away")
        gateway.finds(A, since=50.0)
        assert gateway.fails("stale", "away", worker=1, since=45.0) == []
        assert gateway.finds(A, worker=1, since=51.0) == []

    def test_events_are_said_once_for_a_while(
        self, gateway: Gateway, caplog: pytest.LogCaptureFixture
    ) -> None:
        for worker in gateway.workers:
            worker.happened("bucket created")
        assert gateway.said() == [(logging.INFO, "bucket created")]
        gateway.now += 10
        gateway.workers[1].happened("bucket created")
        assert len(gateway.said()) == 2


def test_with_a_layout_only_its_members_count(gateway: Gateway) -> None:
    for worker in gateway.workers:
        worker.members = frozenset("abc")
    gateway.finds(A, B, C)
    added = "nodes were added: d, which are no members of the layout: they get nothing"
    assert (logging.INFO, added) in gateway.finds(A, B, C, D)
    assert (logging.WARNING, "nodes are gone: c; their ids get 503") in gateway.finds(A, B, D)
    assert (logging.INFO, "nodes were added: c") in gateway.finds(A, B, C, D)
    gone = "nodes are gone: d, which were no members"
    assert gateway.finds(A, B, C) == [(logging.INFO, gone)]
    assert gateway.finds(A, B, C, worker=1) == []


def test_with_a_layout_their_number_does_not_matter(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(caplog, expected=3)
    gateway.workers[0].members = frozenset("ab")
    gateway.finds(A, B, C, D)
    assert all("expected" not in text for _, text in gateway.finds(A, B, C))


def killed_saying(gateway: Gateway, *nodes: Node, by: pytest.MonkeyPatch) -> None:
    """A worker says something of these nodes, and is killed before it has written that down."""

    def say(self: logging.Handler, record: logging.LogRecord) -> None:
        raise Killed

    with by.context() as patch:
        patch.setattr(type(gateway.caplog.handler), "emit", say)
        with pytest.raises(Killed):
            gateway.finds(*nodes)


def test_what_one_that_was_killed_had_said_is_taken_back(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.finds(A, B)
    killed_saying(gateway, replace(A, state=NodeState.EXITED), B, by=monkeypatch)
    [(level, text)] = gateway.finds(A, B, worker=1)
    assert (level, text.partition(" at ")[0]) == (logging.INFO, "node a: running")
    assert gateway.finds(A, B) == []


def test_what_one_that_was_killed_may_not_have_said_is_said_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.finds(A, B)
    killed_saying(gateway, A, by=monkeypatch)
    assert gateway.finds(A, B, since=0.5) == []  # discovered before that
    [(level, text)] = gateway.finds(A, worker=1)
    assert (level, text.partition(" (")[0]) == (logging.WARNING, "nodes are gone: b")
    assert gateway.finds(A) == []
