"""Every metric of the collector: its name, kind and meaning, its labels, and how the readings of several workers join.

Labels name sources, codes, reasons and statuses; never a key, a touchpoint or a person.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
Joined = Literal["sum", "max", "min"]

LATENCY_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DELAY_BUCKETS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0)


class Measure(NamedTuple):
    """One metric.

    Attributes:
        name: As Prometheus shows it; a counter's ends in `_total`.
        kind: Its type.
        meaning: What it says, with the unit.
        labels: Names of its labels.
        joined: What becomes of the readings of several workers: their sum, the largest or the least.
        buckets: Of a histogram, in seconds.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    joined: Joined = "sum"
    buckets: tuple[float, ...] = ()


_MEASURES = (
    Measure(
        "parcours_acknowledgement_seconds",
        "histogram",
        "From a request's headers to the moment its touchpoints are on disk.",
        buckets=LATENCY_BUCKETS_SECONDS,
    ),
    Measure("parcours_requests_total", "counter", "Requests by the status of their answer.", ("status",)),
    Measure(
        "parcours_touchpoints_total",
        "counter",
        "Touchpoints by source and outcome: `accepted` or `duplicate`.",
        ("source", "outcome"),
    ),
    Measure("parcours_rejected_total", "counter", "Refused touchpoints by source and reason.", ("source", "code")),
    Measure(
        "parcours_warned_total",
        "counter",
        "Touchpoints taken with a warning, by source and reason: an unknown name or property, under `warn`.",
        ("source", "code"),
    ),
    Measure(
        "parcours_turned_away_total",
        "counter",
        "Requests turned away before their body was read, by source and reason: `log_bytes`, `log_age`, "
        "`log_unavailable`, `memory`, `quota`, `stopping`.",
        ("source", "reason"),
    ),
    Measure("parcours_connections", "gauge", "Connections that are open."),
    Measure("parcours_wal_bytes", "gauge", "Bytes of the write-ahead log on disk."),
    Measure(
        "parcours_wal_oldest_seconds",
        "gauge",
        "Age of the oldest record not yet in ClickHouse, in seconds; 0 when there is none. Alert on this.",
        joined="max",
    ),
    Measure(
        "parcours_wal_unavailable", "gauge", "1 while the log cannot be written and senders get 503.", joined="max"
    ),
    Measure(
        "parcours_wal_quarantined_bytes", "gauge", "Damaged bytes of the log that were set aside. Alert when not 0."
    ),
    Measure(
        "parcours_wal_mended_records_total", "counter", "Records of the log in which one wrong byte was put right."
    ),
    Measure(
        "parcours_wal_orphan_bytes", "gauge", "Bytes in logs that former workers left, while they are being drained."
    ),
    Measure("parcours_disk_free_bytes", "gauge", "Free bytes of the disk that the log is on.", joined="min"),
    Measure("parcours_delivery_pending_bytes", "gauge", "Bytes of the log not yet in ClickHouse."),
    Measure("parcours_delivery_away", "gauge", "1 while ClickHouse takes no rows.", joined="max"),
    Measure("parcours_delivery_retries_total", "counter", "Inserts repeated because ClickHouse was away."),
    Measure("parcours_delivery_failures_total", "counter", "Faults of delivery itself, after which it began again."),
    Measure("parcours_delivered_rows_total", "counter", "Rows stored in ClickHouse."),
    Measure("parcours_delivered_batches_total", "counter", "Batches stored in ClickHouse."),
    Measure("parcours_refused_rows_total", "counter", "Rows that ClickHouse refused: they are dead letters."),
    Measure(
        "parcours_delivery_insert_seconds",
        "histogram",
        "One insert into ClickHouse, until its answer.",
        buckets=LATENCY_BUCKETS_SECONDS,
    ),
    Measure(
        "parcours_delivery_visible_seconds",
        "histogram",
        "From the moment a touchpoint is on disk to the moment views see it, for the oldest of each batch.",
        buckets=DELAY_BUCKETS_SECONDS,
    ),
    Measure("parcours_stitching_leader", "gauge", "1 for the process that stitches. Alert when the sum is not 1."),
    Measure("parcours_stitching_runs_total", "counter", "Runs of stitching that ended well."),
    Measure("parcours_stitching_failures_total", "counter", "Runs of stitching that failed and are repeated."),
    Measure("parcours_stitching_moved_total", "counter", "Identifiers whose person changed."),
    Measure(
        "parcours_stitching_seconds", "histogram", "How long a run of stitching took.", buckets=DELAY_BUCKETS_SECONDS
    ),
    Measure(
        "parcours_stitching_behind_seconds",
        "gauge",
        "For how long rows have been stored whose people were not joined yet; 0 when there are none.",
        joined="max",
    ),
    Measure("parcours_plan_reloads_total", "counter", "Changes of the tracking plan that were taken while running."),
    Measure(
        "parcours_plan_refused",
        "gauge",
        "1 while the folder of the tracking plan holds what cannot be taken, and the last good one goes on. "
        "Alert when not 0.",
        joined="max",
    ),
    Measure("parcours_workers", "gauge", "Workers that take touchpoints."),
    Measure("parcours_workers_wanted", "gauge", "Workers that there should be.", joined="max"),
    Measure("parcours_worker_deaths_total", "counter", "Workers that ended by themselves and were started again."),
    Measure("parcours_build_info", "gauge", "1, for the version that runs.", ("version", "python"), "max"),
    Measure("process_resident_memory_bytes", "gauge", "Memory that is resident, of all processes together."),
    Measure("process_virtual_memory_bytes", "gauge", "Memory that is addressed."),
    Measure("process_cpu_seconds_total", "counter", "Time spent on processors, user and system."),
    Measure("process_open_fds", "gauge", "File descriptors that are open."),
    Measure("process_max_fds", "gauge", "File descriptors that may be open, for one process.", joined="min"),
    Measure("process_start_time_seconds", "gauge", "When it started, Unix time.", joined="min"),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _MEASURES})
"""Every metric by name."""
