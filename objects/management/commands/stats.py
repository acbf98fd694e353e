import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from nodes.exceptions import MembershipError
from nodes.membership import get_membership
from nodes.node import Node
from objects.counting import NodeCount, count_objects
from objects.routing import get_router
from terminal.command import OperatorCommand
from terminal.progress import progress
from terminal.quantities import in_bytes, seconds_between
from terminal.tables import Cell, Look, table


class Command(OperatorCommand):
    help = (
        "Count objects and bytes on every node by listing them, and compare what each has with its "
        "share of the ids. Costs the nodes a listing of all they have. Exit status 1 when a node "
        "cannot be listed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--timeout",
            type=seconds_between(0.1, 600),
            default=30.0,
            metavar="SECONDS",
            help="for which a node may be silent (default: %(default)g)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Sequence[NodeCount] = ()
        problem = self.settings_problem()
        if problem is None:
            try:
                membership = get_membership()
                snapshot = membership.checked(membership.refresh())
                counts = self._counted(snapshot.nodes, options)
            except MembershipError as error:
                problem = error.detail
        problem = problem or _problem(counts)
        shares = get_router().shares([count.node for count in counts])
        if options["json"]:
            self.write_json(_document(counts, shares, problem))
        elif counts:
            self.stdout.write(_table(counts, shares, self.look(options)))
            for line in _remarks(counts):
                self.stdout.write(line)
        if problem is not None:
            raise CommandError(problem, returncode=1)

    def _counted(self, nodes: Sequence[Node], options: dict[str, Any]) -> Sequence[NodeCount]:
        router = get_router()
        look = Look.of(sys.stderr, no_colour=options.get("no_color", False))
        with progress("nodes", "keys", len(nodes), look) as advance:
            return count_objects(
                nodes,
                lambda object_id: router.owner(object_id, nodes).name,
                options["timeout"],
                advance,
            )


def _problem(counts: Sequence[NodeCount]) -> str | None:
    failed = [count.node.name for count in counts if count.failure is not None]
    if not failed:
        return None
    return f"{len(failed)} of {len(counts)} nodes cannot be counted: {', '.join(failed)}"


def _total(counts: Sequence[NodeCount]) -> tuple[int, int]:
    """Objects and bytes of the nodes that were listed to their end."""
    whole = [count for count in counts if count.failure is None]
    return sum(count.objects for count in whole), sum(count.size for count in whole)


def _off(count: NodeCount, total: int, share: float) -> float | None:
    """By what part a node has more objects than its share; None where that says nothing."""
    ideal = total * share
    return None if count.failure or not ideal else count.objects / ideal - 1


def _table(counts: Sequence[NodeCount], shares: Sequence[float], look: Look) -> str:
    total, size = _total(counts)
    complete = not any(count.failure for count in counts)
    rows: list[list[str | Cell]] = []
    for count, share in zip(counts, shares, strict=True):
        off = _off(count, total, share) if complete else None
        rows.append(
            [
                count.node.name,
                Cell("?", "bad") if count.failure else f"{count.objects:,}",
                Cell("?", "bad") if count.failure else in_bytes(count.size),
                f"{count.objects / total:.2%}" if total and complete else "-",
                f"{share:.2%}",
                "-" if off is None else f"{off:+.1%}",
            ]
        )
    name = "total" if complete else "total of the others"
    rows.append([name, f"{total:,}", in_bytes(size), "", "", ""])
    return table(("NAME", "OBJECTS", "SIZE", "HAS", "SHARE", "OFF BY"), rows, look, numbers=5)


def _remarks(counts: Sequence[NodeCount]) -> list[str]:
    lines = []
    for count in counts:
        if count.misplaced:
            lines.append(
                f"{count.node.name}: {count.misplaced:,} objects that another node owns; "
                "GET does not find them"
            )
        if count.foreign:
            lines.append(f"{count.node.name}: {count.foreign:,} keys that are no object ids")
        if count.failure:
            lines.append(f"{count.node.name}: {count.failure}")
    return lines


def _document(
    counts: Sequence[NodeCount], shares: Sequence[float], problem: str | None
) -> dict[str, object]:
    total, size = _total(counts)
    complete = not any(count.failure for count in counts)
    return {
        "nodes": [
            {
                "name": count.node.name,
                "objects": count.objects,
                "bytes": count.size,
                "share": share,
                "off_by": _off(count, total, share) if complete else None,
                "misplaced": count.misplaced,
                "foreign": count.foreign,
                "complete": count.failure is None,
                "failure": count.failure,
            }
            for count, share in zip(counts, shares, strict=True)
        ],
        "objects": total,
        "bytes": size,
        "complete": complete,
        "problem": problem,
    }
