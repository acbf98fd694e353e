import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from objects.layout import Layout, State
from objects.layout.backlog import Backlog
from objects.moving.whereabouts import Amount
from objects.moving.words import amount_of
from objgw_site.status.report import Examiner, NodeReport, Report
from terminal.command import OperatorCommand
from terminal.quantities import seconds_between
from terminal.tables import Cell, Look, table
from terminal.watching import changes, watch

_HEAD = ("INDEX", "NAME", "ADDRESS", "STATE", "HEALTHY", "SHARE")
#: Where the backend knows machines: SERVICE.SLOT is the name then.
_WITH_MACHINE = ("INDEX", "NAME", "MACHINE", "ADDRESS", "STATE", "HEALTHY", "SHARE")


class Command(OperatorCommand):
    help = (
        "Show the nodes in order of their names: index, name, address, state, whether each can "
        "serve or why not, and its share of the ids; the machine, where Swarm starts them; and the "
        "layout. Exit status 1 when a node cannot serve, or one is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--watch",
            nargs="?",
            type=seconds_between(0.1, 3600),
            const=2.0,
            metavar="SECONDS",
            help="show them again and again until Ctrl-C, every 2 s by default; where the output "
            "is no terminal, whenever something has changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["watch"] is not None:
            self._watch(options["watch"], options)
            return
        problem = self.settings_problem()
        report = Examiner().examined() if problem is None else Report((), problem)
        if options["json"]:
            self.write_json(report.as_json())
        elif report.nodes:
            self.stdout.write(node_table(report.nodes, self.look(options)))
            if report.layout is not None:
                self.stdout.write(_sentence(report.layout, report.backlog))
        if report.problem is not None:
            raise CommandError(report.problem, returncode=1)

    def _watch(self, every: float, options: dict[str, Any]) -> None:
        if problem := self.settings_problem():
            raise CommandError(problem, returncode=1)
        look, examiner = self.look(options), Examiner()
        if options["json"]:
            for line in changes(lambda: json.dumps(examiner.examined().as_json()), every):
                self.stdout.write(line)
                self.stdout.flush()
        else:
            watch(lambda: _seen(examiner.examined(), look), every, look)


def _seen(report: Report, look: Look) -> str:
    parts = [node_table(report.nodes, look)] if report.nodes else []
    parts += [_sentence(report.layout, report.backlog)] if report.layout else []
    return "\n".join([*parts, report.problem or "All nodes can serve."])


def _sentence(layout: Layout, backlog: Backlog | None) -> str:
    said = f"layout {layout.version}: {layout.state}, router {layout.router}"
    if backlog is not None and layout.state is State.MOVING:
        return f"{said}, {amount_of(Amount(backlog.objects, backlog.size))} left to move"
    if layout.previous is not None:
        said += "; `manage.py layout status` says what is left to move"
    return said


def node_table(nodes: tuple[NodeReport, ...], look: Look) -> str:
    """The nodes, one a line where there is room."""
    # Services have places that wait for a machine.
    placed = any(node.machine or node.service for node in nodes)
    rows = [
        (
            "-" if node.index is None else str(node.index),
            node.name,
            *((node.machine or "-",) if placed else ()),
            node.address or "-",
            node.state,
            Cell("yes", "good") if node.healthy else Cell(f"no: {node.reason}", "bad"),
            node.part,
        )
        for node in nodes
    ]
    return table(_WITH_MACHINE if placed else _HEAD, rows, look, prose="HEALTHY")
