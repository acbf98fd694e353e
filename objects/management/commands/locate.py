"""Say where objects are."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from objects.exceptions import InvalidId
from objects.identifiers import parse_id
from objects.layout import InvalidLayout, Layout
from objects.layout.copies import LayoutConflict
from objects.layout.placement import Placement
from objects.moving.desk import Desk
from objects.moving.location import Location, locate
from objects.moving.words import size_of
from problems.problem import Problem
from terminal.quiet import quiet


class Command(BaseCommand):
    help = (
        "Say who owns an id, now and before a change of the layout that is under way, and which "
        "nodes really have its object. Exit status 1 when one is missing, or its owner cannot be "
        "reached."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", metavar="ID", nargs="+", help="an object id")
        parser.add_argument("--json", action="store_true", help="JSON for scripts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ids = [parse_id(text) for text in options["ids"]]
            with quiet(options["verbosity"]):
                locations, addresses = _located(ids)
        except (InvalidLayout, LayoutConflict) as error:
            raise CommandError(str(error)) from error
        except InvalidId as problem:
            raise CommandError(problem.detail) from problem
        except Problem as problem:
            raise CommandError(f"{problem.source} {problem.detail}".strip()) from problem
        if options["json"]:
            document = [_document(location, addresses) for location in locations]
            self.stdout.write(json.dumps({"objects": document}, indent=2))
        else:
            for location in locations:
                for line in _lines(location, addresses):
                    self.stdout.write(line)
        if absent := [each.object_id for each in locations if not each.finding.is_there]:
            raise CommandError(f"{len(absent)} of {len(ids)} not there: {', '.join(absent)}")


def _located(ids: list[str]) -> tuple[list[Location], Mapping[str, str]]:
    desk = Desk()
    layout = desk.surveyed().newest or Layout.adopted(
        settings.OBJGW_ROUTER, [node.name for node in desk.nodes]
    )
    placement = Placement(layout)
    return [locate(each, placement, desk.nodes, desk.where) for each in ids], desk.addresses()


def _lines(location: Location, addresses: Mapping[str, str]) -> Iterator[str]:
    yield f"{location.object_id}: {location.finding}"
    yield f"  owner   {location.owner} at {addresses.get(location.owner, 'no known address')}"
    if location.before is not None:
        yield f"  before  {location.before} at {addresses.get(location.before, 'no known address')}"
    for name, found in sorted(location.found.items()):
        yield f"  on      {name}{_role(location, name)}"
        yield f"          {size_of(found.size)}, ETag {found.etag}"
    for name, said in sorted(location.failures.items()):
        yield f"  failed  {name} {said}"


def _role(location: Location, name: str) -> str:
    if name in location.tombstones:
        return " (a tombstone: it was deleted)"
    return "" if name in (location.owner, location.before) else " (nobody asks for it there)"


def _document(location: Location, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": location.object_id,
        "state": str(location.finding),
        "owner": location.owner,
        "address": addresses.get(location.owner),
        "before": location.before,
        "found": [
            {
                "node": name,
                "size": found.size,
                "etag": found.etag,
                "tombstone": name in location.tombstones,
            }
            for name, found in sorted(location.found.items())
        ],
        "failures": location.failures,
    }
