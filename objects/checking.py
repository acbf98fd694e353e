"""Checks whether a node works, by writing, reading, listing and deleting a probe."""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from nodes.fanout import on_all
from nodes.node import Node
from objects.exceptions import NodeError
from objects.store import (
    Entry,
    Store,
    TransportError,
    Upload,
    Whole,
    never_sent,
    reason_of,
    store_for,
)
from problems.problem import Problem

#: In their order.
STEPS = ("write", "read", "list", "delete")
#: What the probe's keys begin with: no object id has a tilde or a slash.
PREFIX = "~objgw/probe-"
#: What another check left behind that was killed is removed once it is as old as this.
_LEFT_BEHIND = timedelta(minutes=10)

T = TypeVar("T")


@dataclass(slots=True)
class NodeCheck:
    """What came of it.

    :ivar seconds: that each of `STEPS` took which worked.
    :ivar failures: why the others did not, by step; what comes after a write that failed is not
        tried. ``connect`` when nothing was.
    :ivar left: the key of a probe that could not be deleted, None when nothing is left.
    """

    node: Node
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    left: str | None = None

    @property
    def works(self) -> bool:
        """Whether every step did."""
        return not self.failures


def check_nodes(nodes: Sequence[Node], size: int, timeout: float) -> list[NodeCheck]:
    """Check nodes beside each other.

    :param size: bytes of the probe.
    :param timeout: seconds of silence for each step.
    """
    body = secrets.token_bytes(size)
    return on_all(lambda node: _check(node, body, timeout), nodes)


def _check(node: Node, body: bytes, timeout: float) -> NodeCheck:
    check = NodeCheck(node)
    try:
        store = store_for(node, timeout)
    except Problem as problem:
        check.failures["connect"] = reason_of(problem)
        return check
    with closing(store):
        _steps(check, store, f"{PREFIX}{secrets.token_hex(16)}", body)
    return check


def _steps(check: NodeCheck, store: Store, key: str, body: bytes) -> None:
    def step(name: str, work: Callable[[], T]) -> T | Problem:
        since = time.monotonic()
        try:
            result = work()
        except Problem as problem:
            check.failures[name] = reason_of(problem)
            return problem
        check.seconds[name] = time.monotonic() - since
        return result

    written = step("write", lambda: store.put(key, Whole(body), Upload()))
    if isinstance(written, Problem) and never_sent(written):
        return
    try:
        if not isinstance(written, Problem):
            step("read", lambda: _read(store, key, body))
            others = step("list", lambda: _listed(store, key, len(body)))
            for entry in () if isinstance(others, Problem) else others:
                with suppress(Problem):  # whoever checks next finds it again
                    store.delete(entry.key)
    finally:
        # A write whose answer did not come may have been done all the same.
        step("delete", lambda: store.delete(key))
        if "delete" in check.failures:
            check.left = key


def _read(store: Store, key: str, body: bytes) -> None:
    answer = store.get(key, {})
    try:
        if answer.read(len(body)) != body:
            raise NodeError("answered with other bytes than were written")
    except TransportError as error:
        raise NodeError(f"broke off its answer: {error}") from error


def _listed(store: Store, key: str, size: int) -> list[Entry]:
    """What other checks left behind, if the probe is listed as it should be."""
    listing = store.list(prefix=PREFIX, after="", limit=1000)
    found = [entry for entry in listing.entries if entry.key == key]
    if not found and not listing.truncated:
        raise NodeError("does not list what was written")
    if found and found[0].size != size:
        raise NodeError(f"lists {found[0].size} bytes, and {size} were written")
    before = datetime.now(UTC) - _LEFT_BEHIND
    return [
        entry
        for entry in listing.entries
        if entry.key != key and datetime.fromisoformat(entry.last_modified) < before
    ]
