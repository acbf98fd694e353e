"""Sizes and times, as people write and read them.

Does not import Django: settings are read with it.
"""

import argparse
import re
from collections.abc import Callable

_SIZE = re.compile(r"([0-9]{1,18})\s*([KMGT]i?B?|B)?", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FACTOR = {"": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_size(text: str) -> int | None:
    """The bytes of ``1048576``, ``64KiB`` or ``5G`` (powers of 1024); None if it is not a size."""
    match = _SIZE.fullmatch(text)
    if not match or not int(match[1]):
        return None
    return int(match[1]) * _FACTOR[(match[2] or "")[:1].upper()]


def parse_duration(text: str) -> int | None:
    """The seconds of ``90s``, ``15m``, ``1h``, ``30d`` or ``2w``; None if it is not a duration."""
    match = _DURATION.fullmatch(text)
    if not match or not int(match[1]):
        return None
    return int(match[1]) * _SECONDS[match[2]]


def duration_up_to(most: int) -> Callable[[str], int]:
    """A type of arguments for argparse: a duration, in seconds.

    :param most: in seconds.
    """

    def duration(text: str) -> int:
        found = parse_duration(text)
        if found is None or found > most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is no duration such as 90s, 15m, 1h, 30d or 2w, up to "
                f"{most // _SECONDS['d']}d"
            )
        return found

    return duration


def size_up_to(most: int) -> Callable[[str], int]:
    """A type of arguments for argparse: a size."""

    def size(text: str) -> int:
        found = parse_size(text)
        if found is None or found > most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is no number of bytes such as 1048576 or 64KiB, up to {in_bytes(most)}"
            )
        return found

    return size


def seconds_between(least: float, most: float) -> Callable[[str], float]:
    """A type of arguments for argparse: a number of seconds."""

    def seconds(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = float("nan")
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is no number of seconds from {least:g} to {most:g}"
            )
        return found

    return seconds


def in_bytes(count: float) -> str:
    """A number of bytes with three digits: ``0 B``, ``1.50 KiB``, ``64.0 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1000 or unit == "TiB":
            break
        count /= 1024
    if unit == "B":
        return f"{count:.0f} B"
    return f"{count:.{2 if count < 10 else 1 if count < 100 else 0}f} {unit}"


def in_seconds(seconds: float) -> str:
    """A duration with about three digits: ``0.31 ms``, ``12.5 ms``, ``3.20 s``."""
    if seconds >= 1:
        return f"{seconds:.{2 if seconds < 10 else 1}f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.{2 if milliseconds < 10 else 1 if milliseconds < 100 else 0}f} ms"
