"""Show and change the layout."""

import json
import signal
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from objects.layout import InvalidLayout, State
from objects.layout.copies import LayoutConflict
from objects.layout.placement import Placement
from objects.moving.apply import Plan, Unsafe, apply
from objects.moving.arguments import add_change, default_jobs, jobs, wanted_of
from objects.moving.change import CannotFinish, Options
from objects.moving.desk import Desk
from objects.moving.documents import layout_document, progress_document, survey_document
from objects.moving.permit import Stopped
from objects.moving.survey import survey
from objects.moving.views import Bar, Lines, summary_of
from objects.moving.wanted import NotPossible
from objects.moving.words import (
    amount_of,
    members_of,
    oddities_of,
    plan_of,
    title_of,
    too_late,
)
from problems.problem import Problem
from terminal.quiet import quiet

_INTERRUPTED = 130
_COLUMNS = 80
_EXPECTED = (NotPossible, Unsafe, CannotFinish, LayoutConflict, InvalidLayout)


class Command(BaseCommand):
    help = (
        "Show and change the layout: which nodes own ids, and how. Exit status 0 when it is as "
        "asked for, 1 when it is not, 130 when it was interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        _action(actions, "show", "the layout, its members and their shares")
        _action(actions, "status", "what is under way, left to move, or where it should not be")
        plan = _action(actions, "plan", "what a change would move, before anything happens")
        add_change(plan)
        change = _action(
            actions,
            "apply",
            "change the layout and move the objects; without options: adopt the nodes as they "
            "are, or finish the change that is under way",
        )
        add_change(change)
        change.add_argument(
            "--dry-run", action="store_true", help="only say what would be done, as `plan`"
        )
        change.add_argument(
            "--jobs",
            type=jobs,
            default=default_jobs(),
            metavar="N",
            help="objects moved at once (half as many as there are processors, 1 to 8)",
        )
        _action(actions, "abort", "give a change up that has not moved anything yet")

    def handle(self, *args: Any, **options: Any) -> None:
        actions: Mapping[str, Callable[[Desk, Any, threading.Event], None]] = {
            "show": self._show,
            "status": self._status,
            "plan": self._plan,
            "apply": self._apply,
            "abort": self._abort,
        }
        try:
            with quiet(options["verbosity"]), _stoppable() as stop:
                actions[options["action"]](Desk(), options, stop)
        except Stopped:
            raise _failure(
                "interrupted; nothing is lost, and `manage.py layout apply` goes on.", _INTERRUPTED
            ) from None
        except _EXPECTED as error:
            raise _failure(str(error)) from error
        except Problem as problem:
            raise _failure(f"{problem.source} {problem.detail}".strip()) from problem

    def _show(self, desk: Desk, options: Any, stop: threading.Event) -> None:
        layout = desk.surveyed().newest
        names = {member.name for member in layout.members} if layout else set()
        unassigned = sorted({node.name for node in desk.nodes} - names)
        if options["json"]:
            self._json({"layout": layout_document(layout), "unassigned": unassigned})
            return
        if layout is None:
            self._say("no layout: all nodes that are found own ids; `layout apply` adopts them:")
            for name in unassigned:
                self._say(f"  {name}")
            return
        self._say(title_of(layout))
        self._say(members_of(layout, desk.addresses()))
        if unassigned:
            self._say("not in the layout:")
            for name in unassigned:
                self._say(f"  {name}")

    def _status(self, desk: Desk, options: Any, stop: threading.Event) -> None:
        copies = desk.surveyed()
        layout = copies.newest
        if layout is None:
            if options["json"]:
                self._json({"layout": None})
            else:
                self._say("no layout")
            return
        names = layout.holders | {node.name for node in desk.nodes}
        found = survey(Placement(layout), names - layout.lost, desk.where)
        behind = sorted(
            name
            for name in layout.holders
            if (copy := copies.copies.get(name)) is None or copy.layout != layout
        )
        if options["json"]:
            document = {"layout": layout_document(layout), "without_it": behind}
            self._json(document | survey_document(found))
            return
        self._say(title_of(layout))
        if behind:
            self._say(f"without this version: {', '.join(behind)}")
        if layout.state is not State.STABLE:
            self._say(f"left to move: {amount_of(found.moving)}")
            self._say(f"tombstones: {found.tombstones}")
        self._say(f"objects: {amount_of(found.objects)}")
        for line in oddities_of(found):
            self._say(line)

    def _plan(self, desk: Desk, options: Any, stop: threading.Event) -> None:
        wanted = wanted_of(options)
        present = desk.surveyed().newest
        self._show_plan(desk.plan(wanted, present, present or desk.first(wanted)), options)

    def _show_plan(self, plan: Plan, options: Any) -> None:
        if options["json"]:
            target = layout_document(plan.change or plan.base)
            self._json({"layout": target, **survey_document(plan.found)})
            return
        if plan.present is None:
            self._say(f"to adopt, with the router {plan.base.router}:")
            for member in plan.base.members:
                self._say(f"  {member.name}")
        elif plan.change is None:
            self._say("the layout is as asked for; nothing would move")
        elif plan.change == plan.present:
            self._say(f"under way: {title_of(plan.change)}")
        for line in plan_of(plan.found, plan.placement, options["limit_rate"]):
            self._say(line)

    def _apply(self, desk: Desk, options: Any, stop: threading.Event) -> None:
        if options["dry_run"]:
            self._plan(desk, options, stop)
            return
        wanted = wanted_of(options)
        with self._view(options) as view:
            settings = Options(options["jobs"], options["limit_rate"], wanted.lost)
            change = desk.change(settings, view, stop)
            present = change.present()
            plan = desk.plan(wanted, present, present or desk.first(wanted))
            if not options["json"]:
                for line in plan_of(plan.found, plan.placement, options["limit_rate"]):
                    view.say(line)
            layout = apply(change, plan, desk.where, wanted.lost)
        if options["json"]:
            self._json({"layout": layout_document(layout), **progress_document(change.progress)})
        elif plan.change is None and plan.present is not None:
            self._say(f"{title_of(layout)}: nothing to do")
        else:
            self._say(summary_of(change.progress) if plan.change else "adopted; nothing moves")

    def _abort(self, desk: Desk, options: Any, stop: threading.Event) -> None:
        with self._view(options) as view:
            change = desk.change(Options(), view, stop)
            layout = change.present()
            if layout is None or layout.state is State.STABLE:
                raise _failure("No change is under way.")
            if layout.state is not State.SWITCHING:
                raise _failure(too_late(layout))
            layout = change.give_up(layout)
        if options["json"]:
            self._json({"layout": layout_document(layout)})

    def _view(self, options: Any) -> AbstractContextManager[Bar | Lines]:
        if options["json"]:
            return Lines(self.stderr.write)
        return Bar() if self.stdout.isatty() else Lines(self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _json(self, document: Mapping[str, Any]) -> None:
        self.stdout.write(json.dumps(document, indent=2))


def _failure(text: str, status: int = 1) -> CommandError:
    """An error in lines that fit behind Django's "CommandError:"."""
    indent = " " * len("CommandError: ")
    return CommandError(
        textwrap.fill(
            indent + text, _COLUMNS, break_long_words=False, break_on_hyphens=False
        ).lstrip(),
        returncode=status,
    )


def _action(actions: Any, name: str, text: str) -> CommandParser:
    action: CommandParser = actions.add_parser(name, help=text, description=text)
    action.add_argument("--json", action="store_true", help="JSON for scripts")
    return action


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, so that no object is left half-way."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
