"""Sign a link to one object."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from access.grant import LinkTerms, is_prefix
from access.keyset import HS256, Key
from access.links import METHODS, is_content_type, is_file_name, link_to
from access.management.keys import signing_keys
from access.tokens import moment
from terminal.command import OperatorCommand
from terminal.quantities import duration_up_to, size_up_to

_YEARS = 10 * 366 * 86_400


class Command(OperatorCommand):
    help = (
        "Sign a link with which anybody may GET, or PUT, one object until it expires, with the "
        "newest HS256 key in the file that OBJGW_AUTH_KEYS names, and write it to stdout."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("id", metavar="ID", help="the object's id; it need not exist yet")
        parser.add_argument("--method", choices=METHODS, default="GET", help="default: GET")
        parser.add_argument(
            "--expires",
            type=duration_up_to(_YEARS),
            default=3600,
            metavar="DURATION",
            help="how long it is good: 90s, 15m, 1h, 30d, 2w (default: 1h)",
        )
        parser.add_argument(
            "--max-size",
            type=size_up_to(5 * 2**40),
            metavar="SIZE",
            help="for PUT: the most bytes, such as 10MiB",
        )
        parser.add_argument(
            "--content-type", default="", metavar="TYPE", help="for PUT: the only type of body"
        )
        parser.add_argument(
            "--file-name", default="", metavar="NAME", help="for GET: what a browser saves it as"
        )
        parser.add_argument(
            "--url",
            default="http://localhost:3000",
            help="where the gateway is (default: http://localhost:3000)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if wrong := _wrong(options):
            raise CommandError(wrong, returncode=2)
        now = time.time()
        terms = LinkTerms(
            options["method"],
            options["id"],
            int(now) + options["expires"],
            options["max_size"],
            options["content_type"],
            options["file_name"],
        )
        url = options["url"].rstrip("/") + link_to(terms, _key())
        if options["json"]:
            self.write_json({"url": url, "method": terms.method, "expires": moment(terms.expires)})
        else:
            self.stdout.write(url)


def _wrong(options: dict[str, Any]) -> str | None:
    if not is_prefix(options["id"]):
        return f"An object id is 1 to 32 ASCII letters and digits; {options['id']!r} is none."
    if options["method"] == "GET" and (options["max_size"] or options["content_type"]):
        return "--max-size and --content-type are about what is stored: --method PUT."
    if options["method"] == "PUT" and options["file_name"]:
        return "--file-name is about what is read: --method GET."
    if options["content_type"] and not is_content_type(options["content_type"]):
        return "--content-type must be visible ASCII, such as image/png."
    if options["file_name"] and not is_file_name(options["file_name"]):
        return "--file-name must be a name without a path and control characters."
    return None


def _key() -> Key:
    keys = signing_keys().symmetric
    if not keys:
        raise CommandError(
            f"{settings.OBJGW_AUTH_KEYS} has no {HS256} key, which links are signed with; "
            "manage.py authkeys add makes one."
        )
    return keys[-1]
