"""What a change of the layout would move: counted by listings, nothing is read or written."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nodes.fanout import on_all
from objects.exceptions import OwnerProblem
from objects.layout.placement import Placement
from objects.moving.whereabouts import NOTHING, Amount, Kind, Whereabouts, entries_of, kind_of
from objects.store import Entry
from problems.problem import Problem

#: How many are named of what is out of place.
EXAMPLES = 10


@dataclass
class Oddities:
    """Keys that are not where they should be, some of them by name.

    :ivar examples: (node, key).
    """

    amount: Amount = NOTHING
    examples: list[tuple[str, str]] = field(default_factory=list)

    def note(self, node: str, entry: Entry) -> None:
        """Count one."""
        self.amount += Amount(1, entry.size)
        if len(self.examples) < EXAMPLES:
            self.examples.append((node, entry.key))

    def add(self, other: "Oddities") -> None:
        """Count those of another node, too."""
        self.amount += other.amount
        self.examples = (self.examples + other.examples)[:EXAMPLES]


@dataclass
class Survey:
    """What lies where, by the owners before and after a change.

    :ivar flows: what has to go, by the names of the nodes from which and to which.
    :ivar kept: what stays where it is.
    :ivar ahead: what lies at the owner after the change already, and does not belong to the one
        before. While nothing has begun, it is left from something else, and would be taken for
        newer than what the owner before has.
    :ivar misplaced: what neither layout puts where it is.
    :ivar foreign: keys that are no ids.
    :ivar tombstones: of this change.
    :ivar unlisted: names of nodes that could not be listed, and why.
    """

    flows: dict[tuple[str, str], Amount] = field(default_factory=dict)
    kept: Amount = NOTHING
    ahead: Oddities = field(default_factory=Oddities)
    misplaced: Oddities = field(default_factory=Oddities)
    foreign: Oddities = field(default_factory=Oddities)
    tombstones: int = 0
    unlisted: dict[str, str] = field(default_factory=dict)

    @property
    def moving(self) -> Amount:
        """All that has to go."""
        return sum(self.flows.values(), NOTHING)

    @property
    def objects(self) -> Amount:
        """All that clients can see, once what is leaving has arrived."""
        return self.kept + self.ahead.amount + self.moving

    def add(self, other: "Survey") -> None:
        """Count another node's, too."""
        for flow, amount in other.flows.items():
            self.flows[flow] = self.flows.get(flow, NOTHING) + amount
        self.kept += other.kept
        self.ahead.add(other.ahead)
        self.misplaced.add(other.misplaced)
        self.foreign.add(other.foreign)
        self.tombstones += other.tombstones
        self.unlisted |= other.unlisted


def survey(placement: Placement, names: Iterable[str], where: Whereabouts) -> Survey:
    """Count what all these nodes have.

    :param placement: of the change.
    """
    found = Survey()
    for one in on_all(lambda name: _of_node(placement, name, where), sorted(set(names))):
        found.add(one)
    return found


def _of_node(placement: Placement, name: str, where: Whereabouts) -> Survey:
    found = Survey()
    try:
        for entry in entries_of(where.store(name)):
            _count(found, placement, name, entry)
    except Problem as problem:
        return Survey(unlisted={name: said_of(problem)})
    return found


def _count(found: Survey, placement: Placement, name: str, entry: Entry) -> None:
    kind = kind_of(placement, name, entry)
    amount = Amount(1, entry.size)
    if kind is Kind.LEAVING:
        flow = (name, placement.owner(entry.key))
        found.flows[flow] = found.flows.get(flow, NOTHING) + amount
    elif kind is Kind.OWNED and placement.source(entry.key) is not None:
        found.ahead.note(name, entry)
    elif kind is Kind.OWNED:
        found.kept += amount
    elif kind is Kind.TOMBSTONE:
        found.tombstones += 1
    elif kind is Kind.MISPLACED:
        found.misplaced.note(name, entry)
    elif kind is Kind.FOREIGN:
        found.foreign.note(name, entry)


def trouble_with(where: Whereabouts, name: str) -> str | None:
    """What a node says now instead of serving, to go on after its name; None when it serves."""
    try:
        where.store(name).check()
    except Problem as problem:
        return said_of(problem)
    return None


def said_of(problem: Problem) -> str:
    """What a node did, to go on after its name."""
    return problem.predicate if isinstance(problem, OwnerProblem) else f"answered {problem.code}"
