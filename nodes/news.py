"""What happens to the nodes, said once for each gateway.

Each worker process finds out by itself what has changed, and all of them at about the same time. To
say it once, they share a record of what was last said: whoever finds something that differs from it
says so and writes it down, under a lock. So nothing goes unsaid when a worker ends, and nothing is
said twice, but for what a worker was saying when it was killed. What another process has said
already is logged at debug level.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from nodes.node import Node

logger = logging.getLogger("objgw.membership")

#: Seconds between two log lines that say that discovery still fails.
REPEAT_LOG = 60.0
#: Seconds for which the same event is not logged again, because each process reports it.
_SAME_EVENT = 10.0


class Record(Protocol):
    """What was last said, shared by those who must not say it twice."""

    def opened(self) -> AbstractContextManager[dict[str, Any]]:
        """The record, to be read and changed, for one at a time. Its values are JSON's."""

    def save(self, said: dict[str, Any]) -> None:
        """Keep it as it is now, while it is open; at the end that happens by itself."""


class OwnRecord:
    """The record of a process that shares it with nobody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, Any] = {}

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            yield self._said

    def save(self, said: dict[str, Any]) -> None:
        """It is kept as it is changed."""


@dataclass(slots=True)
class News:
    """Says it.

    Times are `time.monotonic`, which all processes of a machine share.

    :ivar record: what was last said.
    :ivar members: the names of the nodes that own ids whatever discovery finds, None where all that
        it finds do.
    """

    record: Record = field(default_factory=OwnRecord)
    members: frozenset[str] | None = None

    def discovered(self, nodes: tuple[Node, ...], since: float, expected: int | None) -> None:
        """Say what changed.

        :param since: when the discovery began: what was said of a later one is newer.
        :param expected: the only acceptable number of nodes, None for any.
        """
        after = {node.name: _where(node) for node in nodes}
        with self.record.opened() as said:
            before: dict[str, str] | None = said.get("nodes")
            # What somebody who was killed was about to say, and may have said.
            saying = said.get("saying", after)
            before = before if saying == after else saying
            old = since < said.get("since", since)
            if not old:
                said["since"] = since
                if said.pop("failures", None):
                    logger.info("discovery answers again")
            level = logging.DEBUG if old or before == after else logging.INFO
            if level > logging.DEBUG:
                said["saying"] = after
                self.record.save(said)
            for node in nodes:
                if before is None or before.get(node.name) != after[node.name]:
                    _say_state(node, level, new=before is not None and node.name not in before)
            if self.members is None:
                news = _membership_news(before, after, expected, said.get("complete"))
            else:
                news = _members_news(before, after, self.members)
            if news is not None and level > logging.DEBUG:
                logger.log(news[0], "%s", news[1])
            if not old:
                said["nodes"] = after
                said.pop("saying", None)
            if expected == len(after) and not old:
                said["complete"] = sorted(after)

    def known(self, nodes: tuple[Node, ...]) -> None:
        """Log at debug level what this process knows for the first time."""
        for node in nodes:
            logger.debug("node %s: %s, known here", node.name, _where(node))

    def discovery_failed(self, since: float, kind: str, text: str) -> None:
        """Say why the nodes cannot be discovered, once a minute for each kind of failure.

        :param since: when the discovery began.
        :param kind: what it means for the requests.
        """
        now = time.monotonic()
        with self.record.opened() as said:
            failures: dict[str, float] = said.get("failures", {})
            old = since < said.get("since", since)
            due = not old and now - failures.get(kind, float("-inf")) >= REPEAT_LOG
            if due:
                said["since"] = since
                said["failures"] = {**failures, kind: now}
            logger.log(logging.WARNING if due else logging.DEBUG, "%s", text)

    def happened(self, text: str) -> None:
        """Say that something happened, which other processes may be about to say, too."""
        now = time.monotonic()
        with self.record.opened() as said:
            recent: Mapping[str, float] = said.get("events", {})
            due = now - recent.get(text, float("-inf")) >= _SAME_EVENT
            if due:
                kept = {each: at for each, at in recent.items() if now - at < _SAME_EVENT}
                said["events"] = {**kept, text: now}
            logger.log(logging.INFO if due else logging.DEBUG, "%s", text)


def _where(node: Node) -> str:
    tls = "" if node.tls_name is None else f", with TLS as {node.tls_name}"
    return f"{node.state} at {node.address or 'no address'}{tls}"


def _say_state(node: Node, level: int, *, new: bool) -> None:
    down = node.down_reason is not None
    logger.log(
        logging.WARNING if down and level > logging.DEBUG else level,
        "node %s: %s%s%s",
        node.name,
        _where(node),
        " (new)" if new else "",
        f"; requests for its ids get 503 until it is back: {node.down_reason}" if down else "",
    )


def _members_news(
    before: Mapping[str, str] | None, after: Mapping[str, str], members: frozenset[str]
) -> tuple[int, str] | None:
    """As `_membership_news`, where it is said who the members are."""
    known = before or {}
    said = [
        f"nodes {what}: {', '.join(sorted(names))}{meaning}"
        for what, names, meaning in (
            ("are gone", (known.keys() - after.keys()) & members, "; their ids get 503"),
            ("are gone", known.keys() - after.keys() - members, ", which were no members"),
            ("were added", (after.keys() - known.keys()) & members, ""),
            (
                "were added",
                after.keys() - known.keys() - members,
                ", which are no members of the layout: they get nothing",
            ),
        )
        if names
    ]
    if before is None or not said:
        return None
    away = bool((known.keys() - after.keys()) & members)
    return (logging.WARNING if away else logging.INFO), "; ".join(said)


def _membership_news(
    before: Mapping[str, str] | None,
    after: Mapping[str, str],
    expected: int | None,
    complete: Sequence[str] | None,
) -> tuple[int, str] | None:
    """Level and text of what it means that nodes are gone or were added; None when none did.

    :param before: None when nothing was known before.
    :param complete: the names when their number was last the expected one.
    """
    gone = sorted((before or {}).keys() - after.keys())
    added = [] if before is None else sorted(after.keys() - before.keys())
    if before is not None and not (gone or added):
        return None
    changes = "; ".join(
        f"nodes {what}: {', '.join(names)}"
        for what, names in (("are gone", gone), ("were added", added))
        if names
    )
    if expected is not None and len(after) != expected:
        found = f"{len(after)} nodes found and {expected} expected (OBJGW_EXPECTED_NODES)"
        return logging.WARNING, (
            f"{changes}{'; ' if changes else ''}{found}: all requests are refused with "
            "503 membership_incomplete until the number is right"
        )
    if not after:
        return logging.WARNING, (
            f"{changes}{'; ' if changes else ''}there is no node: all requests are refused with "
            "503 no_nodes"
        )
    if expected is not None:
        if complete is not None and sorted(after) != list(complete):
            return logging.WARNING, (
                f"{changes}; the number is the expected one, and the names are others than before: "
                "the order of the names decides which node owns an id, so ids may have other "
                "owners now. If it was not intended, restore the nodes as they were"
            )
        return (
            (logging.INFO, f"{changes}; all {expected} expected nodes are there")
            if changes
            else None
        )
    if not before:
        return None
    return logging.WARNING, (
        f"{changes} ({len(after)} nodes now). Most ids now have other owners: GET answers 404 for "
        "objects that lie elsewhere, listings pass them over, and PUT stores a second copy. If it "
        "was not intended, restore the nodes as they were; and set OBJGW_EXPECTED_NODES, with "
        "which requests are refused instead"
    )


@lru_cache(maxsize=1)
def get_news() -> News:
    """One instance a process. A server of several processes gives it a record that they share."""
    return News()
