"""The spool: temporary files for parts of uploads without a Content-Length, and how much they take.

They are on a disk of the gateway's, which may be the one that the nodes use, too. So what they may
take is bounded, and a body that has no room is refused before more of it is read.
"""

import errno
import shutil
import threading
from contextlib import suppress
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO

from objects.exceptions import GatewayFull, SpoolFull

#: What a file takes first, so that small bodies leave room for many.
FIRST_SHARE = 2**20

_DEFAULT_MOST = 4 * 2**30
_DEFAULT_PART_OF_FREE = 4
#: write(2): no space, none for this user, or for a file of this size.
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def default_size(least: int) -> int:
    """Bytes for all temporary files: 4 GiB, and no more than a quarter of what is free now.

    :param least: never less than that.
    """
    try:
        free = shutil.disk_usage(gettempdir()).free
    except OSError:
        return least
    return max(least, min(_DEFAULT_MOST, free // _DEFAULT_PART_OF_FREE))


class Spool:
    """Room for temporary files.

    :param size: bytes for all of them together.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._used = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Bytes that files have now, used up or not."""
        return self._used

    def take(self, size: int) -> None:
        """Take so many bytes; a negative number gives some back.

        :raises SpoolFull: when there are not as many; none are taken then.
        """
        with self._lock:
            if size > 0 and self._used + size > self.size:
                raise SpoolFull
            self._used += size


class SpooledFile:
    """A file in memory while it is small, and on disk, out of the spool, when it grows.

    On disk it has room for `FIRST_SHARE`, and with the next step for all of its size, which it
    keeps until it is closed: an upload that has got so far comes to its end.

    :param in_memory: bytes that are held in memory.
    :ivar size: bytes that it may have.
    """

    def __init__(self, spool: Spool, in_memory: int, size: int) -> None:
        self._spool = spool
        self._in_memory = in_memory
        self._held = 0
        self._length = 0
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115  (see close)
        self.size = size

    def enlarge(self, size: int) -> None:
        """Let it have more bytes, if the spool has them."""
        if self._held:
            try:
                self._hold(size)
            except SpoolFull:
                return
        self.size = size

    def write(self, data: bytes) -> None:
        """Add to its end.

        :raises SpoolFull: when there is no room.
        :raises GatewayFull: when there is none on the disk.
        """
        length = self._length + len(data)
        if length > self._in_memory and length > self._held:
            self._hold(FIRST_SHARE if length <= FIRST_SHARE else self.size)
        try:
            self._file.write(data)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise GatewayFull from error
            raise
        self._length = length

    def rewind(self) -> None:
        """Read from its start; what was written is on disk then.

        :raises GatewayFull: when there is no room on the disk.
        """
        try:
            self._file.seek(0)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise GatewayFull from error
            raise

    def read(self, size: int) -> bytes:
        """The next bytes, b"" at the end."""
        return self._file.read(size)

    def clear(self) -> None:
        """Begin anew with nothing. What it has of the spool it keeps."""
        self.rewind()
        self._file.truncate()
        self._length = 0

    def close(self) -> None:
        """Give everything back; may be called more than once."""
        # What could not be written to the disk is not wanted any more.
        with suppress(OSError):
            self._file.close()
        self._hold(0)

    def _hold(self, size: int) -> None:
        self._spool.take(size - self._held)
        self._held = size
