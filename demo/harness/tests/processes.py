"""Finding processes by a mark in their environment, which all their descendants inherit."""

import os
from pathlib import Path
from uuid import uuid4

_MARK = "DEMO_TEST_MARK"


class ProcessMark:
    """A mark for the environment of a process, and who carries it now."""

    def __init__(self) -> None:
        self._value = uuid4().hex

    def environment(self) -> dict[str, str]:
        """This process's environment with the mark."""
        return {**os.environ, _MARK: self._value}

    def carriers(self) -> dict[int, str]:
        """Every living process with the mark: pid and command line."""
        entry = f"{_MARK}={self._value}".encode()
        found: dict[int, str] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if entry in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = command.decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # ended meanwhile, or somebody else's
        return found
