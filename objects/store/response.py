"""A node's answer: its head parsed, its body complete or an error."""

import re
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

import httptools

from objects.store.errors import BadAnswer, ConnectionLost, WantsTls

#: Bytes asked of a socket at once.
CHUNK = 256 * 1024
#: Likewise where what arrives is parsed, which must not keep others waiting for long.
PIECE = 16 * 1024
#: The most that the header section of an answer may have: bytes, and fields.
MAX_HEAD = 64 * 1024
MAX_FIELDS = 256
#: With chunked coding, bytes around each byte of content: a chunk of one byte has five.
_MAX_FRAMING = 8
#: Lengths of bodies are less.
_FAR = 2**63

#: What a server in Go, as MinIO is, says to who comes without TLS (net/http/server.go).
_NOT_WITHOUT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\n"

_NO_BODY = frozenset({204, 304})
_SWITCHING = 101


#: RFC 9112 sections 4 and 5, without line folding; RFC 9110 section 5.5 for what a value may have.
_HEAD = re.compile(
    r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?\r\n"
    r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*\r\n"
)
#: With zeros before it, for all that anybody knows.
_LENGTH = re.compile(r"[0-9]{1,99}", re.ASCII)


class _Chunks:
    """Collects what httptools reports of a chunked body."""

    __slots__ = ("body", "complete", "excess")

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.complete = False
        self.excess = False

    def on_message_begin(self) -> None:
        # Behind the end of the answer another one begins, that nobody asked for.
        self.excess = self.complete

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


class Source(Protocol):
    """The connection that an answer comes from.

    :ivar patience: seconds for which the node may be silent.
    """

    patience: float

    def receive(self, size: int, deadline: float | None = None) -> bytes:
        """At most ``size`` bytes, by a moment of the monotonic clock; b"" at the end.

        :raises TransportError: when there is nothing to be had.
        """

    def release(self, *, reusable: bool) -> None:
        """Done with the answer."""


class NodeResponse:
    """An answer whose header section has arrived.

    Iterating gives the body as it comes; it ends only when the whole body was received, and raises
    when it was cut short. `close` gives the connection back if the body was read to its end, else
    ends it.

    :ivar status: the status code, 100 at least.
    :ivar headers: field names in lower case.
    :ivar length: what Content-Length says, None where there is none. With HEAD and 304 it is the
        length of what is not sent (RFC 9110 section 8.6).
    :ivar node: the node's name, for the log; for the caller to set.
    :ivar metadata: the client's own, stored with an object; for the caller to set.
    """

    node = ""
    metadata: Mapping[str, str] = MappingProxyType({})

    def __init__(self, connection: Source, head: bytes, *, bodiless: bool, reusable: bool) -> None:
        """
        :param head: up to the empty line, and with it.
        :param bodiless: that no body follows, whatever the head says: an answer to HEAD.
        :param reusable: that nothing but the answer itself speaks against another request.
        :raises BadAnswer: for what is not HTTP, or has no marked end.
        """
        # Lines, of which two are no fields. In less than a piece there cannot be too many to bear.
        if len(head) > PIECE and head.count(b"\n") > MAX_FIELDS + 2:
            raise BadAnswer(f"the node's answer has more than {MAX_FIELDS} header fields")
        text = head.decode("latin-1")
        found = _HEAD.fullmatch(text)
        if found is None:
            raise BadAnswer(f"the node's answer is not HTTP: {text[:80]!r}")
        self.status = int(found[2])
        if self.status == _SWITCHING:
            raise BadAnswer("the node's answer is not HTTP: it goes on in another protocol")
        self.headers = headers = _fields_of(text)
        self._connection = connection
        self._reusable = reusable and found[1] == "1"
        if "connection" in headers:
            self._reusable = self._reusable and _persistent(headers["connection"])
        self.length: int | None = None
        if "content-length" in headers:
            self.length = _length_of(headers["content-length"])
            headers["content-length"] = str(self.length)
            if "transfer-encoding" in headers:
                raise BadAnswer("the node's answer is not HTTP: it has a length and a coding")
        self._chunks: _Chunks | None = None
        self._remaining = 0
        if not (bodiless or self.status in _NO_BODY or self.status < 200):
            if "transfer-encoding" in headers:
                self._expect_chunks(head)
            elif self.length is None:
                raise _of_no_length(head)
            else:
                self._remaining = self.length
        self._finished = self._remaining == 0 and self._chunks is None

    def _expect_chunks(self, head: bytes) -> None:
        if self.headers["transfer-encoding"].strip().lower() != "chunked":
            raise BadAnswer("the node's answer has a transfer coding other than chunked")
        self._chunks = _Chunks()
        self._parser = httptools.HttpResponseParser(self._chunks)
        self._feed(self._chunks, head)

    def __iter__(self) -> Iterator[bytes]:
        return self._in_chunks(CHUNK) if self._chunks else self._counted(CHUNK)

    def pieces(self, limit: int, within: float | None = None) -> Iterator[bytes]:
        """The body in small pieces, each after its turn in the event loop.

        :param limit: the most bytes.
        :param within: seconds for all of it; without it, those that a node may be silent.
        :raises BadAnswer: when it has more bytes.
        :raises TimedOut: when it takes longer, or the node is silent for too long.
        """
        deadline = time.monotonic() + (self._connection.patience if within is None else within)
        size = self._remaining
        if size <= limit:
            size = 0
            receive = self._in_chunks if self._chunks else self._counted
            for piece in receive(PIECE, deadline):
                size += len(piece)
                if size > limit:
                    break
                yield piece
        if size > limit:
            raise BadAnswer(f"the node's answer has more than {limit} bytes")

    def read(self, limit: int = MAX_HEAD) -> bytes:
        """The whole body; the answer is closed then.

        :raises BadAnswer, TimedOut: see `pieces`.
        """
        try:
            return b"".join(self.pieces(limit))
        finally:
            self.close()

    def close(self) -> None:
        """Done with this answer; may be called more than once."""
        self._connection.release(reusable=self._finished and self._reusable)

    def _counted(self, size: int, deadline: float | None = None) -> Iterator[bytes]:
        while self._remaining:
            chunk = self._connection.receive(min(self._remaining, size), deadline)
            if not chunk:
                raise ConnectionLost(
                    f"the node broke off with {self._remaining} bytes to come", answered=True
                )
            self._remaining -= len(chunk)
            self._finished = self._remaining == 0
            yield chunk

    def _in_chunks(self, size: int, deadline: float | None = None) -> Iterator[bytes]:
        chunks = self._chunks
        assert chunks is not None, "it is called for chunked bodies only"  # noqa: S101
        allowed = MAX_HEAD
        while not chunks.complete:
            data = self._connection.receive(size, deadline)
            if not data:
                raise ConnectionLost("the node broke off in a chunked answer", answered=True)
            self._feed(chunks, data)
            body, chunks.body = chunks.body, []
            # Extensions of chunks, and trailers, may otherwise go on without any content.
            allowed += _MAX_FRAMING * sum(map(len, body)) - len(data)
            if allowed < 0:
                raise BadAnswer("the node's answer is chunk headers and trailers for the most part")
            yield from body
        self._finished = True

    def _feed(self, chunks: _Chunks, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not chunks.complete:
                raise BadAnswer(f"the node's answer is not HTTP: {error}") from error
            chunks.excess = True
        if chunks.excess:
            self._reusable = False


def _of_no_length(head: bytes) -> BadAnswer:
    if head == _NOT_WITHOUT_TLS:
        return WantsTls("the node wants TLS")
    return BadAnswer("the node's answer does not say how long it is")


def _fields_of(head: str) -> dict[str, str]:
    """The header fields of a head: names in lower case; the values of one name in a list."""
    fields: dict[str, str] = {}
    for line in head.split("\r\n")[1:-2]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _length_of(text: str) -> int:
    """
    :raises BadAnswer: when it is not one number.
    """
    if not _LENGTH.fullmatch(text):
        raise BadAnswer(f"the node's answer is not HTTP: Content-Length is {text[:80]!r}")
    length = int(text)
    if length >= _FAR:
        raise BadAnswer("the node's answer is longer than anything can be")
    return length


def _persistent(options: str) -> bool:
    """Whether the connection outlives this answer (RFC 9112 section 9.3)."""
    return "close" not in [option.strip() for option in options.lower().split(",")]
