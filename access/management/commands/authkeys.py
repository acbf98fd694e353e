"""Make and rotate the keys that tokens and links are signed with."""

import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from access.keyfile import read_keys, write_keys
from access.keyset import ALGORITHMS, HS256, InvalidKeySet, Key, KeySet, make_key
from access.tokens import moment
from access.watched import Unreadable
from terminal.command import OperatorCommand
from terminal.tables import table

_HEAD = ("KID", "ALGORITHM", "MADE", "SIGNS")


class Command(OperatorCommand):
    help = (
        "Make and rotate the keys that tokens and links are signed with, in the file that "
        "OBJGW_AUTH_KEYS names. Gateways notice within a second. To rotate: add a key, and from "
        "then on new tokens are signed with it; retire the oldest when what it signed has expired. "
        "Links are signed with HS256 keys; a set with the public halves alone, for gateways that "
        "only verify tokens, is what `public` writes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "action",
            choices=("list", "make", "add", "retire", "public"),
            help="list the keys; make a file with one key; add a key; retire the oldest; write "
            "the public halves",
        )
        parser.add_argument("--file", type=Path, help="instead of the one in OBJGW_AUTH_KEYS")
        parser.add_argument(
            "--algorithm",
            choices=ALGORITHMS,
            default=HS256,
            help=f"of a new key (default: {HS256}, which is good for links, too)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"] or Path(settings.OBJGW_AUTH_KEYS or "")
        if path == Path():
            raise CommandError("Name the file: --file PATH, or OBJGW_AUTH_KEYS.", returncode=2)
        try:
            keys = self._done(options["action"], path, options["algorithm"])
        except (Unreadable, InvalidKeySet) as error:
            raise CommandError(f"{error}.") from error
        if options["action"] == "public":
            if all(key.algorithm == HS256 for key in keys.keys):
                raise CommandError(
                    f"{path} has {HS256} keys only, which have no public half; authkeys add "
                    "--algorithm EdDSA makes one that has."
                )
            sys.stdout.buffer.write(keys.public_document())
        elif options["json"]:
            self.write_json({"keys": [_document(key) for key in keys.keys]})
        else:
            self.stdout.write(table(_HEAD, map(_row, keys.keys), self.look(options)))

    def _done(self, action: str, path: Path, algorithm: str) -> KeySet:
        if action == "make":
            keys = KeySet((make_key(algorithm, time.time()),))
            write_keys(path, keys, new=True)
            return keys
        keys = read_keys(path)
        if action == "add":
            keys = KeySet((*keys.keys, make_key(algorithm, time.time())))
        elif action == "retire":
            if len(keys.keys) == 1:
                raise CommandError(
                    f"{path} has one key: without it no token is accepted. Add another first."
                )
            self.stderr.write(f"What {keys.keys[0].key_id} has signed is not accepted any more.")
            keys = KeySet(keys.keys[1:])
        if action in ("add", "retire"):
            write_keys(path, keys, new=False)
        return keys


def _row(key: Key) -> tuple[str, ...]:
    made = "unknown" if key.made is None else moment(key.made)
    signs = "no" if not key.can_sign else "tokens, links" if key.algorithm == HS256 else "tokens"
    return key.key_id or "none", key.algorithm, made, signs


def _document(key: Key) -> dict[str, object]:
    return {
        "kid": key.key_id or None,
        "algorithm": key.algorithm,
        "made": None if key.made is None else moment(key.made),
        "can_sign": key.can_sign,
    }
