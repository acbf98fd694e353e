"""Where an object is: who owns its id now and before, and which nodes really have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from nodes.fanout import on_all
from nodes.node import Node
from objects.layout.placement import Placement
from objects.moving.survey import said_of
from objects.moving.whereabouts import Whereabouts
from objects.store import Found, find
from problems.problem import Problem


class Finding(StrEnum):
    """What is to be said of an object."""

    PRESENT = "present"
    #: It is still with the owner before, from where it will be moved.
    MOVING = "moving"
    MISSING = "missing"
    #: Its owner has a tombstone.
    DELETED = "deleted"
    #: It lies only on nodes that nobody asks for it.
    MISPLACED = "misplaced"
    UNREACHABLE = "unreachable"

    @property
    def is_there(self) -> bool:
        """Whether a GET gives it."""
        return self in (Finding.PRESENT, Finding.MOVING)


@dataclass(frozen=True)
class Location:
    """Where an object is.

    :ivar owner: the name of the node that owns the id.
    :ivar before: that of the one that owned it before the change that is under way; None when that
        is the same.
    :ivar found: by the names of the nodes that have something under the id.
    :ivar tombstones: the names of those where that is a tombstone.
    :ivar failures: by the names of nodes that could not be asked, why.
    """

    object_id: str
    owner: str
    before: str | None
    found: dict[str, Found]
    tombstones: frozenset[str]
    failures: dict[str, str]

    @property
    def finding(self) -> Finding:
        """What is to be said of it."""
        if self.owner in self.failures:
            return Finding.UNREACHABLE
        if self.owner in self.tombstones:
            return Finding.DELETED
        if self.owner in self.found:
            return Finding.PRESENT
        if self.before in self.failures:
            return Finding.UNREACHABLE
        if self.before in self.found:
            return Finding.MOVING
        return Finding.MISPLACED if self.found else Finding.MISSING


def locate(
    object_id: str, placement: Placement, nodes: Sequence[Node], where: Whereabouts
) -> Location:
    """Ask all nodes for an object.

    :param nodes: those that were discovered; members that are not among them cannot be reached.
    """
    owner, before = placement.owner(object_id), placement.source(object_id)
    found: dict[str, Found] = {}
    failures: dict[str, str] = {}

    def ask(name: str) -> None:
        try:
            if there := find(where.store(name), object_id):
                found[name] = there
        except Problem as problem:
            failures[name] = said_of(problem)

    names = {node.name for node in nodes} | {owner} | ({before} if before else set())
    on_all(ask, sorted(names))
    tombstones = frozenset(
        name
        for name, there in found.items()
        if placement.changing and placement.tombstone.is_listed_as(there)
    )
    return Location(object_id, owner, before, found, tombstones, failures)
