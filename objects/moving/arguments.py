"""The arguments of `manage.py layout plan` and `apply`."""

import argparse
import os
from typing import Any

from objects.moving.wanted import Wanted, weight_of
from objects.moving.words import bytes_of

#: The least that is worth a limit: between two chunks nodes must not wait for too long.
_LEAST_RATE = 64 * 1024


def add_change(action: argparse.ArgumentParser) -> None:
    """Add what says how the layout is to be different, and how fast that may go."""
    for option, text in (
        ("--add", "a node that is to own ids, too"),
        ("--remove", "a node that is to own none; it is empty then"),
        ("--lost", "a node whose disk is gone: removed without waiting for it"),
    ):
        action.add_argument(option, metavar="NAME", action="append", default=[], help=text)
    action.add_argument("--router", help="modulo, rendezvous, ring, or the dotted path of one")
    action.add_argument(
        "--weight",
        metavar="NAME=NUMBER",
        action="append",
        default=[],
        help="how much a node is to own, compared with the others",
    )
    action.add_argument(
        "--limit-rate",
        type=rate,
        metavar="BYTES",
        help="the most bytes a second that move, as 10MiB",
    )


def wanted_of(options: Any) -> Wanted:
    """What they say is to be different.

    :raises NotPossible: for an invalid weight.
    """
    return Wanted(
        frozenset(options["add"]),
        frozenset(options["remove"]),
        frozenset(options["lost"]),
        options["router"],
        dict(weight_of(text) for text in options["weight"]),
    )


def rate(text: str) -> int:
    """Bytes a second."""
    try:
        number = bytes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if number < _LEAST_RATE:
        raise argparse.ArgumentTypeError(f"must be {_LEAST_RATE // 1024}KiB or more, not {text}")
    return number


def default_jobs() -> int:
    """Half as many objects at once as there are processors, 1 to 8: with more, those that write and
    read meanwhile wait for the mover rather than for their nodes.
    """
    return min(8, max(1, (os.cpu_count() or 1) // 2))


def jobs(text: str) -> int:
    """Objects at once."""
    if not (text.isdecimal() and 1 <= int(text) <= 256):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 256, not {text!r}")
    return int(text)
