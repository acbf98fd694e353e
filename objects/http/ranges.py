"""Byte ranges (RFC 9110 section 14)."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(
    r"bytes=[ \t]*(?:(\d{1,99})-(\d{0,99})|-(\d{1,99}))[ \t]*", re.ASCII | re.IGNORECASE
)
#: No object reaches so far, and nodes take no number that is larger than 64 bits with a sign.
_FAR = 2**63 - 2


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One range of bytes: ``first`` to ``last``, or the last ``suffix`` bytes.

    :ivar first: offset of the first byte, None for a suffix.
    :ivar last: offset of the last byte, None for the end.
    :ivar suffix: how many bytes from the end, None when ``first`` is set.
    """

    first: int | None
    last: int | None = None
    suffix: int | None = None

    @property
    def header(self) -> str:
        """The value of a Range header field."""
        if self.first is None:
            return f"bytes=-{self.suffix}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"

    def satisfiable(self, size: int) -> bool:
        """Whether an object of ``size`` bytes has any byte of it (section 14.1.1)."""
        return bool(self.suffix) if self.first is None else self.first < size


def parse_range(header: str | None) -> ByteRange | None:
    """The one range that a Range header field asks for.

    None when there is no such field, or it is to be ignored (section 14.2): a unit other than
    bytes, text that is not a range, and several ranges, which are answered with the whole object.
    """
    match = _ONE_RANGE.fullmatch(header) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return ByteRange(None, suffix=min(int(suffix), _FAR))
    if last and int(last) < int(first):
        return None
    return ByteRange(min(int(first), _FAR), min(int(last), _FAR) if last else None)
