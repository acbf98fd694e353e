"""How a body is sent to a node: from memory, as the client sends it, or part by part.

This is decided here, by its length, and with it whether the body can be sent again.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import ClassVar, Protocol

from objects.store.response import CHUNK
from objects.store.spool import Spool, SpooledFile

#: Bodies of up to this many bytes are read whole, and sent in one piece.
SMALL = 64 * 1024
#: Bytes of the first parts of a body of unknown length. S3 asks for at least 5 MiB, and takes at
#: most 10,000 parts.
PART_SIZE = 8 * 2**20
#: After this many parts they grow by `PART_SIZE`, if the spool has room, so that 10,000 of them
#: hold 430 GiB.
PARTS_OF_ONE_SIZE = 1000
#: The most of a part that is held in memory; the rest is in an unnamed temporary file.
_IN_MEMORY = 64 * 1024


class Body(Protocol):
    """A body as it comes from a client.

    :ivar length: bytes, None when the client does not say.
    :ivar received: bytes read so far.
    """

    length: int | None
    received: int

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; b"" only at the end.

        :raises Problem: when it cannot be read to its end.
        """


def _granted() -> None:
    """Nothing speaks against it."""


class Payload(ABC):
    """A body to be stored.

    :cvar streamed: whether it comes from the client while it is sent: the node is asked whether it
        wants the body before a byte of it is taken.
    :ivar permit: asked before the last byte is sent, and before several parts become an object.
        What it raises ends the upload, and nothing is stored then.
    """

    streamed: ClassVar[bool] = True
    permit: Callable[[], None] = staticmethod(_granted)

    @property
    @abstractmethod
    def length(self) -> int | None:
        """Bytes, None when that is not known yet: then there are `Parts`."""

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether all of it can still be sent from the start."""

    @property
    @abstractmethod
    def sent(self) -> int:
        """Bytes of the body; known at the end."""

    @abstractmethod
    def __iter__(self) -> Iterator[bytes]:
        """The body in chunks, from the start."""

    def close(self) -> None:  # noqa: B027  (most hold nothing)
        """Done with it."""

    def _permitted(self, chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
        """The chunks of a body of so many bytes, the last one only with permission."""
        left = length
        for chunk in chunks:
            left -= len(chunk)
            if left > 0:
                yield chunk
                continue
            if len(chunk) > 1:
                yield chunk[:-1]
            self.permit()
            yield chunk[-1:]


class Whole(Payload):
    """A small body, in memory."""

    streamed = False
    repeatable = True
    length = sent = 0

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = self.sent = len(data)

    def __iter__(self) -> Iterator[bytes]:
        self.permit()
        return iter((self._data,))


class Streamed(Payload):
    """A body of known length, passed on as the client sends it."""

    def __init__(self, body: Body) -> None:
        self._body = body

    @property
    def length(self) -> int:
        return self._body.length or 0

    @property
    def sent(self) -> int:
        return self._body.received

    @property
    def repeatable(self) -> bool:
        return self._body.received == 0

    def __iter__(self) -> Iterator[bytes]:
        return self._permitted(iter(lambda: self._body.read(CHUNK), b""), self.length)


class Parts(Payload):
    """A body of unknown length, collected one part at a time.

    The first part is read at once: when it is the only one, the length is known and the payload is
    like any other; if not, `read_next_part` reads the next one over it.

    :raises SpoolFull, GatewayFull: when there is no room for it; from `read_next_part` as well.
    """

    def __init__(self, body: Body, spool: Spool) -> None:
        self._body = body
        self._file = SpooledFile(spool, _IN_MEMORY, PART_SIZE)
        self._number = 0
        self._ended = False
        self.part_length = 0
        try:
            self.read_next_part()
        except BaseException:
            self.close()
            raise

    @property
    def length(self) -> int | None:
        return self.part_length if self._ended and self._number == 1 else None

    @property
    def sent(self) -> int:
        return self._body.received

    @property
    def repeatable(self) -> bool:
        return self._number == 1

    def __iter__(self) -> Iterator[bytes]:
        self._file.rewind()
        chunks = iter(lambda: self._file.read(CHUNK), b"")
        return self._permitted(chunks, self.part_length)

    def read_next_part(self) -> bool:
        """Read the next part in place of the present one; False when there is none."""
        if self._ended:
            return False
        self._file.clear()
        self._file.enlarge(PART_SIZE * (1 + self._number // PARTS_OF_ONE_SIZE))
        self._number += 1
        self.part_length = 0
        while self.part_length < self._file.size:
            chunk = self._body.read(min(CHUNK, self._file.size - self.part_length))
            if not chunk:
                self._ended = True
                break
            self._file.write(chunk)
            self.part_length += len(chunk)
        # Not while it is being sent: a disk that is full is found out before.
        self._file.rewind()
        return self.part_length > 0

    def close(self) -> None:
        self._file.close()


def payload_of(body: Body, spool: Spool) -> Payload:
    """The payload for a client's body. It is to be closed.

    :param spool: where a part waits that does not fit into memory.
    :raises Problem: see `Body.read`.
    :raises SpoolFull, GatewayFull: see `Parts`.
    """
    if body.length is None:
        parts = Parts(body, spool)
        if parts.length is None or parts.length > SMALL:
            return parts
        with closing(parts):
            return Whole(b"".join(parts))
    if body.length <= SMALL:
        return Whole(b"".join(Streamed(body)))
    return Streamed(body)
