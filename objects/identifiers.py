"""Object ids."""

import re

from objects.exceptions import InvalidId

#: As a regular expression, for the API's schema too.
PATTERN = "^[A-Za-z0-9]{1,32}$"
_ID = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether a text is an object id."""
    return _ID.fullmatch(text) is not None


def parse_id(text: str) -> str:
    """The id that a path names.

    :raises InvalidId: when it is not 1 to 32 ASCII letters and digits.
    """
    if is_id(text):
        return text
    raise InvalidId(
        "An object id is 1 to 32 ASCII letters and digits (A-Z, a-z, 0-9); "
        + (f"this one has {len(text)} characters." if len(text) > 32 else f"{text!r} is not.")
    )
