"""Query parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from objects.exceptions import InvalidParameter
from objects.identifiers import is_prefix

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
#: Characters of the longest key that a node can have.
MAX_KEY = 1024
#: A segment that MinIO, which stores keys as paths, has in no key, and lists nothing behind.
_DOTS = re.compile(r"(?:^|[/\\])\s*\.{1,2}\s*(?:$|[/\\])", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_KNOWN = ("prefix", "after", "limit", "partial")


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """Which objects: up to ``limit`` ids that start with ``prefix`` and come behind ``after``.

    :ivar partial: leave out nodes that cannot be listed, rather than fail.
    """

    prefix: str = ""
    after: str = ""
    limit: int = DEFAULT_LIMIT
    partial: bool = False


def listing_query(parameters: Mapping[str, str]) -> ListingQuery:
    """What the query of a listing asks for.

    :raises InvalidParameter: naming the parameter.
    """
    for name in parameters:
        if name not in _KNOWN:
            raise InvalidParameter(f"{name!r} is none of {', '.join(_KNOWN)}.")
    prefix, after = parameters.get("prefix", ""), parameters.get("after", "")
    if not is_prefix(prefix):
        raise InvalidParameter("prefix must be up to 32 ASCII letters and digits.")
    # Not always an id: a page may end with some other key, and the next page begins after it.
    if len(after) > MAX_KEY or "\0" in after:
        raise InvalidParameter(f"after must be up to {MAX_KEY} characters, and none of them NUL.")
    if "." in after and _DOTS.search(after):
        raise InvalidParameter("after must not have . or .. between slashes, which no key has.")
    limit = parameters.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidParameter(
            f"limit must be a whole number from 1 to {MAX_LIMIT}, not {limit!r}."
        )
    partial = parameters.get("partial", "false")
    if partial not in _BOOLEANS:
        raise InvalidParameter(f"partial must be true or false, not {partial!r}.")
    return ListingQuery(prefix, after, int(limit), _BOOLEANS[partial])
