"""Metrics that are computed at each scrape, and those of another registry."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Reading:
    """A gauge that is asked for at a scrape.

    :ivar labels: names of its labels.
    :ivar values: by the values of its labels.
    """

    name: str
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One number of an exposition."""

    name: str
    labels: Mapping[str, str]
    value: float


class Merged(Collector):
    """What another registry has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()


class Asked(Collector):
    """What is asked for at a scrape."""

    def __init__(self, readers: Iterable[Callable[[], Iterable[Reading]]]) -> None:
        self._readers = readers

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: it would be asked for twice."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for reader in self._readers:
            for reading in reader():
                family = GaugeMetricFamily(reading.name, reading.help, labels=reading.labels)
                for labels, value in reading.values.items():
                    family.add_metric(labels, value)
                yield family
