import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.checks import ERROR, CheckMessage, run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser

from nodes.exceptions import MembershipError
from nodes.membership import get_membership
from objects.layout import Layout
from objects.layout.copies import Copies, LayoutConflict
from objects.routing import get_router, router_class
from objects.store import probe, quick_stores
from objgw_site.status.health import FOR_PEOPLE, Health, health
from objgw_site.status.roles import Role, Shown, shown
from problems.quiet import quiet


class Command(BaseCommand):
    help = (
        "Show the nodes in order of their names: index, name, address, state, whether each can "
        "serve or why not, and its share of the ids; and the layout. Exit status 1 when a node "
        "cannot serve, or one is missing."
    )
    # Done by `handle`: what they find is in the JSON as well.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON for scripts, not a table")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Found(None, (), ())
        problem = "; ".join(message.msg for message in self._failed_checks()) or None
        if problem is None:
            with quiet(options["verbosity"]):
                found, problem = _examined()
        rows = _rows(found)
        if options["json"]:
            layout = found.layout and _described(found.layout)
            report = {"layout": layout, "nodes": rows, "problem": problem}
            self.stdout.write(json.dumps(report, indent=2))
        elif rows:
            self.stdout.write(_table(rows))
            if found.layout is not None:
                self.stdout.write(_sentence(found.layout))
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


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to show.

    :ivar layout: None where there is none.
    :ivar health: of each node that is shown, in the same order.
    """

    layout: Layout | None
    nodes: Sequence[Shown]
    health: Sequence[Health]


def _examined() -> tuple[Found, str | None]:
    """The nodes with their health, and what is wrong with them, None when nothing is."""
    membership = get_membership()
    try:
        snapshot = membership.refresh()
    except MembershipError as error:
        return Found(None, (), ()), error.detail
    problem = None
    layout = None
    try:
        layout = Copies(quick_stores(FOR_PEOPLE)).survey(snapshot.nodes).newest
    except LayoutConflict as error:
        problem = str(error)
    nodes = shown(layout, snapshot.nodes)
    checked = health([each.node for each in nodes], probe)
    found = Found(layout, nodes, checked)
    try:
        if layout is None:
            membership.checked(snapshot)
    except MembershipError as error:
        return found, error.detail
    unusable = [
        item.node.name
        for item, each in zip(checked, nodes, strict=True)
        if not item.healthy and each.role is not Role.UNASSIGNED
    ]
    if unusable and problem is None:
        names = ", ".join(unusable)
        problem = f"{len(unusable)} of {len(checked)} nodes cannot serve: {names}"
    return found, problem


def _shares(found: Found) -> Mapping[str, float]:
    """The share of the ids that each member has, by its name."""
    if found.layout is None:
        nodes = [each.node for each in found.nodes]
        return dict(zip([node.name for node in nodes], get_router().shares(nodes), strict=True))
    members = found.layout.members
    try:
        shares = router_class(found.layout.router)().shares(members)
    except ImportError:
        return {}
    return dict(zip([member.name for member in members], shares, strict=True))


def _described(layout: Layout) -> dict[str, object]:
    return {"version": layout.version, "state": str(layout.state), "router": layout.router}


def _sentence(layout: Layout) -> str:
    said = f"layout {layout.version}: {layout.state}, router {layout.router}"
    if layout.previous is not None:
        said += "; `manage.py layout status` says what is left to move"
    return said


def _rows(found: Found) -> list[dict[str, object]]:
    shares = _shares(found)
    return [
        {
            "index": each.index,
            "name": item.node.name,
            "address": item.node.address,
            "state": str(item.node.state),
            "healthy": item.healthy,
            "reason": item.reason,
            "share": shares.get(item.node.name, 0.0),
            "role": str(each.role),
        }
        for each, item in zip(found.nodes, found.health, strict=True)
    ]


def _table(rows: Sequence[dict[str, object]]) -> str:
    head = ("INDEX", "NAME", "ADDRESS", "STATE", "HEALTHY", "SHARE")
    cells = [head] + [
        (
            "-" if row["index"] is None else str(row["index"]),
            str(row["name"]),
            str(row["address"] or "-"),
            str(row["state"]),
            "yes" if row["healthy"] else f"no: {row['reason']}",
            str(row["role"]) if row["role"] != Role.MEMBER else f"{row['share']:.1%}",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
