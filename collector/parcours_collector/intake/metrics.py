"""What the collector counts, in Prometheus' text form.

Labels name sources, codes and statuses; never a person or a key.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from parcours_collector.intake.intake import Intake
from parcours_collector.wal.log import WriteAheadLog

_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Gauges = Callable[[], dict[str, tuple[str, float]]]
"""Further readings by name: what each means, and its value now."""


class Metrics:
    """The metrics of one collector."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(
        self,
        *,
        intake: Intake,
        log: WriteAheadLog,
        delivery: Gauges,
        turned_away: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "parcours_acknowledgement_seconds",
            "From the first byte of a request's headers to the moment its touchpoints are on disk.",
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._requests = Counter("parcours_requests", "Requests by answer.", ["status"], registry=self._registry)
        self._registry.register(_Readings(intake, log, delivery, {} if turned_away is None else turned_away))

    def acknowledged(self, seconds: float) -> None:
        """Count a batch that is on disk."""
        self._latency.observe(seconds)

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._requests.labels(str(status)).inc()

    def exposition(self) -> bytes:
        """Return all metrics as text."""
        return generate_latest(self._registry)


class _Readings(Collector):
    """What other parts count themselves, read when somebody asks."""

    def __init__(
        self, intake: Intake, log: WriteAheadLog, delivery: Gauges, turned_away: Mapping[tuple[str, str], int]
    ) -> None:
        self._intake = intake
        self._log = log
        self._delivery = delivery
        self._turned_away = turned_away

    def collect(self) -> Iterator[Metric]:
        outcomes = CounterMetricFamily(
            "parcours_touchpoints", "Touchpoints by source and outcome.", labels=["source", "outcome"]
        )
        for outcome, counts in (("accepted", self._intake.accepted), ("duplicate", self._intake.duplicate)):
            for source, count in counts.items():
                outcomes.add_metric([source, outcome], count)
        rejected = CounterMetricFamily("parcours_rejected", "Refused touchpoints by reason.", labels=["source", "code"])
        for (source, code), count in self._intake.rejected.items():
            rejected.add_metric([source, code], count)
        warned = CounterMetricFamily(
            "parcours_warned", "Touchpoints taken with a warning, by reason.", labels=["source", "code"]
        )
        for (source, code), count in self._intake.warned.items():
            warned.add_metric([source, code], count)
        away = CounterMetricFamily(
            "parcours_turned_away", "Requests turned away before their body was read.", labels=["source", "reason"]
        )
        for (source, reason), count in tuple(self._turned_away.items()):
            away.add_metric([source, reason], count)
        yield away
        yield outcomes
        yield rejected
        yield warned
        yield GaugeMetricFamily("parcours_wal_bytes", "Bytes of the write-ahead log.", self._log.size_bytes)
        yield GaugeMetricFamily(
            "parcours_wal_oldest_seconds",
            "Age of the oldest record not yet in ClickHouse.",
            self._log.oldest_age_seconds,
        )
        yield GaugeMetricFamily(
            "parcours_wal_quarantined_bytes", "Bytes set aside because they were damaged.", self._log.quarantined_bytes
        )
        yield GaugeMetricFamily(
            "parcours_wal_mended_records", "Records in which one wrong byte was put right.", self._log.mended_records
        )
        for name, (meaning, value) in self._delivery().items():
            yield GaugeMetricFamily(f"parcours_{name}", meaning, value)
