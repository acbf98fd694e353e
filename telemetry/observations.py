"""Histograms that record many observations at once."""

from bisect import bisect_left
from collections import Counter as CountOf
from typing import Any

from prometheus_client import Histogram

from telemetry.figures import Tally

#: So much is counted at once. What a worker that is killed had not counted, is lost: a second's
#: worth of it at the most.
BATCH = 64


class Observations:
    """What a histogram is to be told, together: one by one costs each request ten times as much.

    :param histogram: with labels, if it has any.
    :param tally: that is told, too.
    """

    __slots__ = ("_histogram", "_pending", "_tally")

    def __init__(self, histogram: Histogram, tally: Tally | None = None) -> None:
        self._histogram = histogram
        self._tally = tally
        self._pending: list[float] = []

    def add(self, seconds: float) -> None:
        """Have this observed, within a second or with the next `BATCH`."""
        self._pending.append(seconds)
        if len(self._pending) >= BATCH:
            self.settle()

    def settle(self) -> None:
        """Observe what there is.

        Relied on: as its `observe`, a histogram adds to `_sum` and to the first of `_buckets` whose
        `_upper_bounds` is not less. `test_metrics` compares with that.
        """
        pending, self._pending = self._pending, []
        if not pending:
            return
        told: Any = self._histogram
        bounds = told._upper_bounds  # noqa: SLF001
        told._sum.inc(sum(pending))  # noqa: SLF001
        for bucket, number in CountOf(bisect_left(bounds, each) for each in pending).items():
            told._buckets[bucket].inc(number)  # noqa: SLF001
        if self._tally is not None:
            for each in pending:
                self._tally.answered(each)
