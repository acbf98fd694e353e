"""The snapshot: who asks for it, when, and what there is when nobody answers."""

import logging
import pickle
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.core.cache.backends.locmem import LocMemCache

from nodes import membership as membership_module
from nodes import news as news_module
from nodes.exceptions import MembershipError, MembershipIncomplete, MembershipUnknown, NoNodes
from nodes.membership import CACHE_KEY, Membership, Snapshot
from nodes.node import Node
from nodes.tests.scripted import PATIENCE, ReportingDiscovery, ScriptedDiscovery, node

A, B, C = node("a"), node("b"), node("c")
HOUR = 3600.0


class Unkept(Membership):
    """Without threads in the background: nothing happens but what a test does."""

    def start_refreshing(self) -> None:
        pass


def fresh_cache() -> LocMemCache:
    return LocMemCache(uuid.uuid4().hex, {})


def unkept(
    discovery: ScriptedDiscovery, cache: LocMemCache | None = None, expected: int | None = None
) -> Membership:
    return Unkept(discovery, cache or fresh_cache(), ttl=HOUR, expected=expected)


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    fake = SimpleNamespace(time=clock.time, monotonic=clock.monotonic)
    monkeypatch.setattr(membership_module, "time", fake)
    monkeypatch.setattr(news_module, "time", fake)
    return clock


class TestManyCallers:
    def test_the_first_ones_cause_one_discovery(self) -> None:
        discovery = ScriptedDiscovery(B, A)
        membership = unkept(discovery)
        with _all_wait_in_one_discovery(discovery, membership, membership.current, 200) as found:
            pass
        assert {snapshot.result().nodes for snapshot in found} == {(A, B)}
        assert discovery.calls == 1

    def test_a_failure_is_shared_too(self) -> None:
        discovery = ScriptedDiscovery()
        discovery.fails("the daemon is away")
        membership = unkept(discovery)
        with _all_wait_in_one_discovery(discovery, membership, membership.current, 20) as found:
            pass
        for snapshot in found:
            assert isinstance(snapshot.exception(), MembershipUnknown)
            assert "the daemon is away" in str(snapshot.exception())
        assert discovery.calls == 1

    def test_those_who_refresh_while_one_does_share_its_outcome(self) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        first = membership.current()
        discovery.asked.acquire()
        discovery.finds(A, B)
        with _all_wait_in_one_discovery(discovery, membership, membership.refresh, 20) as found:
            # Who only wants to route is not kept waiting meanwhile.
            assert membership.current() is first
        assert {snapshot.result().nodes for snapshot in found} == {(A, B)}
        assert discovery.calls == 2

    def test_one_after_the_other_asks_each_time(self) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        membership.refresh()
        membership.refresh()
        assert discovery.calls == 2


@contextmanager
def _all_wait_in_one_discovery(
    discovery: ScriptedDiscovery,
    membership: Membership,
    call: Callable[[], Snapshot],
    callers: int,
) -> Iterator[list["Future[Snapshot]"]]:
    """All of them have called, and one is discovering; within, and done afterwards."""
    lock = _CountedLock(callers)
    membership._flight = lock  # type: ignore[assignment]
    discovery.may_answer.clear()
    with ThreadPoolExecutor(callers) as pool:
        found = [pool.submit(call) for _ in range(callers)]
        discovery.was_asked()
        assert lock.all_came.wait(PATIENCE)
        yield found
        discovery.may_answer.set()


class _CountedLock:
    """A lock that knows when all who are expected have asked for it."""

    def __init__(self, expected: int) -> None:
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._missing = expected
        self.all_came = threading.Event()

    def __enter__(self) -> None:
        with self._counting:
            self._missing -= 1
            if not self._missing:
                self.all_came.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class TestOrder:
    def test_nodes_are_ordered_by_name(self) -> None:
        names = ["node-10", "node-2", "Node-1", "node-1", "a"]
        membership = unkept(ScriptedDiscovery(*(node(name) for name in names)))
        assert [each.name for each in membership.current().nodes] == [
            "Node-1",
            "a",
            "node-1",
            "node-10",
            "node-2",
        ]


class TestFailures:
    def test_the_last_snapshot_is_kept(self) -> None:
        discovery = ScriptedDiscovery(A, B)
        membership = unkept(discovery)
        before = membership.current()
        discovery.fails("the daemon is away")
        with pytest.raises(MembershipUnknown, match="the daemon is away"):
            membership.refresh()
        assert membership.current() is before
        assert membership.status().snapshot is before
        assert membership.status().failure == "the daemon is away"
        discovery.finds(A)
        assert membership.refresh().nodes == (A,)
        assert membership.status().failure is None

    def test_without_any_snapshot_the_answer_is_at_once_for_a_second(self, clock: Clock) -> None:
        discovery = ScriptedDiscovery()
        discovery.fails()
        membership = unkept(discovery)
        for _ in range(3):
            with pytest.raises(MembershipUnknown, match="Docker does not answer"):
                membership.current()
            assert membership.status().snapshot is None
            clock.now += 0.25
        assert discovery.calls == 1
        clock.now += 0.25
        with pytest.raises(MembershipUnknown):
            membership.current()
        assert discovery.calls == 2
        clock.now += 1
        discovery.finds(A)
        assert membership.current().nodes == (A,)

    def test_a_backend_that_raises_anything_is_a_failure(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        discovery = ScriptedDiscovery()
        discovery.outcome = KeyError("Id")
        membership = unkept(discovery)
        with pytest.raises(MembershipUnknown, match="KeyError in ScriptedDiscovery"):
            membership.refresh()
        assert "Traceback" in caplog.text
        discovery.finds(A)
        assert membership.refresh().nodes == (A,)


class TestDoubts:
    """`rediscover`: after a node could not be reached."""

    def test_the_nodes_are_discovered_anew(self, clock: Clock) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        doubtful = membership.current()
        clock.now += 1
        discovery.finds(moved := node("a", "192.0.2.2"))
        assert membership.rediscover(doubtful).nodes == (moved,)

    def test_at_most_once_a_second(self, clock: Clock) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        snapshot = membership.current()
        calls = []
        for _ in range(20):
            clock.now += 0.25
            snapshot = membership.rediscover(snapshot)
            calls.append(discovery.calls)
        assert calls == [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6]

    def test_a_younger_snapshot_is_taken_as_it_is(self, clock: Clock) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        doubtful = membership.current()
        discovery.finds(A, B)
        younger = membership.refresh()
        clock.now += 10
        assert membership.rediscover(doubtful) is younger
        assert discovery.calls == 2

    def test_a_copy_from_the_cache_is_no_younger(self, clock: Clock) -> None:
        """The keeper may have put one in place since the request began."""
        discovery, cache = ScriptedDiscovery(A), fresh_cache()
        membership = unkept(discovery, cache)
        doubtful = membership.current()
        membership._snapshot = cache.get(CACHE_KEY)
        assert membership._snapshot is not doubtful
        clock.now += 1
        discovery.finds(moved := node("a", "192.0.2.2"))
        assert membership.rediscover(doubtful).nodes == (moved,)

    def test_when_nobody_answers_the_doubtful_one_is_all_there_is(self, clock: Clock) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        doubtful = membership.current()
        clock.now += 1
        discovery.fails()
        assert membership.rediscover(doubtful) is doubtful

    def test_a_node_that_is_gone_altogether(self, clock: Clock) -> None:
        discovery = ScriptedDiscovery(A, B)
        membership = unkept(discovery, expected=2)
        doubtful = membership.current()
        clock.now += 1
        discovery.finds(B)
        with pytest.raises(MembershipIncomplete):
            membership.rediscover(doubtful)


class TestNumberOfNodes:
    @pytest.mark.parametrize("found", [(), (A,), (A, B, C)])
    def test_another_than_expected_is_said(self, found: tuple[Node, ...]) -> None:
        discovery = ScriptedDiscovery(*found)
        membership = unkept(discovery, expected=2)
        with pytest.raises(MembershipIncomplete, match="2 are expected") as caught:
            membership.current()
        assert caught.value.extensions == {"found": len(found), "expected": 2}
        assert ", ".join(each.name for each in found) in caught.value.detail
        assert membership.latest().nodes == found
        discovery.finds(A, B)
        membership.refresh()
        assert membership.current().nodes == (A, B)

    def test_none_at_all(self) -> None:
        membership = unkept(ScriptedDiscovery())
        with pytest.raises(NoNodes, match="There is no node") as caught:
            membership.current()
        assert caught.value.headers == {"Retry-After": "1"}

    @pytest.mark.parametrize("kind", [MembershipUnknown, MembershipIncomplete, NoNodes])
    def test_all_of_it_is_worth_another_try(self, kind: type[MembershipError]) -> None:
        assert kind.status == 503
        assert kind().headers == {"Retry-After": "1"}


class TestCache:
    def test_a_snapshot_survives_it(self) -> None:
        cache = fresh_cache()
        snapshot = Snapshot((A, B), 123.25)
        cache.set(CACHE_KEY, snapshot, timeout=None)
        assert cache.get(CACHE_KEY) == snapshot
        assert pickle.loads(pickle.dumps(snapshot)).nodes[0].credentials == A.credentials  # noqa: S301

    def test_who_shares_it_shares_discoveries(self) -> None:
        cache = fresh_cache()
        unkept(ScriptedDiscovery(A, B), cache).current()
        other = ScriptedDiscovery(C)
        assert unkept(other, cache).current().nodes == (A, B)
        assert other.calls == 0

    def test_what_is_not_a_snapshot_in_it_does_not_matter(self) -> None:
        cache = fresh_cache()
        cache.set(CACHE_KEY, "rubbish")
        assert unkept(ScriptedDiscovery(A), cache).current().nodes == (A,)

    def test_a_snapshot_in_it_never_expires(self) -> None:
        cache = fresh_cache()
        unkept(ScriptedDiscovery(A), cache).current()
        (expires,) = cache._expire_info.values()  # type: ignore[attr-defined]
        assert expires is None


class TestLog:
    def test_a_lasting_failure_is_said_once_a_minute(
        self, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        discovery = ScriptedDiscovery(A)
        membership = unkept(discovery)
        membership.current()
        discovery.fails("the daemon is away")
        with caplog.at_level(logging.INFO, "objgw.membership"):
            caplog.clear()
            for _ in range(121):
                with pytest.raises(MembershipUnknown):
                    membership.refresh()
                clock.now += 1
            assert caplog.messages == [
                "serving from the snapshot of 0 s ago: the daemon is away",
                "serving from the snapshot of 60 s ago: the daemon is away",
                "serving from the snapshot of 120 s ago: the daemon is away",
            ]
            caplog.clear()
            discovery.finds(A)
            membership.refresh()
            discovery.fails("away again")
            with pytest.raises(MembershipUnknown):
                membership.refresh()
        assert caplog.messages == [
            "discovery answers again",
            "serving from the snapshot of 0 s ago: away again",
        ]

    def test_keys_are_never_in_it(self, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        discovery = ScriptedDiscovery(A, B)
        membership = unkept(discovery, expected=2)
        with caplog.at_level(logging.DEBUG):
            membership.refresh()
            for outcome in ((A,), KeyError("Id"), (), (node("a", None), B)):
                discovery.outcome = outcome
                clock.now += 100
                try:
                    membership.checked(membership.refresh())
                except MembershipError as error:
                    logging.getLogger().debug("%s", error.document("-"))
        assert caplog.records
        assert "ACCESS-5fb0" not in caplog.text
        assert "SECRET-9c41" not in caplog.text


class TestKeeper:
    """In the background the snapshot is kept fresh."""

    @pytest.fixture
    def discovery(self) -> Iterator[ReportingDiscovery]:
        """One whose keeper waits for an answer, and does no more, once the test is over."""
        discovery = ReportingDiscovery(A)
        yield discovery
        discovery.may_answer.clear()

    def test_a_stale_snapshot_is_discovered_anew(self, discovery: ReportingDiscovery) -> None:
        membership = Membership(discovery, fresh_cache(), ttl=0.02)
        membership.start_refreshing()
        for _ in range(3):
            discovery.was_asked()

    def test_a_reported_change_is_looked_at_at_once(self, discovery: ReportingDiscovery) -> None:
        membership = Membership(discovery, fresh_cache(), ttl=HOUR)
        membership.current()
        discovery.was_asked()
        discovery.finds(A, B)
        discovery.reports.put("start b")
        discovery.was_asked()

    def test_a_backend_that_raises_anything_does_not_end_it(
        self, discovery: ReportingDiscovery
    ) -> None:
        discovery.outcome = KeyError("Id")
        membership = Membership(discovery, fresh_cache(), ttl=0.02)
        membership.start_refreshing()
        for _ in range(3):
            discovery.was_asked()

    def test_reports_that_break_off_in_any_way_begin_again(
        self, discovery: ReportingDiscovery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(membership_module, "RETRY_INTERVAL", 0.01)
        membership = Membership(discovery, fresh_cache(), ttl=HOUR)
        membership.current()
        discovery.was_asked()
        discovery.reports.put(AttributeError("'list' object has no attribute 'get'"))
        discovery.reports.put("start b")
        discovery.was_asked()

    def test_one_keeper_is_enough(self, discovery: ReportingDiscovery) -> None:
        before = threading.active_count()
        membership = Membership(discovery, fresh_cache(), ttl=HOUR)
        for _ in range(10):
            membership.start_refreshing()
        discovery.was_asked()
        assert threading.active_count() <= before + 2

    def test_what_another_process_found_a_moment_ago_is_not_asked_again(
        self, discovery: ReportingDiscovery
    ) -> None:
        cache = fresh_cache()
        other = unkept(ScriptedDiscovery(B), cache)
        membership = Membership(discovery, cache, ttl=HOUR)
        other.refresh()
        assert membership.current().nodes == (B,)
        discovery.reports.put("start c")
        discovery.was_asked()
        assert discovery.calls == 1
