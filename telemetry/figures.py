"""How many requests there were, how many failed, how long they took."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: The figures of clients' requests, among those of the nodes. No node has an empty name.
CLIENTS = ""
#: Seconds. From a small object out of a node's memory to the default read timeout and beyond.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
# A histogram's last bucket has no bound.
_COUNT = len(BUCKETS) + 1


@dataclass(frozen=True, slots=True)
class Figures:
    """Requests in some time.

    :ivar requests: how many.
    :ivar errors: how many of them failed: 5xx for clients; for a node, no answer of use, or not
        sent because too many waited.
    :ivar seconds: that those took, all together, which are in the buckets.
    :ivar buckets: how many took up to each of `BUCKETS` and no less, and how many took longer.
    """

    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    buckets: tuple[int, ...] = (0,) * _COUNT

    @property
    def something(self) -> bool:
        """Whether anything happened."""
        return bool(self.requests or self.errors)

    @property
    def mean(self) -> float | None:
        """Seconds, None where none are known."""
        count = sum(self.buckets)
        return self.seconds / count if count else None

    def quantile(self, q: float) -> float | None:
        """Seconds that a part of the requests took at most: interpolated within a bucket, as
        Prometheus' histogram_quantile does; None where none are known.
        """
        count = sum(self.buckets)
        if not count:
            return None
        rank, low = q * count, 0.0
        for bound, number in zip(BUCKETS, self.buckets, strict=False):
            if number and rank <= number:
                return low + (bound - low) * rank / number
            rank -= number
            low = bound
        return float(BUCKETS[-1])

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.requests + other.requests,
            self.errors + other.errors,
            self.seconds + other.seconds,
            tuple(map(int.__add__, self.buckets, other.buckets)),
        )

    def as_json(self) -> list[object]:
        """Short: of the buckets only those that have something."""
        used = {place: number for place, number in enumerate(self.buckets) if number}
        return [self.requests, self.errors, round(self.seconds, 6), used]

    @classmethod
    def from_json(cls, noted: Sequence[object]) -> "Figures":
        """The inverse of `as_json`, once it has been JSON."""
        requests, errors, seconds, used = noted
        assert isinstance(used, dict)  # noqa: S101  (we wrote it)
        buckets = tuple(used.get(str(place), 0) for place in range(_COUNT))
        return cls(int(str(requests)), int(str(errors)), float(str(seconds)), buckets)


NOTHING = Figures()


def total(series: Iterable[Figures]) -> Figures:
    """All periods together."""
    return sum(series, NOTHING)


class Tally:
    """Figures that are being counted, by one process.

    Not for several threads at once: one may then be lost.
    """

    __slots__ = ("_buckets", "_errors", "_requests", "_seconds")

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._requests = self._errors = 0
        self._seconds = 0.0
        self._buckets = [0] * _COUNT

    def answered(self, seconds: float) -> None:
        """A request was answered in so much time."""
        self._requests += 1
        self._seconds += seconds
        self._buckets[bisect_left(BUCKETS, seconds)] += 1

    def unanswered(self) -> None:
        """A request had no answer, or none that took any time."""
        self._requests += 1

    def failed(self) -> None:
        """A request that was counted has failed."""
        self._errors += 1

    def take(self) -> Figures:
        """What was counted since the last time."""
        if not self._requests and not self._errors:
            return NOTHING
        found = Figures(self._requests, self._errors, self._seconds, tuple(self._buckets))
        self._begin()
        return found
