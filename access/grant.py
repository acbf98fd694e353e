"""What the bearer of a token or a link is allowed to do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PREFIX = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def is_prefix(text: str) -> bool:
    """Whether a token can be limited to ids that begin with it; each id is one, too."""
    return _PREFIX.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """What a signed link is for.

    :ivar method: ``GET`` or ``PUT``.
    :ivar object_id: the one object.
    :ivar expires: POSIX seconds; it holds until then.
    :ivar max_size: bytes that may be stored, None for what the gateway takes.
    :ivar content_type: what has to be stored, "" for anything.
    :ivar file_name: under which a browser saves the object, "" for its own choice.
    """

    method: str
    object_id: str
    expires: int
    max_size: int | None = None
    content_type: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token, or a signed link, allows whoever has it.

    :ivar subject: who it was issued for, "" where it does not say.
    :ivar token_id: the token's ``jti``, "" for none.
    :ivar scopes: those of `access.scopes` that it has.
    :ivar prefixes: what ids have to begin with; None for any id.
    :ivar expires: POSIX seconds.
    :ivar link: of a signed link.
    """

    subject: str
    token_id: str
    scopes: frozenset[str]
    prefixes: tuple[str, ...] | None
    expires: float
    link: LinkTerms | None = None

    def covers(self, object_id: str) -> bool:
        """Whether it is about this object."""
        if self.link is not None:
            return object_id == self.link.object_id
        return self.prefixes is None or object_id.startswith(self.prefixes)

    def within(self, prefix: str) -> tuple[str, ...]:
        """What ids begin with that it is about and that begin with ``prefix``.

        :return: in order; none of them begins with another.
        """
        if self.prefixes is None:
            return (prefix,)
        return _disjoint(
            max(each, prefix, key=len)
            for each in self.prefixes
            if each.startswith(prefix) or prefix.startswith(each)
        )


def _disjoint(prefixes: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    # What begins with a text comes directly behind it.
    for prefix in sorted(set(prefixes)):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return tuple(kept)
