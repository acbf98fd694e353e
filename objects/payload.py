"""A body on its way into a store: in memory, from the client as it comes, or part by part.

What kind it is decides how it is sent, and whether it can be sent again when a node turns out to
be elsewhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing

from objects.body import CHUNK, RequestBody
from objects.spool import Spool, SpooledFile

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


class Payload(ABC):
    """A body to be stored."""

    @property
    @abstractmethod
    def length(self) -> int | None:
        """Bytes, None when that is not known yet: then there are `Parts`."""

    @property
    @abstractmethod
    def replayable(self) -> bool:
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


class Whole(Payload):
    """A small body, in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @property
    def length(self) -> int:
        return len(self.data)

    @property
    def sent(self) -> int:
        return len(self.data)

    @property
    def replayable(self) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        yield self.data


class Streamed(Payload):
    """A body of known length, passed on as the client sends it."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body

    @property
    def length(self) -> int:
        return self._body.length or 0

    @property
    def sent(self) -> int:
        return self._body.received

    @property
    def replayable(self) -> bool:
        return self._body.received == 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)


class Parts(Payload):
    """A body of unknown length, collected one part at a time.

    The first part is read at once: when it is the only one, the length is known and the payload is
    like any other; if not, `following` reads the next one over it.

    :raises SpoolFull, GatewayFull: when there is no room for it; from `following` as well.
    """

    def __init__(self, body: RequestBody, spool: Spool) -> None:
        self._body = body
        self._file = SpooledFile(spool, _IN_MEMORY, PART_SIZE)
        self._number = 0
        self._ended = False
        self.part_length = 0
        try:
            self.following()
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
    def replayable(self) -> bool:
        return self._number == 1

    def __iter__(self) -> Iterator[bytes]:
        self._file.rewind()
        while chunk := self._file.read(CHUNK):
            yield chunk

    def following(self) -> bool:
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


def payload_of(body: RequestBody, spool: Spool) -> Payload:
    """The payload for a request's body. It is to be closed.

    :param spool: where a part waits that does not fit into memory.
    :raises IncompleteBody, TooLarge: see `RequestBody.read`.
    :raises SpoolFull, GatewayFull: see `Parts`.
    """
    if body.length is None:
        parts = Parts(body, spool)
        if parts.length is None or parts.length > SMALL:
            return parts
        with closing(parts):
            return Whole(b"".join(parts))
    if body.length <= SMALL:
        return Whole(b"".join(body))
    return Streamed(body)
