"""For which hosts the gateway answers.

A browser sends the name that it looked up. A page of ``evil.example`` whose name is made to point
here (DNS rebinding) would be of the same origin as the gateway, free to read, write and delete; so
a name that anybody may register is answered only where it is configured.

The settings import this module, and gunicorn's master the settings; Django must not be imported
there.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from problems.problem import BadRequest, Problem

#: Names that nobody can register: RFC 6761 section 6.3; ICANN keeps .internal for private use.
_NEVER_PUBLIC = (".localhost", ".internal")
# Django's `split_domain_port` knows neither names with an underscore, which containers have, nor
# an empty port (RFC 3986 section 3.2.3).
_HOST = re.compile(
    r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?)(?::[0-9]{0,5})?",
    re.ASCII | re.IGNORECASE,
)
_PATTERN = re.compile(r"\*|\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII | re.IGNORECASE)
#: Verdicts that are remembered. The longest Host has 8 KB.
_REMEMBERED = 128


class HostNotAllowed(Problem):
    """RFC 9110 section 15.5.20: the request was not meant for this server."""

    status = 421
    code = "host_not_allowed"
    title = "Host not allowed"
    example = (
        "This gateway does not answer for the host 'store.example'. Name it in "
        "DJANGO_ALLOWED_HOSTS, or use an address."
    )


def is_pattern(text: str) -> bool:
    """Whether it can stand in DJANGO_ALLOWED_HOSTS."""
    return _PATTERN.fullmatch(text) is not None


def host_judge(allowed: Sequence[str]) -> Callable[[str], Problem | None]:
    """A function that says of the value of a Host field what speaks against it, None for nothing.

    :param allowed: further names that are answered: ``store.example``, ``.store.example`` for it
        and all below it, ``*`` for any.
    """
    from django.http.request import validate_host

    patterns = (*_NEVER_PUBLIC, *allowed)

    @lru_cache(maxsize=_REMEMBERED)
    def judge(host: str) -> Problem | None:
        parts = _HOST.fullmatch(host)
        if parts is None or (parts["v6"] and not _is_address(parts["v6"])):
            return BadRequest(
                "The Host field must be a host name or an address, and may be followed by a port."
            )
        name = (parts["name"] or "").lower()
        if not name or "." not in name or _is_address(name) or validate_host(name, patterns):
            return None
        return HostNotAllowed(
            f"This gateway does not answer for the host {name!r}. Name it in "
            "DJANGO_ALLOWED_HOSTS, or use an address."
        )

    return judge


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
