"""Reading an object piece by piece: all of it, a part as it was uploaded, or a range."""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from objects.exceptions import (
    NodeTimeout,
    NodeUnavailable,
    ObjectNotFound,
    PreconditionFailed,
)
from objects.store.errors import TimedOut, TransportError
from objects.store.payload import PART_SIZE, Streamed
from objects.store.response import NodeResponse
from objects.store.store import Store
from problems.problem import Problem

#: Bytes of a part of what was not stored in parts, unless there would be too many.
_CUT = PART_SIZE
_MOST_PARTS = 10_000
#: The header fields that a node stores with an object, other than metadata.
_STORED = (
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Disposition",
    "Cache-Control",
    "Expires",
)

#: Is told of bytes that were sent, between two pieces, and may wait; within one it is told of none,
#: and must not. It ends the copy by raising.
Throttle = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """An object as a node has it.

    :ivar size: bytes.
    :ivar etag: the entity tag, with its quotes.
    """

    key: str
    size: int
    etag: str


class TooSlow(Exception):
    """An object did not arrive within the time in which what is known of its source holds."""


class SourceChanged(Exception):
    """The source has no longer what was found there; the text says under which key."""


def find(store: Store, key: str) -> Found | None:
    """What a node has under a key, None for nothing.

    :raises Problem: its ``source`` names the node.
    """
    with named(store):
        try:
            answer = store.get(key, {}, head=True)
        except ObjectNotFound:
            return None
        answer.close()
        return Found(key, answer.length or 0, answer.headers.get("etag", ""))


@dataclass(frozen=True, slots=True)
class Piece:
    """What is asked for at once: all of an object, a part as it was uploaded, or a range."""

    number: int | None = None
    byte_range: str | None = None


def cut(size: int) -> list[Piece]:
    """The ranges that an object of so many bytes goes over in, when it was not stored in parts."""
    length = max(_CUT, -(-size // _MOST_PARTS))
    return [
        Piece(byte_range=f"bytes={start}-{min(start + length, size) - 1}")
        for start in range(0, size, length)
    ]


@contextmanager
def opened(store: Store, found: Found, piece: Piece) -> Iterator[NodeResponse]:
    """The answer with a piece of an object, closed at the end of the block.

    :raises SourceChanged: when the node has something else under the key, or nothing.
    :raises Problem: its ``source`` names the node.
    """
    headers = {"If-Match": found.etag}
    if piece.byte_range is not None:
        headers["Range"] = piece.byte_range
    with named(store):
        try:
            if piece.number is None:
                answer = store.get(found.key, headers)
            else:
                answer = store.get_part(found.key, piece.number, headers)
        except (ObjectNotFound, PreconditionFailed):
            raise SourceChanged(found.key) from None
    with closing(answer):
        yield answer


class Received:
    """An answer's body as the `Body` of an upload, whose failures are those of its node."""

    def __init__(
        self,
        store: Store,
        answer: NodeResponse,
        throttle: Throttle,
        *digests: "hashlib._Hash",
        until: float = math.inf,
    ) -> None:
        """
        :param digests: of what is read.
        :param until: on the monotonic clock; nothing is handed out later.
        """
        self.length = answer.length
        self.received = 0
        self._digests = digests
        self._store = store
        self._chunks = iter(answer)
        self._throttle = throttle
        self._until = until

    def read(self, size: int) -> bytes:
        """The next bytes, see `Body.read`. A chunk is all that an upload asks for."""
        try:
            chunk = next(self._chunks, b"")
        except TransportError as error:
            raise lost(self._store, error) from error
        self._throttle(0)
        if time.monotonic() > self._until:
            raise TooSlow
        for digest in self._digests:
            digest.update(chunk)
        self.received += len(chunk)
        return chunk


class Joined:
    """An object that is read in ranges, as the `Body` of one upload. No answer of the source is
    open while the throttle waits: MinIO would keep writers waiting, too.

    :param digests: of what is read.
    :ivar first: the answer with the first range, for what comes with the object. It is read here.
    """

    def __init__(
        self, source: Store, found: Found, throttle: Throttle, *digests: "hashlib._Hash"
    ) -> None:
        self.length: int | None = found.size
        self.received = 0
        self._digests = digests
        self._source = source
        self._found = found
        self._throttle = throttle
        self._ranges = iter(cut(found.size))
        self._open = ExitStack()
        self.first = self._next()

    def read(self, size: int) -> bytes:
        """The next bytes, see `Body.read`.

        :raises SourceChanged: see `opened`.
        """
        if self.received == self.length:
            return b""
        if self._piece.received == self._piece.length:
            self._throttle(self._piece.received)
            self._next()
        chunk = self._piece.read(size)
        self.received += len(chunk)
        return chunk

    def close(self) -> None:
        """End the answer that is being read."""
        self._open.close()

    def _next(self) -> NodeResponse:
        self._open.close()
        answer = self._open.enter_context(opened(self._source, self._found, next(self._ranges)))
        self._piece = Received(self._source, answer, self._throttle, *self._digests)
        return answer


def new_md5(data: bytes = b"") -> "hashlib._Hash":
    """What entity tags are made with."""
    return hashlib.md5(data, usedforsecurity=False)


def size_and_md5(store: Store, found: Found, piece: Piece) -> tuple[int, bytes]:
    """How many bytes a piece has, and their MD5; they are read for it.

    :raises SourceChanged: see `opened`.
    """
    md5 = new_md5()
    with opened(store, found, piece) as answer:
        body = Received(store, answer, lambda size: None, md5)
        for _ in Streamed(body):
            pass
    return body.received, md5.digest()


@contextmanager
def named(store: Store) -> Iterator[None]:
    """Names the node as the source of a problem, unless it is another's already."""
    try:
        yield
    except Problem as problem:
        problem.source = problem.source or f"node {store.node.name}"
        raise


def lost(store: Store, error: TransportError) -> Problem:
    problem: Problem = NodeUnavailable("hung up")
    if isinstance(error, TimedOut):
        problem = NodeTimeout("did not go on in time")
    problem.source = f"node {store.node.name}"
    return problem.noted(str(error))


def stored_fields(answer: NodeResponse) -> Mapping[str, str]:
    """The header fields to be stored with a copy."""
    fields = answer.headers
    return {name: fields[name.lower()] for name in _STORED if name.lower() in fields}
