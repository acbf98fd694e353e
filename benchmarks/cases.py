"""What is measured: a case is a kind of request and how many connections send it."""

from collections.abc import Sequence
from dataclasses import dataclass

KIB = 2**10
MIB = 2**20
#: From here on, bodies are sent and received by `benchmarks.transfer`.
LARGE = 16 * MIB

_UNITS = ((MIB, "MiB"), (KIB, "KiB"))


def size_text(size: int) -> str:
    """``1 KiB``, ``64 MiB``."""
    factor, unit = next((unit for unit in _UNITS if size >= unit[0]), (1, "B"))
    return f"{size // factor} {unit}"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table for each server.

    :ivar size: bytes of the body.
    :ivar missing: whether the ids asked for do not exist.
    """

    method: str
    size: int
    connections: int
    missing: bool = False

    @property
    def kind(self) -> str:
        """The case without its connections, for people."""
        if self.missing:
            return f"{self.method} 404"
        return f"{self.method} {size_text(self.size)}"

    @property
    def key(self) -> str:
        """``get-1kib-16``, for the command line."""
        return f"{self.kind}-{self.connections}".replace(" ", "-", 1).replace(" ", "").lower()

    @property
    def large(self) -> bool:
        return self.size >= LARGE

    @property
    def expected(self) -> frozenset[int]:
        """The only statuses with which a number means anything."""
        if self.missing:
            return frozenset({404})
        return frozenset({200, 201} if self.method == "PUT" else {200})

    def ids(self, scale: float) -> list[str]:
        """The ids that the case asks for.

        :param scale: the part of them that a shorter run makes do with.
        """
        return object_ids(self.size, scale, missing=self.missing)


def object_ids(size: int, scale: float, *, missing: bool = False) -> list[str]:
    """The ids of the objects of one size."""
    count = 10_000 if size <= 64 * KIB else 256 if size <= MIB else 32
    prefix = "missing" if missing else "s"
    return [f"{prefix}{size}n{number:05d}" for number in range(max(16, round(count * scale)))]


def _grid(connections: Sequence[int], sizes: Sequence[int]) -> list[Case]:
    small = [
        Case(method, size, number)
        for size in sizes
        for method in ("GET", "PUT")
        for number in connections
    ]
    other = [Case("GET", KIB, number, missing=True) for number in connections]
    return [*small, *other, *(Case("HEAD", KIB, number) for number in connections)]


def _large(connections: Sequence[int]) -> list[Case]:
    return [Case(method, 64 * MIB, number) for method in ("GET", "PUT") for number in connections]


FULL = [*_grid((1, 16, 128), (KIB, 64 * KIB, MIB)), *_large((1, 16))]
QUICK = [*_grid((16,), (KIB, MIB)), *_large((1,))]
