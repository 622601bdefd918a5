"""How many touchpoints a key may send: a bucket that fills at its rate, and may be overdrawn by one request."""

import time
from collections.abc import Callable

from parcours_collector.errors import OverQuota
from parcours_collector.intake.source import Source

_BURST_SECONDS = 10.0
"""What a source may send at once after a rest, in seconds of its quota."""


class Quotas:
    """The buckets of all sources that have a quota. Used by one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def admit(self, source: Source) -> None:
        """Let a request in while anything is left, before its body is read.

        Raises:
            OverQuota: Nothing is left; its `retry_after_seconds` is when there will be.
        """
        if source.quota_per_second is None:
            return
        left = self._left(source, source.quota_per_second)
        if left <= 0:
            wait_seconds = (1 - left) / source.quota_per_second
            raise OverQuota(
                f"The source '{source.name}' has used its quota of {source.quota_per_second:g} touchpoints a second.",
                after_seconds=wait_seconds,
            )

    def charge(self, source: Source, touchpoints: int) -> None:
        """Take what a request held; a request that was let in is taken whole."""
        if source.quota_per_second is not None:
            left = self._left(source, source.quota_per_second)
            self._buckets[source.project, source.name] = (left - touchpoints, self._clock())

    def _left(self, source: Source, per_second: float) -> float:
        most = per_second * _BURST_SECONDS
        now = self._clock()
        left, at = self._buckets.get((source.project, source.name), (most, now))
        return min(most, left + (now - at) * per_second)
