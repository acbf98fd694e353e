"""Query parameters."""

import re
from collections.abc import Mapping

from objects.exceptions import InvalidParameter
from objects.listing import Query

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
_ID_OR_NOTHING = re.compile(r"[A-Za-z0-9]{0,32}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_KNOWN = ("prefix", "after", "limit", "partial")


def listing_parameters(parameters: Mapping[str, str]) -> tuple[Query, bool]:
    """What a listing asks for, and whether nodes may be left out.

    :raises InvalidParameter: naming the parameter.
    """
    for name in parameters:
        if name not in _KNOWN:
            raise InvalidParameter(f"{name!r} is none of {', '.join(_KNOWN)}.")
    for name in ("prefix", "after"):
        if not _ID_OR_NOTHING.fullmatch(parameters.get(name, "")):
            raise InvalidParameter(f"{name} must be up to 32 ASCII letters and digits.")
    limit = parameters.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidParameter(
            f"limit must be a whole number from 1 to {MAX_LIMIT}, not {limit!r}."
        )
    partial = parameters.get("partial", "false")
    if partial not in _BOOLEANS:
        raise InvalidParameter(f"partial must be true or false, not {partial!r}.")
    query = Query(parameters.get("prefix", ""), parameters.get("after", ""), int(limit))
    return query, _BOOLEANS[partial]
