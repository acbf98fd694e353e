"""Object ids."""

import re

from objects.exceptions import InvalidId

_CHARACTERS = "[A-Za-z0-9]"
_LONGEST = 32
#: Regular expressions for the OpenAPI document: an id, and what an id can begin with.
PATTERN = f"^{_CHARACTERS}{{1,{_LONGEST}}}$"
PREFIX_PATTERN = f"^{_CHARACTERS}{{0,{_LONGEST}}}$"
# Not the patterns above: their $ matches before a line feed, too.
_ID = re.compile(f"{_CHARACTERS}{{1,{_LONGEST}}}", re.ASCII)
_PREFIX = re.compile(f"{_CHARACTERS}{{0,{_LONGEST}}}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether a text is an object id."""
    return _ID.fullmatch(text) is not None


def is_prefix(text: str) -> bool:
    """Whether an id can begin with a text."""
    return _PREFIX.fullmatch(text) is not None


def parse_id(text: str) -> str:
    """The id that a path names.

    :raises InvalidId: when it is not 1 to 32 ASCII letters and digits.
    """
    if _ID.fullmatch(text):
        return text
    raise InvalidId(
        f"An object id is 1 to {_LONGEST} ASCII letters and digits (A-Z, a-z, 0-9); "
        + (f"this one has {len(text)} characters." if len(text) > _LONGEST else f"{text!r} is not.")
    )
