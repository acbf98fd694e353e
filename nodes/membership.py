"""The membership: an ordered list of all nodes, kept as a snapshot.

A request reads the snapshot of its process and never waits for discovery, unless there is no
snapshot at all. A background thread keeps it fresh: every ``ttl`` seconds, at once when the
discovery backend reports a change, and when a request found a node unreachable. Django's cache
holds the last good snapshot, so processes that share a cache share discoveries.
"""

import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core.cache import cache as default_cache
from django.core.cache.backends.base import BaseCache

from nodes.discovery import BaseDiscovery, DiscoveryError, get_discovery
from nodes.exceptions import MembershipIncomplete, MembershipUnknown, NoNodes
from nodes.news import News, get_news
from nodes.node import Node
from telemetry.metrics import get_metrics, is_enabled

logger = logging.getLogger("objgw.membership")

CACHE_KEY = "objgw.snapshot"
#: Seconds between discoveries that failures ask for, and between tries of one that fails.
RETRY_INTERVAL = 1.0
#: Seconds after a reported change at which to look once more. Docker reports that a container
#: died up to 0.3 s before it lists it as exited (20.10).
SETTLE_INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The membership as last discovered.

    :ivar nodes: in routing order, that is by name.
    :ivar discovered_at: POSIX time, in seconds.
    """

    nodes: tuple[Node, ...]
    discovered_at: float

    @property
    def age(self) -> float:
        """Seconds since it was discovered."""
        return max(0.0, time.time() - self.discovered_at)


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to say of the membership, for people and for readiness.

    :ivar snapshot: the last good one, None when there never was one.
    :ivar failure: why the latest discovery failed, None when it did not.
    """

    snapshot: Snapshot | None
    failure: str | None


class Membership:
    """Keeps the snapshot of one process.

    :param discovery: where the nodes come from.
    :param cache: a Django cache; the snapshot in it never expires, because it is what the gateway
        works with when discovery no longer answers.
    :param ttl: seconds after which the snapshot is discovered anew.
    :param expected: the only acceptable number of nodes, None for any.
    :param news: says what changes.
    """

    def __init__(
        self,
        discovery: BaseDiscovery,
        cache: BaseCache,
        *,
        ttl: float,
        expected: int | None = None,
        news: News | None = None,
    ) -> None:
        self._discovery = discovery
        self._cache = cache
        self._ttl = ttl
        self._expected = expected
        self._news = news or News()
        self._snapshot: Snapshot | None = None
        self._failure: str | None = None
        self._attempts = 0
        self._attempted_at = float("-inf")
        self._flight = threading.Lock()
        self._wake = threading.Event()
        self._keeper_lock = threading.Lock()
        self._keeper_pid: int | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest one that this process has; asks nobody."""
        return self._snapshot

    def current(self) -> Snapshot:
        """The snapshot that a request routes by: complete, and with at least one node.

        :raises MembershipUnknown: when there never was a snapshot.
        :raises NoNodes: when there are no nodes.
        :raises MembershipIncomplete: when their number is not the expected one.
        """
        snapshot = self._snapshot or self._first()
        if self._expected is None and snapshot.nodes:
            return snapshot
        return self.checked(snapshot)

    def latest(self) -> Snapshot:
        """The snapshot as it is, whatever it holds.

        :raises MembershipUnknown: when there never was one.
        """
        return self._snapshot or self._first()

    def checked(self, snapshot: Snapshot) -> Snapshot:
        """The same snapshot, when it may be routed by.

        :raises NoNodes: see `current`.
        :raises MembershipIncomplete: see `current`.
        """
        found = len(snapshot.nodes)
        if self._expected is not None and found != self._expected:
            names = ", ".join(node.name for node in snapshot.nodes) or "none"
            raise MembershipIncomplete(
                f"The number of nodes found is {found}, and {self._expected} are expected "
                f"(OBJGW_EXPECTED_NODES). Found: {names}.",
                found=found,
                expected=self._expected,
            )
        if not found:
            raise NoNodes(self._discovery.no_nodes_hint)
        return snapshot

    def status(self) -> Status:
        """What is known now. Asks nobody, except for the very first snapshot."""
        if self._snapshot is None:
            with suppress(MembershipUnknown):
                self._first()
        return Status(self._snapshot, self._failure)

    def refresh(self) -> Snapshot:
        """Discover now. Callers that come while a discovery runs share its outcome.

        :raises MembershipUnknown: when discovery fails; the last good snapshot is kept.
        """
        attempt = self._attempts
        with self._flight:
            if self._attempts == attempt:
                self._discover()
        if self._failure is not None or self._snapshot is None:
            raise MembershipUnknown(f"The nodes cannot be discovered. {self._failure}")
        return self._snapshot

    def rediscover(self, doubtful: Snapshot) -> Snapshot:
        """A snapshot younger than a doubtful one, after a node in it could not be reached.

        Discovers at most once a second, whoever asks; in between, and when discovery fails, the
        answer is what there is.

        :raises NoNodes: see `current`.
        :raises MembershipIncomplete: see `current`.
        """
        return self.checked(self.renewed(doubtful))

    def renewed(self, doubtful: Snapshot) -> Snapshot:
        """As `rediscover`, whatever it holds."""
        # Equal, not the same: the keeper takes a copy of it out of the cache now and then.
        if self._snapshot == doubtful and time.monotonic() - self._attempted_at >= RETRY_INTERVAL:
            try:
                self.refresh()
            except MembershipUnknown:
                return doubtful
        return self._snapshot or doubtful

    def start_refreshing(self) -> None:
        """Keep the snapshot fresh in the background, once for each process."""
        if self._keeper_pid == os.getpid():
            return
        with self._keeper_lock:
            if self._keeper_pid != os.getpid():
                self._keeper_pid = os.getpid()
                threading.Thread(target=self._refresh_forever, daemon=True).start()
                threading.Thread(target=self._watch_forever, daemon=True).start()

    def _first(self) -> Snapshot:
        """The first snapshot of this process: from the cache, else discovered in the request."""
        self.start_refreshing()
        shared = self._cache.get(CACHE_KEY)
        if isinstance(shared, Snapshot):
            self._snapshot = self._snapshot or shared
            return self._snapshot
        if self._failure is None or time.monotonic() - self._attempted_at >= RETRY_INTERVAL:
            return self.refresh()
        raise MembershipUnknown(f"The nodes are not known yet. {self._failure}")

    def _discover(self) -> None:
        since = time.monotonic()
        counts = get_metrics() if is_enabled() else None
        if counts is not None:
            counts.discoveries.inc()
        try:
            nodes = tuple(sorted(self._discovery.discover(), key=lambda node: node.name))
        except DiscoveryError as error:
            self._failed(str(error), since)
        except Exception as error:  # a backend may be anybody's; requests go on without it
            logger.exception("discovery failed in a way that it should not")
            self._failed(f"{type(error).__name__} in {type(self._discovery).__name__}", since)
        else:
            self._adopt(Snapshot(nodes, time.time()), since)
        finally:
            self._attempted_at = time.monotonic()
            self._attempts += 1
            if counts is not None and self._failure is not None:
                counts.discovery_failures.inc()

    def _adopt(self, snapshot: Snapshot, since: float) -> None:
        first, self._snapshot = self._snapshot is None, snapshot
        self._failure = None
        self._cache.set(CACHE_KEY, snapshot, timeout=None)
        self._news.discovered(snapshot.nodes, since, self._expected)
        if first:
            self._news.known(snapshot.nodes)

    def _failed(self, reason: str, since: float) -> None:
        self._failure = reason
        if self._snapshot is None:
            self._news.discovery_failed(since, "unknown", f"the nodes are not known: {reason}")
        else:
            age = f"serving from the snapshot of {self._snapshot.age:.0f} s ago"
            self._news.discovery_failed(since, "stale", f"{age}: {reason}")

    def _refresh_forever(self) -> None:
        unsettled = False
        while True:
            shared = self._cache.get(CACHE_KEY)
            changed = self._wake.is_set()
            self._wake.clear()
            known = not (changed or unsettled)
            if known and isinstance(shared, Snapshot) and shared.age < self._ttl:
                # Asked a moment ago, by this process or by one that shares the cache.
                if self._snapshot is None or self._snapshot.nodes != shared.nodes:
                    since = time.monotonic() - shared.age
                    self._news.discovered(shared.nodes, since, self._expected)
                self._snapshot = shared
                self._failure = None
            else:
                with suppress(MembershipUnknown):
                    self.refresh()
            unsettled = changed
            if unsettled:
                self._wake.wait(SETTLE_INTERVAL)
            elif self._failure is None and self._snapshot is not None:
                # Not the whole time: a snapshot out of the cache has used up some of it.
                self._wake.wait(max(0.0, self._ttl - self._snapshot.age))
            else:
                self._wake.wait(min(self._ttl, RETRY_INTERVAL))

    def _watch_forever(self) -> None:
        reports = type(self._discovery).changes is not BaseDiscovery.changes
        while reports:
            try:
                for change in self._discovery.changes():
                    logger.debug("change reported: %s", change)
                    self._wake.set()
            except DiscoveryError as error:
                logger.debug("%s", error)
            except Exception:  # a backend may be anybody's
                logger.exception("changes are not reported, in a way that should not be")
            # Until the source is back, the snapshot's age brings the refreshes.
            time.sleep(RETRY_INTERVAL)


@lru_cache(maxsize=1)
def get_membership() -> Membership:
    """The membership that the settings describe, one instance a process."""
    return Membership(
        get_discovery(),
        default_cache,
        ttl=settings.OBJGW_SNAPSHOT_TTL,
        expected=settings.OBJGW_EXPECTED_NODES,
        news=get_news(),
    )
