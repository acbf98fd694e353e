"""The folder in which the workers of one gateway keep their metrics: small files in memory.

Each worker counts in files of its own, which it maps into its memory (prometheus_client's
multiprocess mode), so a count survives the worker that made it, even one that was killed.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

_PREFIX = "objgw-metrics-"
#: A tmpfs on Linux, also in a container whose root is read-only (shm_overview(7)).
_MEMORY = Path("/dev/shm")  # noqa: S108


@dataclass(frozen=True, slots=True)
class MetricsFolder:
    """A folder that belongs to one gateway for as long as one of its processes lives.

    :ivar lock: descriptor of the folder, locked by flock(2); workers inherit it.
    """

    path: Path
    lock: int

    @classmethod
    def make(cls, parent: Path | None = None) -> "MetricsFolder":
        """A new folder. Those that gateways left behind which were killed are removed.

        :param parent: where to make it; by default in memory, else among the temporary files.
        :raises OSError: when it cannot be made.
        """
        if parent is None:
            parent = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None
        place = Path(tempfile.gettempdir()) if parent is None else parent
        for left in place.glob(f"{_PREFIX}*"):
            _remove_unless_used(left)
        while True:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
            # Before it was locked, another gateway may have taken it for one left behind.
            with suppress(FileNotFoundError):
                lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(lock, fcntl.LOCK_EX)
                if path.exists():
                    return cls(path, lock)
                os.close(lock)

    def forget(self, identity: str) -> None:
        """A worker has ended: its counts stay, what is true only of a living one goes."""
        mark_process_dead(identity, str(self.path))

    def remove(self) -> None:
        """All workers have ended."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def _remove_unless_used(path: Path) -> None:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # another user's, or gone by now
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)
