import json
from collections.abc import Sequence
from typing import Any

from django.core.checks import ERROR, CheckMessage, run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser

from nodes.exceptions import MembershipError
from nodes.membership import get_membership
from objects.routing import get_router
from objects.store import probe
from objgw_site.status.health import Health, health
from problems.quiet import quiet


class Command(BaseCommand):
    help = (
        "Show the nodes in routing order: index, name, address, state, whether each can serve or "
        "why not, and its share of the ids. Exit status 1 when one cannot, or one is missing."
    )
    # Done by `handle`: what they find is in the JSON as well.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON for scripts, not a table")

    def handle(self, *args: Any, **options: Any) -> None:
        checked: Sequence[Health] = ()
        problem = "; ".join(message.msg for message in self._failed_checks()) or None
        if problem is None:
            with quiet(options["verbosity"]):
                checked, problem = _examined()
        rows = _rows(checked, get_router().shares([item.node for item in checked]))
        if options["json"]:
            self.stdout.write(json.dumps({"nodes": rows, "problem": problem}, indent=2))
        elif rows:
            self.stdout.write(_table(rows))
        if problem is not None:
            raise CommandError(problem, returncode=1)

    def _failed_checks(self) -> list[CheckMessage]:
        """The system checks that fail; what they only warn of is written to stderr."""
        failed = []
        for message in run_checks():
            if message.is_serious(ERROR):
                failed.append(message)
            else:
                self.stderr.write(f"{message.msg} ({message.id})")
        return failed


def _examined() -> tuple[Sequence[Health], str | None]:
    """The nodes with their health, and what is wrong with them, None when nothing is."""
    membership = get_membership()
    try:
        snapshot = membership.refresh()
    except MembershipError as error:
        return (), error.detail
    checked = health(snapshot.nodes, probe)
    try:
        membership.checked(snapshot)
    except MembershipError as error:
        return checked, error.detail
    unusable = [item.node.name for item in checked if not item.healthy]
    if unusable:
        names = ", ".join(unusable)
        return checked, f"{len(unusable)} of {len(checked)} nodes cannot serve: {names}"
    return checked, None


def _rows(checked: Sequence[Health], shares: Sequence[float]) -> list[dict[str, object]]:
    return [
        {
            "index": index,
            "name": item.node.name,
            "address": item.node.address,
            "state": str(item.node.state),
            "healthy": item.healthy,
            "reason": item.reason,
            "share": share,
        }
        for index, (item, share) in enumerate(zip(checked, shares, strict=True))
    ]


def _table(rows: Sequence[dict[str, object]]) -> str:
    head = ("INDEX", "NAME", "ADDRESS", "STATE", "HEALTHY", "SHARE")
    cells = [head] + [
        (
            str(row["index"]),
            str(row["name"]),
            str(row["address"] or "-"),
            str(row["state"]),
            "yes" if row["healthy"] else f"no: {row['reason']}",
            f"{row['share']:.1%}",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
