from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from nodes.exceptions import MembershipError
from nodes.membership import get_membership
from objects.checking import STEPS, NodeCheck, check_nodes
from terminal.command import OperatorCommand
from terminal.quantities import in_bytes, in_seconds, seconds_between, size_up_to
from terminal.tables import Cell, table

_LARGEST = 64 * 2**20


class Command(OperatorCommand):
    help = (
        "Write, read, list and delete a probe on every node, beside each other: does it work, and "
        "how fast? The probe's key can be no object id, so no object is touched and no client sees "
        "it; it is deleted again whatever happens. Exit status 1 when something does not work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--size",
            type=size_up_to(_LARGEST),
            default=2**20,
            help=f"of the probe, up to {in_bytes(_LARGEST)} (default: 1MiB)",
        )
        parser.add_argument(
            "--timeout",
            type=seconds_between(0.1, 600),
            default=5.0,
            metavar="SECONDS",
            help="for which a node may be silent in each step (default: %(default)g)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        checks: Sequence[NodeCheck] = ()
        problem = self.settings_problem()
        if problem is None:
            try:
                membership = get_membership()
                snapshot = membership.refresh()
                checks = check_nodes(snapshot.nodes, options["size"], options["timeout"])
                membership.checked(snapshot)
            except MembershipError as error:
                problem = error.detail
        problem = problem or _problem(checks)
        if options["json"]:
            nodes = [_document(check, options["size"]) for check in checks]
            self.write_json({"size": options["size"], "nodes": nodes, "problem": problem})
        elif checks:
            head = ("NAME", "WORKS", *(step.upper() for step in STEPS))
            rows = [_row(check) for check in checks]
            self.stdout.write(table(head, rows, self.look(options), numbers=len(STEPS)))
            for line in _complaints(checks):
                self.stdout.write(line)
        if problem is not None:
            raise CommandError(problem, returncode=1)


def _problem(checks: Sequence[NodeCheck]) -> str | None:
    failed = [check.node.name for check in checks if not check.works]
    if not failed:
        return None
    return f"{len(failed)} of {len(checks)} nodes do not work: {', '.join(failed)}"


def _complaints(checks: Sequence[NodeCheck]) -> list[str]:
    lines = [
        f"{check.node.name}: {step} failed: {reason}"
        for check in checks
        for step, reason in check.failures.items()
    ]
    return lines + [
        f"{check.node.name}: the probe {check.left} may still be there; a later check removes it"
        for check in checks
        if check.left
    ]


def _rate(check: NodeCheck, step: str, size: int) -> float | None:
    """Bytes a second."""
    seconds = check.seconds.get(step)
    return size / seconds if seconds else None


def _row(check: NodeCheck) -> list[str | Cell]:
    return [
        check.node.name,
        Cell("yes", "good") if check.works else Cell("no", "bad"),
        *(
            Cell("failed", "bad")
            if step in check.failures
            else in_seconds(check.seconds[step])
            if step in check.seconds
            else "-"
            for step in STEPS
        ),
    ]


def _document(check: NodeCheck, size: int) -> dict[str, object]:
    return {
        "name": check.node.name,
        "address": check.node.address,
        "works": check.works,
        "seconds": check.seconds,
        "failures": check.failures,
        "bytes_per_second": {step: _rate(check, step, size) for step in ("write", "read")},
        "left_behind": check.left,
    }
