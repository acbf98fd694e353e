"""The copies of the layout on the nodes: how they are read, and replaced.

**Written to all, read from any.** A version counts once every holder has it: the members now and
before, and those of the version that it replaces, without the lost ones. So whoever reads a node
that is a member by its own copy has the last version that counts, or a later one.

**Compare and swap.** Every version is written to one node first, with a condition on what it
replaces there: the first by name of the holders of the version that is replaced. Nodes judge such a
condition atomically, so of two who change the same version one loses, before anything else is
written. The other nodes follow; there, too, only an older version is replaced.

**What is half-written** is no danger: a version may only be written a lease after its predecessor
counts, so gateways that act by either are in states next to each other, for which the protocol is
made. It is finished by whoever comes next (`Copies.finish`); nothing may rely on it before, for a
node without it may be all that some gateway can read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nodes.fanout import on_all
from nodes.node import Node
from objects.exceptions import NodeError, ObjectNotFound, OwnerProblem, PreconditionFailed
from objects.layout.document import LAYOUT_KEY, MAX_DOCUMENT, Layout
from objects.layout.fields import InvalidLayout
from objects.store import Stores, TransportError, Upload, Whole
from problems.problem import Problem

#: How often a node's copy may change under our hands before we give up.
_TRIES = 3


class LayoutConflict(Exception):
    """Somebody else has changed the layout, or two are there that exclude each other."""


class LayoutNotWritten(Exception):
    """Not every node that must have the layout has it; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a node has.

    :ivar layout: None when it has none.
    :ivar etag: of the copy, with its quotes; "" when there is none.
    """

    layout: Layout | None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What all nodes have.

    :ivar copies: by the names of the nodes that answered.
    :ivar failures: by the names of the others, why they did not.
    """

    copies: Mapping[str, Copy]
    failures: Mapping[str, Problem]

    @property
    def newest(self) -> Layout | None:
        """The highest version, None where no node has any.

        :raises LayoutConflict: when there are two of it.
        """
        found = [copy.layout for copy in self.copies.values() if copy.layout is not None]
        if not found:
            return None
        newest = max(found, key=lambda layout: layout.version)
        if any(each.version == newest.version and each != newest for each in found):
            names = [
                name
                for name, copy in sorted(self.copies.items())
                if copy.layout is not None and copy.layout.version == newest.version
            ]
            raise LayoutConflict(
                f"Version {newest.version} of the layout is not the same on {', '.join(names)}. "
                f"Remove the object {LAYOUT_KEY} from the nodes that have the wrong one."
            )
        return newest


class Copies:
    """Reads and replaces the copies.

    :param stores: their limits are what a node may take for it.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def read(self, node: Node, known: Copy | None = None) -> Copy:
        """A node's copy.

        :param known: what was read before, from any node; it is the answer when the node has the
            same, which then sends nothing but that.
        :raises Problem: when it cannot be read.
        """
        wanted = {"If-None-Match": known.etag} if known is not None and known.etag else {}
        try:
            answer = self._stores.of(node).get(LAYOUT_KEY, wanted)
        except ObjectNotFound:
            return Copy(None)
        try:
            if answer.status == 304 and known is not None:
                answer.close()
                return known
            data = answer.read(MAX_DOCUMENT)
        except TransportError as error:
            raise NodeError("broke off in the middle of its copy of the layout").noted(
                str(error)
            ) from error
        try:
            return Copy(Layout.from_json(data), answer.headers.get("etag", ""))
        except InvalidLayout as error:
            raise NodeError(f"has a copy of the layout that is none: {error}") from error

    def survey(self, nodes: Iterable[Node]) -> Survey:
        """The copies of all these nodes, asked at once."""
        copies: dict[str, Copy] = {}
        failures: dict[str, Problem] = {}

        def ask(node: Node) -> None:
            try:
                copies[node.name] = self.read(node)
            except Problem as problem:
                problem.source = f"node {node.name}"
                failures[node.name] = problem

        on_all(ask, list(nodes))
        return Survey(copies, failures)

    def replace(self, nodes: Sequence[Node], old: Layout | None, new: Layout) -> None:
        """Write a version to every node that must have it.

        To do it again with the same two versions is to go on where it ended.

        :param nodes: those that were discovered.
        :param old: the version that is replaced, as it was read; it must count, and have done so
            for its lease. None for the first.
        :raises LayoutConflict: when somebody else was faster; nothing was written then.
        :raises LayoutNotWritten: when a node cannot be reached; the first may have it all the same.
        """
        holders = new.holders | ((old.holders if old else frozenset()) - new.lost)
        where = self._reachable(nodes, holders, new.lost)
        first = min((old.holders if old else new.holders) - new.lost, default=min(holders))
        self._written({first: lambda: self._swap(where[first], old, new)})
        self._written(
            {name: _call(self._follow, where[name], new) for name in sorted(holders - {first})}
        )

    def finish(self, nodes: Sequence[Node], lost: Iterable[str] = ()) -> Layout | None:
        """Make sure that the highest version counts, and return it; None where there is none.

        What one who changed the layout left half-written is written to the end.

        :param nodes: those that were discovered.
        :param lost: names of those not to be waited for.
        :raises LayoutConflict: see `Survey.newest`.
        :raises LayoutNotWritten: when a node cannot be reached.
        """
        survey = self.survey(nodes)
        newest = survey.newest
        gone = frozenset(lost) | (newest.lost if newest else frozenset())
        # It may have a version of which it is a member and the others no longer know.
        if unknown := survey.failures.keys() - gone:
            raise LayoutNotWritten(
                "Not all copies of the layout can be read: "
                + "; ".join(_failure(name, survey.failures[name]) for name in sorted(unknown))
            )
        if newest is None:
            return None
        holders = newest.holders.union(
            *(copy.layout.holders for copy in survey.copies.values() if copy.layout is not None)
        )
        where = self._reachable(nodes, holders - gone, newest.lost)
        behind = sorted(name for name in where if survey.copies[name].layout != newest)
        self._written({name: _call(self._follow, where[name], newest) for name in behind})
        return newest

    def _reachable(
        self, nodes: Sequence[Node], holders: Iterable[str], lost: frozenset[str]
    ) -> dict[str, Node]:
        where = {node.name: node for node in nodes}
        if back := sorted(lost & where.keys()):
            raise LayoutNotWritten(
                f"{', '.join(back)}: declared lost, and still there. An old copy of the layout on "
                "it could be taken for the present one; remove it first."
            )
        holders = frozenset(holders)
        if missing := sorted(holders - where.keys()):
            raise LayoutNotWritten(
                f"Not found: {', '.join(missing)}. The layout has to be written to every member; "
                "start it, or declare it lost."
            )
        return {name: where[name] for name in sorted(holders)}

    def _swap(self, node: Node, old: Layout | None, new: Layout) -> None:
        """On the first node: nothing but what is to be replaced is."""
        found = self.read(node)
        if found.layout == new:
            return
        # A disk that was replaced has none.
        if found.layout is not None and found.layout != old:
            raise LayoutConflict(_overtaken(node, found.layout))
        try:
            self._put(node, found, new)
        except PreconditionFailed:
            raise LayoutConflict(f"{node.name} has another layout since a moment ago.") from None

    def _follow(self, node: Node, new: Layout) -> None:
        """On the others: what is older is replaced."""
        for _ in range(_TRIES):
            found = self.read(node)
            if found.layout == new:
                return
            if found.layout is not None and found.layout.version >= new.version:
                raise LayoutConflict(_overtaken(node, found.layout))
            try:
                self._put(node, found, new)
            except PreconditionFailed:
                continue
            return
        raise LayoutConflict(f"{node.name} gets one other layout after the other.")

    def _put(self, node: Node, found: Copy, new: Layout) -> None:
        conditions = {"If-Match": found.etag} if found.etag else {"If-None-Match": "*"}
        upload = Upload({"Content-Type": "application/json"}, conditions=conditions)
        self._stores.of(node).put(LAYOUT_KEY, Whole(new.to_json()), upload)

    def _written(self, writes: Mapping[str, Callable[[], None]]) -> None:
        """Do all of them at once.

        :raises LayoutConflict: when one does.
        :raises LayoutNotWritten: naming the nodes that could not be written to.
        """
        failures: dict[str, Problem] = {}
        conflicts: list[LayoutConflict] = []

        def write(name: str) -> None:
            try:
                writes[name]()
            except Problem as problem:
                failures[name] = problem
            except LayoutConflict as conflict:
                conflicts.append(conflict)

        on_all(write, list(writes))
        if conflicts:
            raise conflicts[0]
        if failures:
            raise LayoutNotWritten(
                "The layout could not be written to all nodes: "
                + "; ".join(_failure(name, failures[name]) for name in sorted(failures))
            )


def _call(write: Callable[[Node, Layout], None], node: Node, new: Layout) -> Callable[[], None]:
    return lambda: write(node, new)


def _overtaken(node: Node, found: Layout) -> str:
    return f"{node.name} has version {found.version} of the layout already ({found.state})."


def _failure(name: str, problem: Problem) -> str:
    said = problem.predicate if isinstance(problem, OwnerProblem) else f"answered {problem.code}"
    return f"{name} {said}"
