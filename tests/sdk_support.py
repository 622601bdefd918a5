"""What the SDK's tests share: one way to drive both faces, and quick trackers for a faulty collector."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, Unpack

from parcours import AsyncTracker, Dropped, DropReason, Stats, Tracker
from parcours.options import TrackerOptions
from parcours.testing import FaultyCollector

QUICK: TrackerOptions = {
    "linger_seconds": 0.005,
    "backoff_base_seconds": 0.005,
    "backoff_max_seconds": 0.02,
    "request_timeout_seconds": 20.0,
}
Result = TypeVar("Result")
FACES = (Tracker, AsyncTracker)
Face = Tracker | AsyncTracker


@dataclass
class Losses:
    """An `on_drop` that remembers."""

    seen: list[tuple[Dropped, DropReason]] = field(default_factory=list)

    def __call__(self, dropped: Dropped, reason: DropReason) -> None:
        self.seen.append((dropped, reason))

    def count(self, reason: DropReason) -> int:
        return sum(1 for _, seen in self.seen if seen is reason)


def quick(face: type[Face], collector: FaultyCollector, **options: Unpack[TrackerOptions]) -> Face:
    """A tracker that neither lingers nor waits long between two attempts."""
    return face(collector.endpoint, collector.write_key, **{**QUICK, **options})


def flush(tracker: Face, timeout_seconds: float = 20.0) -> bool:
    return _settled(tracker.flush(timeout_seconds))


def close(tracker: Face, timeout_seconds: float = 20.0) -> Stats:
    return _settled(tracker.close(timeout_seconds))


def _settled(result: Result | Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def conserved(stats: Stats) -> bool:
    """The law: nothing is unaccounted for."""
    mine = stats.emitted == stats.delivered + stats.pending + stats.spooled + sum(stats.dropped.values())
    adopted = stats.adopted
    return mine and adopted.count == adopted.delivered + adopted.spooled + sum(adopted.dropped.values())
