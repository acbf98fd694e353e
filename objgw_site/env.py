"""Settings from the environment: each reader takes a name and a default.

A value that cannot be read never stops the import of the settings: the default stands in, and the
complaint is kept in `problems`, from which the system checks refuse to start the gateway with a
message that names the variable.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import overload

from terminal.quantities import parse_size

_BOOLEANS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class Environment:
    """Typed reading of environment variables.

    :param variables: name to text, as ``os.environ``. An empty text counts as not set, since
        that is what ``${NAME:-}`` in a compose file gives.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        #: One sentence for each value that could not be read.
        self.problems: list[str] = []
        #: Every variable that was asked for.
        self.names: set[str] = set()

    def unknown(self, prefix: str, elsewhere: Iterable[str]) -> list[str]:
        """One sentence for each variable with this prefix that nobody asked for.

        :param elsewhere: further names that mean something, though not to this program.
        """
        known = self.names.union(elsewhere)
        return [
            _unknown(name, known)
            for name in sorted(self._variables)
            if name.startswith(prefix) and name not in known
        ]

    def is_set(self, name: str) -> bool:
        """Whether it has a value, readable or not."""
        return self._raw(name) is not None

    def _raw(self, name: str) -> str | None:
        self.names.add(name)
        return self._variables.get(name, "").strip() or None

    def _refuse(self, name: str, expected: str, *, secret: bool = False) -> None:
        found = "" if secret else f", not {self._variables[name]!r}"
        self.problems.append(f"{name} must be {expected}{found}.")

    def text(self, name: str, default: str) -> str:
        return self._raw(name) or default

    def matching(
        self, name: str, default: str, accepts: Callable[[str], bool], expected: str
    ) -> str:
        """A text that ``accepts`` takes.

        :param expected: what it must be, for the complaint.
        """
        raw = self._raw(name)
        if raw is None:
            return default
        if not accepts(raw):
            self._refuse(name, expected)
            return default
        return raw

    def file(self, name: str) -> str:
        """The absolute path of a file, "" where it is not set."""
        raw = self._raw(name)
        if raw is not None and not Path(raw).is_absolute():
            self._refuse(name, "the absolute path of a file, which begins with /")
            return ""
        return raw or ""

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self._raw(name)
        if raw is None:
            return default
        if raw.lower() not in _BOOLEANS:
            self._refuse(name, "true or false")
            return default
        return _BOOLEANS[raw.lower()]

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        found = self.optional_integer(name, low=low, high=high)
        return default if found is None else found

    def optional_integer(self, name: str, *, low: int, high: int) -> int | None:
        raw = self._raw(name)
        if raw is None:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", raw) or not low <= int(raw) <= high:
            self._refuse(name, f"a whole number from {low} to {high}")
            return None
        return int(raw)

    def seconds(self, name: str, default: float, *, low: float, high: float) -> float:
        raw = self._raw(name)
        if raw is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", raw) or not low <= float(raw) <= high:
            self._refuse(name, f"a number of seconds from {low:g} to {high:g}")
            return default
        return float(raw)

    @overload
    def size(self, name: str, default: int) -> int: ...

    @overload
    def size(self, name: str, default: None) -> int | None: ...

    def size(self, name: str, default: int | None) -> int | None:
        """A number of bytes, one at least, as ``1048576``, ``64KiB`` or ``5G`` (powers of 1024)."""
        raw = self._raw(name)
        if raw is None:
            return default
        found = parse_size(raw)
        if found is None:
            self._refuse(name, "a number of bytes such as 1048576, 64KiB or 5G")
            return default
        return found

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        raw = self._raw(name)
        if raw is None:
            return default
        if raw.lower() not in choices:
            self._refuse(name, "one of " + ", ".join(choices))
            return default
        return raw.lower()

    def words(self, name: str, accepts: Callable[[str], bool], expected: str) -> list[str]:
        """A list separated by commas, of those that ``accepts`` takes.

        :param expected: what each must be, for the complaint.
        """
        words = [word.strip() for word in (self._raw(name) or "").split(",") if word.strip()]
        self.problems += [
            f"{name} must be {expected}, separated by commas; {word!r} is not one."
            for word in words
            if not accepts(word)
        ]
        return [word for word in words if accepts(word)]


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no setting of objgw" + (f"; did you mean {near[0]}?" if near else ".")
