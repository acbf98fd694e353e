"""Files that are reread when they change, while requests go on."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

logger = logging.getLogger("objgw.access")

T = TypeVar("T")
_Signature = tuple[int, int, int, int]
#: Bytes; more is not what was meant.
LARGEST = 4 * 2**20


class Unreadable(Exception):
    """The file cannot be read, or holds something else; the text says why."""


def read_file(path: Path) -> bytes:
    """What a file holds.

    :raises Unreadable: when it cannot be read, or is larger than `LARGEST`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise Unreadable(f"{path} is larger than {LARGEST} bytes")
    return data


class WatchedFile(Generic[T]):
    """What a file says, as last understood.

    :param parse: understands its bytes; a ValueError of its says why it cannot.
    """

    def __init__(self, path: Path, parse: Callable[[bytes], T]) -> None:
        self.path = path
        self._parse = parse
        self._seen: _Signature | None = None
        self._complaint = ""
        #: None while it was never understood.
        self.value: T | None = None

    def look(self) -> bool:
        """Read the file again if it has changed; says whether there is another value.

        What it said last goes on to count while it cannot be read; the log says so, once.
        """
        try:
            signature = _signature(self.path)
            if signature == self._seen:
                return False
            data = read_file(self.path)
            try:
                value = self._parse(data)
            except ValueError as error:
                raise Unreadable(f"{self.path}: {error}") from error
            finally:
                self._seen = signature
        except Unreadable as error:
            self._complain(str(error))
            return False
        if self._complaint:
            logger.info("%s can be read again", self.path)
            self._complaint = ""
        self.value = value
        return True

    def _complain(self, text: str) -> None:
        if text == self._complaint:
            return
        self._complaint = text
        goes_on = "" if self.value is None else "; what it said last goes on to count"
        logger.error("%s%s", text, goes_on)


def _signature(path: Path) -> _Signature:
    try:
        found = path.stat()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
