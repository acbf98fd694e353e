"""Some figures out of the metrics: how many requests, how many failed, how long they took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric

from telemetry.metrics import BUCKETS

#: The figures of clients' requests, among those of the nodes. No node has an empty name.
CLIENTS = ""
#: What counts of the clients' requests: not those of whoever watches the gateway.
_ROUTES = frozenset({"object", "objects"})
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

    def __sub__(self, other: "Figures") -> "Figures":
        return Figures(
            self.requests - other.requests,
            self.errors - other.errors,
            self.seconds - other.seconds,
            tuple(map(int.__sub__, self.buckets, other.buckets)),
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


@dataclass(slots=True)
class _Sum:
    requests: float = 0.0
    errors: float = 0.0
    seconds: float = 0.0
    cumulative: dict[str, float] | None = None


def figures_in(families: Iterable[Metric]) -> dict[str, Figures]:
    """The figures of the clients' requests (`CLIENTS`) and of each node by its name."""
    found: dict[str, _Sum] = {}
    for family in families:
        for sample in family.samples:
            labels = sample.labels
            if "route" in labels:
                name = CLIENTS
                if labels["route"] not in _ROUTES:
                    continue
            elif "node" in labels:
                name = labels["node"]
            else:
                continue
            _add(found.setdefault(name, _Sum()), sample.name, labels, sample.value)
    return {name: _figures(each) for name, each in found.items()}


def _add(to: _Sum, name: str, labels: dict[str, str], value: float) -> None:
    match name:
        case "objgw_http_requests_total":
            to.requests += value
            to.errors += value * labels["status"].startswith("5")
        case "objgw_node_request_failures_total":
            # An answer with a status of 5xx is among those whose time is known.
            to.requests += value * (labels["reason"] != "status_5xx")
            to.errors += value
        case "objgw_node_requests_refused_total":
            to.requests += value
            to.errors += value
        case "objgw_node_first_byte_seconds_count":
            to.requests += value
        case "objgw_http_request_duration_seconds_sum" | "objgw_node_first_byte_seconds_sum":
            to.seconds += value
        case "objgw_http_request_duration_seconds_bucket" | "objgw_node_first_byte_seconds_bucket":
            to.cumulative = to.cumulative or {}
            to.cumulative[labels["le"]] = to.cumulative.get(labels["le"], 0.0) + value


def _figures(each: _Sum) -> Figures:
    bounds = sorted(each.cumulative or {}, key=float)
    upper = [int((each.cumulative or {})[bound]) for bound in bounds] or [0] * _COUNT
    buckets = tuple(high - low for low, high in zip([0, *upper], upper, strict=False))
    return Figures(int(each.requests), int(each.errors), each.seconds, buckets)
