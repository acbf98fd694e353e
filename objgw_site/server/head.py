"""The head of a request, read as it arrives: limited as a whole, and each byte examined once."""

import re
from typing import Any

from objgw_site.server import internals
from objgw_site.server.chunked import ChunkedReader, has_bare_line_feed
from objgw_site.server.errors import (
    HEAD_LIMIT,
    HeadTooLarge,
    InvalidRequest,
    MethodNotImplemented,
    RequestLine,
    VersionNotSupported,
)
from objgw_site.server.internals import TOKEN_RE, Body, errors, socket_of, use_request_class
from objgw_site.server.turns import receive

#: RFC 9110 section 9.3, and PATCH (RFC 5789). Any other gets 501.
METHODS = frozenset(
    {"GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS", "PATCH", "CONNECT", "TRACE"}
)
_END = b"\r\n\r\n"
_RECEIVED = 8 * 1024
_VERSION = re.compile(rb" HTTP/([0-9])\.([0-9])\Z")


class Request(internals.Request):  # type: ignore[misc]  # gunicorn has no type hints
    """A client's request: gunicorn's, but for how its head is received."""

    body: Body

    def parse(self, unreader: Any) -> bytes:
        """
        :raises StopIteration: when the client sent nothing.
        :raises NoMoreData: when it stopped within the head.
        :raises Problem, ParseException: if it is not a request, or not one that is served.
        """
        data: bytes = unreader.read()
        if not data:
            raise StopIteration
        if data[0] == 13:
            data = self._without_empty_line(data)
        end = data.find(_END)
        if end < 0:
            data, end = self._received_until_end(data)
        self._trailer_limit = HEAD_LIMIT - end - len(_END)
        if self._trailer_limit < 0:
            raise HeadTooLarge
        line_end = data.find(b"\r\n", 0, end + 2)
        self.parse_request_line(data[:line_end])
        if line_end < end:
            self.headers = self.parse_headers(data[line_end + 2 : end])
        return data[end + len(_END) :]

    def parse_request_line(self, line_bytes: bytes) -> None:
        """
        :raises LimitRequestLine, VersionNotSupported, MethodNotImplemented, ParseException:
        """
        try:
            self._parse_request_line(line_bytes)
        except (MethodNotImplemented, VersionNotSupported) as problem:
            problem.req = RequestLine.of(line_bytes)
            raise

    def _parse_request_line(self, line_bytes: bytes) -> None:
        if len(line_bytes) > self.limit_request_line > 0:
            raise errors.LimitRequestLine(len(line_bytes), self.limit_request_line)
        if not line_bytes.endswith(b" HTTP/1.1"):
            line_bytes = _of_known_version(line_bytes)
        try:
            super().parse_request_line(line_bytes)
        except errors.InvalidRequestMethod:
            # gunicorn takes no unusual ones, nor those in small letters.
            if not TOKEN_RE.fullmatch(self.method):
                raise
            raise _not_implemented(self.method) from None
        if self.method not in METHODS:
            raise _not_implemented(self.method)

    def set_body_reader(self) -> None:
        super().set_body_reader()
        if isinstance(internals.reader_of(self.body), internals.GunicornChunkedReader):
            self.body = Body(ChunkedReader(self, self._trailer_limit))

    def _without_empty_line(self, data: bytes) -> bytes:
        """RFC 9112 section 2.2: an empty line before a request is ignored."""
        if len(data) == 1:
            data += self._receive()
        return data[2:] if data.startswith(b"\r\n") else data

    def _received_until_end(self, data: bytes) -> tuple[bytes, int]:
        """Receive all of the head: what there is then, and where the head ends."""
        buffer = bytearray(data)
        known = 0
        line_known = False
        while (end := buffer.find(_END, max(0, known - 3))) < 0:
            # What cannot become a request is refused without waiting for its end.
            if has_bare_line_feed(buffer, known):
                raise InvalidRequest("A line of the head ends without a CR.")
            if not line_known:
                line_end = buffer.find(b"\r\n", max(0, known - 1))
                line_known = line_end >= 0
                if line_known or len(buffer) > self.limit_request_line + 1 > 1:
                    self.parse_request_line(bytes(buffer[: line_end if line_known else None]))
            if len(buffer) > HEAD_LIMIT:
                raise HeadTooLarge
            known = len(buffer)
            buffer += self._receive()
        return bytes(buffer), end

    def _receive(self) -> bytes:
        data = receive(socket_of(self.unreader), _RECEIVED)
        if not data:
            raise errors.NoMoreData(b"")
        return data


def _of_known_version(line: bytes) -> bytes:
    """A request line of HTTP/1.0 or 1.1; one that has no version comes back as it is.

    HTTP/1.2 and above are understood as 1.1 (RFC 9110 section 2.5).

    :raises VersionNotSupported: for other major versions.
    """
    found = _VERSION.search(line)
    if found is None:
        return line
    if found[1] != b"1":
        raise VersionNotSupported(
            f"HTTP/{int(found[1])}.{int(found[2])} is not spoken here; HTTP/1.1 is."
        )
    return line if found[2] == b"0" else line[:-1] + b"1"


def _not_implemented(method: str) -> MethodNotImplemented:
    return MethodNotImplemented(
        f"The method {method[:40]} is not known here; known are {', '.join(sorted(METHODS))}."
    )


use_request_class(Request)
