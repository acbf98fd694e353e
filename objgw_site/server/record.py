"""The record of what was logged about the nodes, shared by all workers of one gateway."""

import fcntl
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds until the lock is given up: to say something twice is better than to wait for a process
#: that holds it and hangs.
_PATIENCE = 1.0
_PAUSE = 0.01


class SharedRecord:
    """JSON in a file without a name, which the master opens and the workers inherit.

    Read and changed by one greenlet at a time: in this process by a lock, and among the processes
    by a POSIX record lock (fcntl(2)), which ends with the process that holds it.
    """

    def __init__(self, file: int) -> None:
        """
        :param file: descriptor of the file. To be called in the worker: before the standard
            library is patched, a lock would be one that stops the event loop.
        """
        self._file = file
        self._lock = threading.Lock()

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """The record, to be read and changed."""
        with self._lock:
            self._acquire()
            try:
                said = self._read()
                yield said
                self.save(said)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def save(self, said: dict[str, Any]) -> None:
        """Write it, while it is open."""
        data = json.dumps(said).encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, data, 0)

    def _acquire(self) -> None:
        # Never by waiting in the kernel: that would stop the event loop.
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(_PAUSE)
            else:
                return

    def _read(self) -> dict[str, Any]:
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        try:
            said: dict[str, Any] = json.loads(data)
        except ValueError:  # nothing yet, or what a process left behind that was killed writing
            return {}
        return said


def nameless_file() -> int:
    """The descriptor of a new file, which is gone with the last process that has it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("objgw-news")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
