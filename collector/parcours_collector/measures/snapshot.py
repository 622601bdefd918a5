"""What one process measured at one instant, as data that crosses to another process, and what several make together.

Counters never fall: what a process had counted when it ended stays in the sum, so that rates over the replacement of a
worker are right.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from parcours_collector.measures.catalogue import MEASURES, Measure

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Key(NamedTuple):
    """One series: its metric, the name of its sample (`_bucket`, `_sum` and `_count` of a histogram) and its labels."""

    metric: str
    sample: str
    labels: tuple[tuple[str, str], ...]


Snapshot = Mapping[Key, float]
"""The value of every series."""


def snapshot_of(families: Iterable[Metric]) -> dict[Key, float]:
    """Return the declared metrics among some families."""
    held: dict[Key, float] = {}
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if name in MEASURES:
            for sample in family.samples:
                held[Key(name, sample.name, tuple(sample.labels.items()))] = float(sample.value)
    return held


def as_rows(snapshot: Snapshot) -> list[list[object]]:
    """Return a snapshot as JSON can carry it."""
    return [[key.metric, key.sample, list(map(list, key.labels)), value] for key, value in snapshot.items()]


def of_rows(rows: Iterable[list[object]]) -> dict[Key, float]:
    """Return the snapshot that `as_rows` made rows of."""
    held: dict[Key, float] = {}
    for metric, sample, labels, value in rows:
        pairs = tuple((str(name), str(of)) for name, of in labels)  # type: ignore[attr-defined] # a list of pairs
        held[Key(str(metric), str(sample), pairs)] = float(value)  # type: ignore[arg-type] # a number
    return held


def joined(snapshots: Iterable[Snapshot]) -> dict[Key, float]:
    """Return several processes' measures as those of one."""
    whole: dict[Key, float] = {}
    for snapshot in snapshots:
        for key, value in snapshot.items():
            if key not in whole:
                whole[key] = value
                continue
            match MEASURES[key.metric].joined:
                case "max":
                    whole[key] = max(whole[key], value)
                case "min":
                    whole[key] = min(whole[key], value)
                case "sum":
                    whole[key] += value
    return whole


def lasting(snapshot: Snapshot) -> dict[Key, float]:
    """Return what stays of a process that has ended: what it counted."""
    return {key: value for key, value in snapshot.items() if MEASURES[key.metric].kind != "gauge"}


def labelled(snapshot: Snapshot, label: str, value: str) -> dict[Key, float]:
    """Return the same series with one more label."""
    return {key._replace(labels=(*key.labels, (label, value))): held for key, held in snapshot.items()}


def exposition(snapshot: Snapshot) -> bytes:
    """Return a snapshot in Prometheus' text form."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Held(snapshot))
    return generate_latest(registry)


class _Held(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        # All of them, also those without a series yet, in the order of the catalogue.
        families = {name: _family(measure) for name, measure in MEASURES.items()}
        for key, value in self._snapshot.items():
            families[key.metric].add_sample(key.sample, dict(key.labels), value)
        yield from families.values()


def _family(measure: Measure) -> Metric:
    return Metric(measure.name.removesuffix("_total"), measure.meaning, measure.kind)
