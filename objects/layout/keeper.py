"""What a process knows about the layout, and for how long it may rely on that: the lease.

A background thread reads one node's copy about once a second, one node after the other. A request
reads a lease out of memory; when the last one has run out (the process slept, or no node could be
read), it asks all nodes first. Only durations count, on this machine's monotonic clock: a lease
begins before the request for the copy is sent.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from nodes.exceptions import MembershipError
from nodes.membership import Membership, get_membership
from nodes.news import get_news
from nodes.node import Node
from objects.exceptions import LayoutUnknown
from objects.layout.adoption import adopt
from objects.layout.asking import answers, may_have_moved, unknown
from objects.layout.copies import Copies, Copy
from objects.layout.document import Layout
from objects.layout.fields import InvalidLayout
from objects.layout.knowledge import NOTHING, Knowledge
from objects.layout.placement import Placement, named_nodes
from objects.store import quick_stores
from problems.problem import Problem

logger = logging.getLogger("objgw.layout")

#: Seconds between two readings, and the part of a lease that they may be at most.
_INTERVAL = 1.0
_READINGS = 5
#: Seconds for which nobody asks again after no node could be read.
_RETRY_INTERVAL = 0.25
#: Seconds that the other threads may take to end when the process does.
_ENDING = 5.0
#: Seconds that a node may take, and the part of a lease that they may be at most.
_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A right to act by a layout for a while.

    :ivar placement: None where there is no layout.
    :ivar until: on the monotonic clock.
    """

    placement: Placement | None
    until: float


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to say of the layout, for people and for readiness.

    :ivar layout: the last one that was read, None where there was none.
    :ivar failure: why it is not known to be in force, None when it is.
    """

    layout: Layout | None
    failure: str | None


class Keeper:
    """Keeps the lease of one process.

    :param router: of the layout that is made when there is none, as OBJGW_ROUTER.
    :param expected: the number of nodes with which they are adopted as the first layout, None to
        leave that to `manage.py layout apply`.
    :param lease: seconds; a layout that says less is followed for less.
    """

    def __init__(
        self,
        membership: Membership,
        copies: Copies,
        *,
        router: str,
        lease: float,
        expected: int | None = None,
    ) -> None:
        self._membership = membership
        self._copies = copies
        self._router = router
        self._duration = lease
        self._expected = expected
        self._held = Lease(None, float("-inf"))
        self._known: Knowledge = NOTHING
        self._turn = 0
        self._refusal = ""
        self._failure: LayoutUnknown | None = None
        self._asked_at = float("-inf")
        self._attempts = 0
        self._flight = threading.Lock()
        self._lock = threading.Lock()
        self._pid: int | None = None

    def lease(self) -> Lease:
        """The lease that is in force; asks the nodes when the last one has run out.

        :raises LayoutUnknown: when none of those that know can be asked.
        :raises MembershipUnknown: see `Membership.latest`.
        """
        held = self._held
        if time.monotonic() < held.until:
            return held
        return self._renewed()

    @property
    def layout(self) -> Layout | None:
        """The last layout that was read, None where there was none. Asks nobody."""
        return self._known.layout

    def status(self) -> Status:
        """What is known. Asks the nodes when that is too old."""
        failure = None
        try:
            self.lease()
        except Problem as problem:
            failure = problem.detail
        return Status(self._known.layout, failure)

    def start(self) -> None:
        """Read in the background, once for each process."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._keep_forever, daemon=True).start()

    def _renewed(self) -> Lease:
        self.start()
        attempt = self._attempts
        with self._flight:
            if time.monotonic() < self._held.until:
                return self._held
            recent = time.monotonic() - self._asked_at < _RETRY_INTERVAL
            if self._failure is None or not (recent or self._attempts != attempt):
                self._ask_all()
            if self._failure is not None:
                failure = self._failure
                raise LayoutUnknown(failure.detail, failure.failures, laid_out=failure.laid_out)
            return self._held

    def _keep_forever(self) -> None:
        while True:
            try:
                with self._flight:
                    self._ask_next()
                self._adopt_if_due()
            except (MembershipError, OSError) as error:
                # The latter without a descriptor left. Requests say so.
                logger.debug("the layout cannot be read: %s", error)
            except Exception as error:  # discovery may be anybody's; requests read for themselves
                if isinstance(error, RuntimeError) and _is_ending():
                    return
                logger.exception("the layout is not read, in a way that should not be")
            time.sleep(min(_INTERVAL, self._duration / _READINGS))

    def _ask_next(self) -> None:
        """Renew the lease with one request, if the node whose turn it is answers."""
        discovered = self._membership.latest().nodes
        nodes = [node for node in self._known.worth_asking(discovered) if not node.down_reason]
        if nodes:
            self._turn += 1
            node = nodes[self._turn % len(nodes)]
            since = time.monotonic()
            try:
                copy = self._copies.read(node, self._known.copy)
            except Problem as problem:
                logger.debug("node %s: its copy of the layout: %s", node.name, problem.detail)
            else:
                if self._learned({node.name: copy}, discovered, since):
                    return
        self._ask_all()

    def _ask_all(self) -> None:
        """Renew the lease by asking all nodes at once; sets `_failure` when that did not help."""
        try:
            snapshot = self._membership.latest()
            failures = self._asked(snapshot.nodes)
            if failures and any(map(may_have_moved, failures.values())):
                fresh = self._membership.renewed(snapshot)
                if fresh.nodes != snapshot.nodes:
                    failures = self._asked(fresh.nodes)
            self._failure = (
                None if failures is None else (unknown(self._known, failures, self._refusal))
            )
        finally:
            self._attempts += 1
            self._asked_at = time.monotonic()

    def _asked(self, nodes: Sequence[Node]) -> dict[str, Problem] | None:
        """None when the lease was renewed; else what became of each node."""
        since = time.monotonic()
        copies: dict[str, Copy] = {}
        failures: dict[str, Problem] = {}
        first = self._known is NOTHING
        for name, found in answers(self._copies, nodes, patient=first):
            if isinstance(found, Problem):
                failures[name] = found
                continue
            copies[name] = found
            # At first, what the others say is waited for: the highest version is what counts.
            if not first and self._learned(copies, nodes, since):
                return None
        return None if self._learned(copies, nodes, since) else failures

    def _learned(self, copies: dict[str, Copy], nodes: Sequence[Node], since: float) -> bool:
        """Whether these copies, asked for at a time, say what is in force; then the lease is
        renewed.
        """
        known, sure = self._known.after(
            copies,
            [node.name for node in nodes],
            in_force=time.monotonic() < self._held.until,
        )
        try:
            placement = self._held.placement
            if known.layout is None:
                placement = None
            elif placement is None or placement.layout != known.layout:
                placement = Placement(known.layout)
        except InvalidLayout as error:
            get_news().happened(str(error))
            self._refusal = str(error)
            return False
        if known.layout != self._known.layout:
            _say(known.layout)
        self._known = known
        self._refusal = ""
        if sure:
            duration = min(self._duration, known.layout.lease) if known.layout else self._duration
            self._held = Lease(placement, since + duration)
            self._failure = None
        return sure

    def _adopt_if_due(self) -> None:
        """Make the expected nodes the first layout, all of which must be there and have none."""
        layout = self._known.layout
        nodes = self._membership.latest().nodes
        if self._expected is None or len(nodes) != self._expected or self._known is NOTHING:
            return
        if layout is not None and (layout.version > 1 or self._known.complete):
            return
        if adopt(self._copies, nodes, layout, router=self._router, lease=self._duration):
            self._known = self._known.completed()


def _is_ending() -> bool:
    """Whether the process ends, and so starts no threads any more. Waits for that for a moment,
    since the main thread first waits for those of pools.
    """
    deadline = time.monotonic() + _ENDING
    # Looked at again and again: `join` would keep a worker's event loop waiting, too.
    while threading.main_thread().is_alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _say(layout: Layout | None) -> None:
    if layout is not None:
        get_news().members = frozenset(named_nodes(layout, ())) - layout.lost
        get_news().happened(
            f"layout {layout.version}: {layout.state}, {len(layout.members)} members, "
            f"router {layout.router}"
        )


@lru_cache(maxsize=1)
def get_keeper() -> Keeper:
    """The one of this process."""
    lease: float = settings.OBJGW_LAYOUT_LEASE
    return Keeper(
        get_membership(),
        Copies(quick_stores(min(_TIMEOUT, lease / 2.5))),
        router=settings.OBJGW_ROUTER,
        lease=lease,
        expected=settings.OBJGW_EXPECTED_NODES,
    )
