"""The measures of one process: instruments that are written to, and readings that are taken when somebody asks."""

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from parcours_collector.measures.catalogue import MEASURES
from parcours_schemas.version import __version__

MOST_SOURCES = 200
"""Sources that have series of their own; what comes from others is counted under `other`."""
OTHER = "other"

# A series for the instant that each series began at says nothing here, and doubles their number.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotations


class Reading(NamedTuple):
    """One value of a declared metric, with the values of its labels."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


class Board:
    """The measures of this process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._sources: list[Callable[[], Iterable[Reading]]] = [_build]
        ProcessCollector(registry=self._registry)
        self._registry.register(_Readings(self._sources))

    def histogram(self, name: str) -> Histogram:
        """Return the instrument of a declared histogram."""
        measure = MEASURES[name]
        return Histogram(name, measure.meaning, measure.labels, buckets=measure.buckets, registry=self._registry)

    def counter(self, name: str) -> Counter:
        """Return the instrument of a declared counter."""
        measure = MEASURES[name]
        return Counter(name.removesuffix("_total"), measure.meaning, measure.labels, registry=self._registry)

    def read(self, source: Callable[[], Iterable[Reading]]) -> None:
        """Take these readings whenever somebody asks."""
        self._sources.append(source)

    def families(self) -> list[Metric]:
        """Return everything as it is now."""
        return list(self._registry.collect())


def bounded(counts: Iterable[tuple[tuple[str, ...], float]]) -> Iterator[tuple[tuple[str, ...], float]]:
    """Return counts by labels of which the first names a source, at most MOST_SOURCES of them and `other`.

    Which sources keep their name must not change while the process lives: give them in the order of their appearance.
    """
    kept: set[str] = set()
    others: dict[tuple[str, ...], float] = {}
    for labels, count in counts:
        source, *rest = labels
        if source in kept or len(kept) < MOST_SOURCES:
            kept.add(source)
            yield labels, count
        else:
            key = (OTHER, *rest)
            others[key] = others.get(key, 0.0) + count
    yield from others.items()


class _Readings(Collector):
    """What the parts of the collector count themselves."""

    def __init__(self, sources: list[Callable[[], Iterable[Reading]]]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for source in self._sources:
            for reading in source():
                measure = MEASURES[reading.name]
                family = families.get(reading.name)
                if family is None:
                    make: type[CounterMetricFamily] | type[GaugeMetricFamily] = (
                        CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
                    )
                    family = families[reading.name] = make(reading.name, measure.meaning, labels=measure.labels)
                family.add_metric(list(reading.labels), reading.value)
        yield from families.values()


def _build() -> Iterator[Reading]:
    yield Reading("parcours_build_info", 1.0, (__version__, platform.python_version()))


def disk_free_bytes(folder: str | os.PathLike[str]) -> float:
    """Return the free bytes of a folder's disk that this user may fill."""
    status = os.statvfs(folder)
    return float(status.f_bavail * status.f_frsize)


class Since:
    """For how long something has been so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: float | None = None

    def set(self, state: bool) -> None:
        """Say whether it is so; a state that goes on keeps its beginning."""
        if not state:
            self._at = None
        elif self._at is None:
            self._at = self._clock()

    def restart(self, at: float) -> None:
        """Say that it is so since an instant of the clock, whatever was said before."""
        self._at = at

    @property
    def seconds(self) -> float:
        """For how long; 0 while it is not."""
        return 0.0 if self._at is None else self._clock() - self._at
