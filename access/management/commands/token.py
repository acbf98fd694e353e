"""Issue a token, or say what one allows."""

import sys
import time
from typing import Any

import jwt
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from access.grant import Grant, is_prefix
from access.keyset import Key
from access.management.keys import signing_keys
from access.scopes import SCOPES
from access.tokens import Wish, grant_of, issue, moment
from access.verifier import get_verifier
from problems.problem import Problem
from terminal.command import OperatorCommand
from terminal.quantities import duration_up_to

_YEARS = 10 * 366 * 86_400


class Command(OperatorCommand):
    help = (
        "Issue a token, signed with the newest key in the file that OBJGW_AUTH_KEYS names, and "
        "write it to stdout; or say what a token allows, and until when (exit status 1 when it is "
        "not accepted)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--scope",
            action="append",
            choices=SCOPES,
            default=[],
            help="what it allows; repeat it for more: " + ", ".join(SCOPES),
            metavar="SCOPE",
        )
        parser.add_argument(
            "--prefix",
            action="append",
            default=[],
            metavar="TEXT",
            help="only ids that begin with this; repeat it for more (default: any id)",
        )
        parser.add_argument(
            "--expires",
            type=duration_up_to(_YEARS),
            default=None,
            metavar="DURATION",
            help="how long it is valid: 90s, 15m, 1h, 30d, 2w (default: 1h)",
        )
        parser.add_argument("--subject", default="", metavar="NAME", help="who it is for")
        parser.add_argument(
            "--show", metavar="TOKEN", help="say what this one allows; - to read it from stdin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["show"] is not None:
            given = sys.stdin.read() if options["show"] == "-" else options["show"]
            self._show(given.strip(), options)
            return
        if not options["scope"]:
            raise CommandError(
                f"Say what it allows: --scope {' --scope '.join(SCOPES)}.", returncode=2
            )
        for prefix in options["prefix"]:
            if not is_prefix(prefix):
                raise CommandError(
                    f"--prefix must be 1 to 32 ASCII letters and digits, not {prefix!r}.",
                    returncode=2,
                )
        wish = Wish(
            options["subject"], options["scope"], options["prefix"], options["expires"] or 3600
        )
        now = time.time()
        token = issue(wish, _key(), settings.OBJGW_AUTH_AUDIENCE, now)
        if options["json"]:
            self.write_json({"token": token, "expires": moment(now + wish.seconds)})
        else:
            self.stdout.write(token)

    def _show(self, token: str, options: dict[str, Any]) -> None:
        try:
            grant: Grant | None = grant_of(jwt.decode(token, options={"verify_signature": False}))
        except (jwt.PyJWTError, Problem, ValueError, KeyError, TypeError, RecursionError):
            grant = None
        try:
            get_verifier().token_grant(token)
            refusal = ""
        except Problem as problem:
            refusal = problem.detail
        if options["json"]:
            verdict = {"accepted": not refusal, "refusal": refusal or None}
            self.write_json({**verdict, **_document(grant)})
        elif grant is not None:
            for line in _lines(grant):
                self.stdout.write(line)
        if refusal:
            raise CommandError(f"not accepted: {refusal}")


def _key() -> Key:
    key = signing_keys().newest
    if key is None:
        raise CommandError(
            f"{settings.OBJGW_AUTH_KEYS} has public keys only, and those sign nothing."
        )
    return key


def _document(grant: Grant | None) -> dict[str, object]:
    if grant is None:
        return {}
    return {
        "subject": grant.subject or None,
        "token_id": grant.token_id or None,
        "scopes": sorted(grant.scopes),
        "prefixes": None if grant.prefixes is None else list(grant.prefixes),
        "expires": moment(grant.expires),
    }


def _lines(grant: Grant) -> list[str]:
    ids = "any"
    if grant.prefixes is not None:
        ids = "those that begin with " + ", ".join(grant.prefixes)
    return [
        f"subject  {grant.subject or 'nobody in particular'}",
        f"id       {grant.token_id or 'none'}",
        f"scopes   {' '.join(sorted(grant.scopes)) or 'none'}",
        f"ids      {ids}",
        f"expires  {moment(grant.expires)}",
    ]
