"""What clients did and saw, and whether a store that keeps its promise could have shown it.

Each object id is a register. Every PUT writes a value of its own, so a read says which PUT it saw;
a DELETE writes nothing's value, None. Times are on one clock, and an operation takes effect at some
time between its start and its end, except:

* a write that was not acknowledged may take effect at any time after its start, or never;
* a write may take effect more than once while it is in flight, for the gateway repeats some.

So a value is current, without a gap, from the end of the acknowledged write that wrote it to the
start of any later read that saw it: that is its *tenure*. Nothing else can have been current in
between. This is the zone test of Gibbons and Korach (Testing Shared Memories, 1997) for registers
with distinct values, weakened by the two exceptions above.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

#: The value of an id at the beginning, and after a DELETE.
NOTHING = None


class Effect(StrEnum):
    """What is known of a write's effect."""

    DONE = "done"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True)
class Write:
    """A PUT, or a DELETE when the value is None."""

    object_id: str
    value: str | None
    start: float
    end: float
    effect: Effect

    @property
    def last_effect(self) -> float:
        """The latest time at which it may have taken effect."""
        return self.end if self.effect is Effect.DONE else math.inf


@dataclass(frozen=True)
class Read:
    """A GET or HEAD that gave a value, or None for 404."""

    object_id: str
    value: str | None
    start: float
    end: float


@dataclass(frozen=True)
class ListingSeen:
    """All pages of one listing, in order."""

    ids: Sequence[str]
    start: float
    end: float


@dataclass
class History:
    """Everything that happened. Filled by many clients, so each appends only."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    listings: list[ListingSeen] = field(default_factory=list)


def violations(history: History) -> list[str]:
    """One sentence for each broken promise."""
    registers: defaultdict[str, _Register] = defaultdict(_Register)
    for write in history.writes:
        registers[write.object_id].writes.append(write)
    for read in history.reads:
        registers[read.object_id].reads.append(read)
    found = [text for object_id in sorted(registers) for text in registers[object_id].violations()]
    for listing in history.listings:
        found += _listing_violations(listing, registers)
    return found


@dataclass(frozen=True)
class _Tenure:
    """A value was current all this time."""

    value: str
    start: float
    end: float


class _Intervals:
    """Finds an interval within a tenure that is about another value."""

    def __init__(self, intervals: Iterable[tuple[float, float, str | None, str]]) -> None:
        self._sorted = sorted(intervals, key=lambda interval: interval[0])
        self._starts = [interval[0] for interval in self._sorted]
        # From each position on, the interval that ends first, and the first of another value.
        self._first: list[tuple[int, int]] = []
        first = second = -1
        for position in reversed(range(len(self._sorted))):
            first, second = self._better(position, first, second)
            self._first.append((first, second))
        self._first.reverse()

    def _better(self, position: int, first: int, second: int) -> tuple[int, int]:
        _, end, value, _ = self._sorted[position]
        if first < 0 or end < self._sorted[first][1]:
            other = first if first >= 0 and self._sorted[first][2] != value else second
            return position, other
        if value != self._sorted[first][2] and (second < 0 or end < self._sorted[second][1]):
            return first, position
        return first, second

    def within(self, tenure: _Tenure) -> str | None:
        """What the interval says that starts and ends strictly within the tenure."""
        position = bisect_right(self._starts, tenure.start)
        if position == len(self._sorted):
            return None
        for candidate in self._first[position]:
            if candidate >= 0:
                _, end, value, text = self._sorted[candidate]
                if value != tenure.value and end < tenure.end:
                    return text
        return None


class _Register:
    """One object id."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.reads: list[Read] = []

    def violations(self) -> list[str]:
        by_value: dict[str | None, Write] = {
            write.value: write for write in self.writes if write.value is not NOTHING
        }
        values = [read for read in self.reads if read.value is not NOTHING]
        found = []
        for read in values:
            write = by_value.get(read.value)
            if write is None:
                found.append(f"{_at(read)} saw what nobody wrote")
            elif read.end < write.start:
                found.append(f"{_at(read)} saw what was written only later")
            elif write.effect is Effect.NONE:
                found.append(f"{_at(read)} saw a write that was refused")
        seen = self._first_seen()
        tenures = self._tenures(by_value, values)
        effects = self._effects(seen)
        reads = _Intervals((read.start, read.end, read.value, _at(read)) for read in self.reads)
        for tenure in tenures:
            found += [
                f"{tenure.value} was read after {text}, though written before"
                for text in (effects.within(tenure), reads.within(tenure))
                if text is not None
            ]
        found += _overlaps(tenures)
        found += self._unfounded_absence(seen)
        return found

    def _first_seen(self) -> dict[str | None, float]:
        """The end of the first read that saw a value: its write had taken effect by then."""
        seen: dict[str | None, float] = {}
        for read in self.reads:
            seen[read.value] = min(read.end, seen.get(read.value, math.inf))
        return seen

    def _tenures(self, by_value: dict[str | None, Write], values: list[Read]) -> list[_Tenure]:
        last: dict[str, float] = {}
        for read in values:
            if read.value is not NOTHING:
                last[read.value] = max(read.start, last.get(read.value, -math.inf))
        return [
            _Tenure(value, write.end, start)
            for value, start in last.items()
            if (write := by_value.get(value)) and write.effect is Effect.DONE and write.end < start
        ]

    def _effective_by(self, write: Write, seen: dict[str | None, float]) -> float:
        """The time by which a write has taken effect for certain, infinity when there is none."""
        # Which of several DELETEs a 404 saw, nobody can tell.
        by_read = seen.get(write.value, math.inf) if write.value is not NOTHING else math.inf
        return min(by_read, write.end if write.effect is Effect.DONE else math.inf)

    def _effects(self, seen: dict[str | None, float]) -> _Intervals:
        return _Intervals(
            (write.start, by, write.value, f"{write.value or 'DELETE'} of {write.start:.3f}")
            for write in self.writes
            if (by := self._effective_by(write, seen)) < math.inf
        )

    def _unfounded_absence(self, seen: dict[str | None, float]) -> list[str]:
        """404s that no DELETE, nor the beginning, explains."""
        puts = sorted(
            (self._effective_by(write, seen), write.start)
            for write in self.writes
            if write.value is not NOTHING and self._effective_by(write, seen) < math.inf
        )
        effective = [by for by, _ in puts]
        # The latest start of the PUTs that were effective by then.
        latest: list[float] = []
        for _, start in puts:
            latest.append(max(start, latest[-1] if latest else -math.inf))
        deletes = [w for w in self.writes if w.value is NOTHING and w.effect is not Effect.NONE]
        found = []
        for read in self.reads:
            if read.value is not NOTHING:
                continue
            position = bisect_right(effective, math.nextafter(read.start, -math.inf))
            superseded = latest[position - 1] if position else -math.inf
            if superseded > -math.inf and not any(
                write.start <= read.end and write.last_effect >= superseded for write in deletes
            ):
                found.append(f"{_at(read)} found nothing, and nobody had deleted it")
        return found

    def existed_throughout(self, start: float, end: float) -> bool:
        """Whether the id had a value, whichever, at every moment from start to end."""
        acknowledged = [
            write.start
            for write in self.writes
            if write.value is not NOTHING and write.effect is Effect.DONE and write.end < start
        ]
        return bool(acknowledged) and all(
            write.start > end or write.last_effect < max(acknowledged)
            for write in self.writes
            if write.value is NOTHING and write.effect is not Effect.NONE
        )

    def may_exist(self, end: float) -> bool:
        return any(write.value is not NOTHING and write.start < end for write in self.writes)


def _overlaps(tenures: list[_Tenure]) -> list[str]:
    found = []
    ordered = sorted(tenures, key=lambda tenure: tenure.start)
    for position, tenure in enumerate(ordered[1:], start=1):
        before = max(ordered[:position], key=lambda other: other.end)
        if tenure.start < before.end:
            found.append(f"{before.value} and {tenure.value} were both current for some time")
    return found


def _listing_violations(
    listing: ListingSeen, registers: "defaultdict[str, _Register]"
) -> list[str]:
    where = f"the listing of {listing.start:.3f} to {listing.end:.3f}"
    listed = set(listing.ids)
    found = []
    if len(listed) < len(listing.ids):
        found.append(f"{where} shows an id twice")
    if list(listing.ids) != sorted(listing.ids):
        found.append(f"{where} is out of order")
    for object_id, register in list(registers.items()):
        if object_id not in listed and register.existed_throughout(listing.start, listing.end):
            found.append(f"{where} lacks {object_id}")
    found += [
        f"{where} shows {object_id}, which was never written"
        for object_id in sorted(listed)
        if object_id not in registers or not registers[object_id].may_exist(listing.end)
    ]
    return found


def _at(read: Read) -> str:
    return f"the read of {read.value} from {read.object_id}, {read.start:.3f} to {read.end:.3f},"
