"""Chunked coding, decoded as it arrives (RFC 9112 section 7.1).

gunicorn's reader keeps the worker to itself while there is something to read, and copies what it
has received once for each chunk of it.
"""

import re
from typing import Any

from objgw_site.server.errors import HeadTooLarge, InvalidRequest
from objgw_site.server.internals import (
    CHUNK_EXT_RE,
    NoMoreData,
    give_back,
    socket_of,
    take_received,
)
from objgw_site.server.turns import receive

#: The most bytes of a line with a chunk's size and extensions.
_LINE_LIMIT = 8190
#: Overhead is what is neither data nor granted: 16 bytes and twice the data of each chunk. That
#: allows for one byte a chunk, and not for endless extensions. The figures are those of Go's
#: net/http/internal/chunked.go.
_OVERHEAD_LIMIT = 16 * 1024
_GRANTED = 16
#: Received at once where nothing is known of how much will come.
_RECEIVED = 4 * 1024

# The usual line, with what ends the chunk before it; 16 digits are the most that Go takes, too.
_FIRST = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_NEXT = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})\r\n")
_DIGITS = re.compile(rb"[0-9A-Fa-f]{1,16}")


class ChunkedReader:
    """The data of a chunked body.

    :ivar ended: whether the last chunk and the trailers were read; what came behind them is back
        in gunicorn's unreader then.
    """

    def __init__(self, request: Any, trailer_limit: int) -> None:
        """
        :param request: gunicorn's; it is given the trailers.
        :param trailer_limit: the most bytes of them.
        """
        self._request = request
        self._sock = socket_of(request.unreader)
        self._trailer_limit = trailer_limit
        self._buffer: bytes = take_received(request.unreader)
        self._position = 0
        #: Bytes of the present chunk that are not read yet.
        self._left = 0
        self._line = _FIRST
        self._overhead = 0
        self.ended = False

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; b"" only at the end of the body.

        :raises InvalidRequest: if the chunked coding is invalid, or has too little data.
        :raises HeadTooLarge: for too many trailers.
        :raises NoMoreData: when the client sends no more.
        """
        pieces: list[bytes] = []
        while size > 0:
            if self._left == 0:
                if self.ended:
                    break
                self._begin_chunk()
                continue
            if self._position == len(self._buffer):
                if pieces:
                    break
                # All of it belongs to the body, so that it needs no copy, or reaches behind the
                # chunk, where the size of the next is.
                self._buffer = self._receive(size if size <= self._left else self._left + _RECEIVED)
                self._position = 0
            end = self._position + min(size, self._left)
            piece = self._buffer[self._position : end]
            self._position += len(piece)
            self._left -= len(piece)
            size -= len(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _begin_chunk(self) -> None:
        found = self._line.match(self._buffer, self._position)
        if found:
            self._position = found.end()
            digits, length = found[1], len(found[1])
        else:
            digits, length = self._unusual_line()
        self._line = _NEXT
        self._left = int(digits, 16)
        # Two line ends belong to each chunk.
        self._overhead = max(0, self._overhead + length + 4 - _GRANTED - 2 * self._left)
        if self._overhead > _OVERHEAD_LIMIT:
            raise InvalidRequest(
                "The chunks of the body have too much overhead: "
                f"{_OVERHEAD_LIMIT:,} bytes more than {_GRANTED} and twice the data of each."
            )
        if self._left == 0:
            self._read_trailers()

    def _unusual_line(self) -> tuple[bytes, int]:
        """The digits and the length of a line that has extensions, or has not all come yet."""
        if self._line is _NEXT:
            self._require(2)
            if self._buffer[self._position : self._position + 2] != b"\r\n":
                raise InvalidRequest(
                    "Behind a chunk's data must be CRLF, not "
                    f"{self._buffer[self._position : self._position + 2]!r}."
                )
            self._position += 2
        line = self._until(b"\r\n", _LINE_LIMIT)
        if line is None:
            raise InvalidRequest(f"The line of a chunk's size is over {_LINE_LIMIT:,} bytes.")
        digits, separator, extension = line.partition(b";")
        if separator:
            digits = digits.rstrip(b" \t")
        if not _DIGITS.fullmatch(digits):
            raise InvalidRequest(
                f"The size of a chunk must be 1 to 16 hexadecimal digits, not {digits[:40]!r}."
            )
        if separator and not CHUNK_EXT_RE.fullmatch(b";" + extension):
            raise InvalidRequest(f"A chunk's extension is malformed: {extension[:40]!r}.")
        return digits, len(line)

    def _read_trailers(self) -> None:
        self._require(2)
        if self._buffer.startswith(b"\r\n", self._position):
            self._position += 2
        else:
            section = self._until(b"\r\n\r\n", self._trailer_limit)
            if section is None:
                raise HeadTooLarge
            self._request.trailers = self._request.parse_headers(section, from_trailer=True)
        give_back(self._request.unreader, self._buffer[self._position :])
        self._buffer, self._position = b"", 0
        self.ended = True

    def _until(self, end: bytes, limit: int) -> bytes | None:
        """What comes before ``end``, which is read, too; None when that is over ``limit``."""
        found = self._buffer.find(end, self._position)
        if found < 0:
            found = self._receive_until(end, limit)
        if found < 0 or found - self._position > limit:
            return None
        text = self._buffer[self._position : found]
        self._position = found + len(end)
        return text

    def _receive_until(self, end: bytes, limit: int) -> int:
        """Receive more until there is ``end``: where that is, or -1."""
        buffer = bytearray(memoryview(self._buffer)[self._position :])
        known, overlap = 0, len(end) - 1
        while (found := buffer.find(end, max(0, known - overlap))) < 0 and len(buffer) <= limit:
            if has_bare_line_feed(buffer, known):
                raise InvalidRequest("A line of the body's framing ends without a CR.")
            known = len(buffer)
            buffer += self._receive(_RECEIVED)
        self._buffer, self._position = bytes(buffer), 0
        return found

    def _require(self, size: int) -> None:
        """Receive until there are so many bytes."""
        while len(self._buffer) - self._position < size:
            self._buffer = self._buffer[self._position :] + self._receive(_RECEIVED)
            self._position = 0

    def _receive(self, size: int) -> bytes:
        data = receive(self._sock, size)
        if not data:
            raise NoMoreData(b"")
        return data


def has_bare_line_feed(text: bytearray, known: int) -> bool:
    """Whether there is an LF without a CR before it, from ``known`` on."""
    return text.count(b"\n", known) != text.count(b"\r\n", max(0, known - 1))
