"""What is left to move, as reported every few seconds by the command that moves it.

A note on a node, for metrics and for people: nothing is decided by it, and where it cannot be
written or read, nobody is told.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from nodes.node import Node
from objects.exceptions import ObjectNotFound
from objects.layout.document import BACKLOG_KEY, Layout, State
from objects.layout.fields import InvalidLayout, check_keys, integer, mapping, text
from objects.store import Store, Stores, TransportError, Upload, Whole
from problems.problem import Problem

logger = logging.getLogger("objgw.layout")

_KEYS = frozenset({"version", "nonce", "objects", "bytes"})
#: Bytes; more is not read.
_MAX_NOTE = 4096


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left to move.

    :ivar size: bytes.
    """

    objects: int
    size: int

    def as_json(self) -> dict[str, int]:
        return {"objects": self.objects, "bytes": self.size}


DONE = Backlog(0, 0)


class Notes:
    """Reads and writes the note of a change, on the first member by name.

    :param stores: their limits are what the node may take for it.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def read(self, layout: Layout, nodes: Sequence[Node]) -> Backlog | None:
        """What is left; None when that is not known.

        :param nodes: those that were discovered.
        """
        if layout.state is State.SWITCHING:
            return None
        if layout.state is not State.MOVING:
            return DONE
        try:
            store = self._store(layout, nodes)
            return None if store is None else _read(store, layout)
        except (Problem, TransportError, ValueError) as error:
            logger.debug("what is left to move cannot be read: %s", error)
            return None

    def write(self, layout: Layout, nodes: Sequence[Node], backlog: Backlog) -> None:
        """Say what is left, in place of what was said before."""
        document = {"version": layout.version, "nonce": layout.nonce, **backlog.as_json()}
        body = Whole(json.dumps(document, sort_keys=True).encode())
        try:
            if store := self._store(layout, nodes):
                store.put(BACKLOG_KEY, body, Upload({"Content-Type": "application/json"}))
        except Problem as problem:
            logger.debug("what is left to move cannot be written: %s", problem.detail)

    def remove(self, layout: Layout, nodes: Sequence[Node]) -> None:
        """Take it away, if there is one."""
        try:
            if store := self._store(layout, nodes):
                store.delete(BACKLOG_KEY)
        except Problem as problem:
            logger.debug("what was left to move cannot be removed: %s", problem.detail)

    def _store(self, layout: Layout, nodes: Sequence[Node]) -> Store | None:
        first = layout.members[0].name
        node = next((node for node in nodes if node.name == first), None)
        return None if node is None else self._stores.of(node)


def _read(store: Store, layout: Layout) -> Backlog | None:
    try:
        answer = store.get(BACKLOG_KEY, {})
    except ObjectNotFound:
        return None
    with closing(answer):
        note = mapping(json.loads(answer.read(_MAX_NOTE)), "the backlog")
    check_keys(note, _KEYS, "the backlog")
    if (integer(note["version"], "version"), text(note["nonce"], "nonce")) != (
        layout.version,
        layout.nonce,
    ):
        return None
    backlog = Backlog(integer(note["objects"], "objects"), integer(note["bytes"], "bytes"))
    if min(backlog.objects, backlog.size) < 0:
        raise InvalidLayout("The backlog has less than nothing.")
    return backlog
