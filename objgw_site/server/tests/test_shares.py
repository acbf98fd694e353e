"""How clients share a worker's time, by a clock that a test turns; for real it is in
test_greedy_senders.py and tests/faults/test_greed.py.
"""

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import pytest

from objgw_site.server.shares import ACTIVE, TICK, Share, Shares, begin_request, take_turn

PART = 0.5
#: Seconds that a greenlet runs until it waits again, about.
SLICE = 0.002


@dataclass
class Connection:
    """One of a client's, in the context of the greenlet that serves it."""

    shares: Shares
    key: str
    context: Context = field(default_factory=copy_context)

    def __post_init__(self) -> None:
        self._serving: AbstractContextManager[Share] = self.shares.serving(self.key)
        self.share = self.context.run(self._serving.__enter__)

    def end(self) -> None:
        self.context.run(self._serving.__exit__, None, None, None)


@dataclass
class Client(Connection):
    """What is served without end, whenever it may be.

    :ivar asleep: whether it waits for its turn.
    :ivar used: seconds of processor time.
    :ivar waited: the longest that it waited for a turn.
    """

    ready_at: float = 0.0
    asleep: bool = False
    used: float = 0.0
    waited: float = 0.0


@dataclass
class OneWorker:
    """A worker that is never idle while a client may be served."""

    part: float = PART
    now: float = 1000.0
    clients: list[Client] = field(default_factory=list)
    light: list[Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waits: list[float] = []
        self.shares = Shares(self.part, lambda: self.now, self._waits.append)
        self._until_ring = TICK
        self._random = random.Random(1)
        self._counted_at = self.now

    def add(self, key: str, connections: int = 1) -> list[Client]:
        """One that takes all that it gets."""
        added = [Client(self.shares, key) for _ in range(connections)]
        self.clients += added
        return added

    def add_light(self, key: str) -> None:
        """One that asks now and then, which takes no time."""
        self.light.append(Connection(self.shares, key))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            client = min(self.clients, key=lambda each: each.ready_at)
            self.now = max(self.now, client.ready_at)
            self._serve(client)
            if self.now - self._counted_at >= 1:
                self._count()

    def _serve(self, client: Client) -> None:
        if client.asleep:
            client.asleep = False
        else:
            client.context.run(take_turn)
        if self._waits:
            waited = self._waits.pop()
            client.waited = max(client.waited, waited)
            client.ready_at = self.now + waited
            client.asleep = True
        else:
            self._slice(client)

    def _slice(self, client: Client) -> None:
        # Never the same, or the timer would always ring for the same client.
        seconds = self._random.uniform(0.5, 1.5) * SLICE
        self.now += seconds
        client.used += seconds
        client.ready_at = self.now
        client.share.requests += 1  # without a turn: it had one
        self._until_ring -= seconds
        if self._until_ring <= 0:
            self._until_ring += TICK
            client.context.run(self.shares.ring)

    def _count(self) -> None:
        for connection in self.light:
            for _ in range(ACTIVE):
                connection.context.run(begin_request)
        self.shares.count()
        self._counted_at = self.now


def used(clients: Sequence[Client]) -> float:
    return sum(client.used for client in clients)


@pytest.mark.parametrize("connections", [1, 4, 50])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_who_takes_most_gets_its_part_while_others_ask(part: float, connections: int) -> None:
    worker = OneWorker(part)
    greedy = worker.add("192.0.2.1", connections)
    worker.add_light("192.0.2.2")
    worker.run(2)
    before = used(greedy)
    worker.run(20)
    taken = (used(greedy) - before) / 20
    assert taken <= part + 0.01
    # Each turn is paid for in advance, too.
    assert taken >= 0.6 * part


def test_alone_it_gets_all() -> None:
    worker = OneWorker()
    (greedy,) = worker.add("192.0.2.1")
    worker.run(10)
    assert greedy.waited == 0
    assert greedy.used == pytest.approx(10, abs=0.1)


def test_health_checks_are_no_others() -> None:
    worker = OneWorker()
    (greedy,) = worker.add("192.0.2.1")
    checker = Connection(worker.shares, "192.0.2.2")
    for _ in range(10):
        for _ in range(ACTIVE - 1):
            checker.context.run(begin_request)
        worker.run(1)
    assert greedy.waited == 0


def test_among_its_like_it_gets_all() -> None:
    worker = OneWorker()
    greedy = worker.add("192.0.2.1") + worker.add("192.0.2.2")
    worker.run(3)
    before = used(greedy)
    worker.run(10)
    assert used(greedy) - before == pytest.approx(10, abs=0.5)


def test_each_has_its_part() -> None:
    worker = OneWorker(0.25)
    greedy = [client for number in range(3) for client in worker.add(f"192.0.2.{number + 1}")]
    worker.add_light("192.0.2.99")
    worker.run(3)
    before = [client.used for client in greedy]
    worker.run(20)
    taken = [client.used - known for client, known in zip(greedy, before, strict=True)]
    assert max(taken) <= 0.25 * 20 + 0.2
    assert min(taken) >= 0.6 * 0.25 * 20


def test_who_takes_no_more_than_its_part_hardly_waits() -> None:
    worker = OneWorker(0.25)
    busy = [client for number in range(6) for client in worker.add(f"192.0.2.{number + 1}")]
    worker.add_light("192.0.2.99")
    worker.run(20)
    assert used(busy) == pytest.approx(20, abs=0.5)
    assert max(client.waited for client in busy) < 0.05


def test_a_proxy_is_never_slowed_down_and_counts_as_others() -> None:
    worker = OneWorker(0.25)
    (proxy,) = worker.add("")
    (greedy,) = worker.add("192.0.2.1")
    worker.run(10)
    assert proxy.waited == 0
    assert greedy.waited > 0


def test_what_was_taken_alone_is_not_owed() -> None:
    worker = OneWorker()
    (greedy,) = worker.add("192.0.2.1")
    worker.run(60)
    worker.add_light("192.0.2.2")
    worker.run(3)
    assert 0 < greedy.waited < 0.1


def test_clients_that_have_gone_are_forgotten() -> None:
    worker = OneWorker()
    first = Connection(worker.shares, "192.0.2.1")
    first.context.run(worker.shares.ring)
    first.end()
    worker.shares.count()
    second = Connection(worker.shares, "192.0.2.1")
    assert second.share is first.share, "what it took is not forgotten yet"
    second.end()
    worker.now += 2
    worker.shares.count()
    assert Connection(worker.shares, "192.0.2.1").share is not first.share


def test_what_is_nobodys_is_not_counted() -> None:
    worker = OneWorker()
    worker.shares.ring()
    begin_request()
    take_turn()
    share = Connection(worker.shares, "192.0.2.1").share
    assert (share.rung_at, share.requests) == (0, 0)


def test_it_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", "objgw.worker")
    worker = OneWorker()
    worker.add("192.0.2.1")
    worker.add_light("192.0.2.2")
    worker.run(10)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("192.0.2.1 keeps this worker busy")
