"""Stitch while touchpoints arrive: after new rows are stored, and not more often than an interval.

Evidence is stored before it is stitched, so a run that fails loses nothing: the next one finds all of it again.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.errors import CollectorError
from parcours_collector.measures.board import Reading, Since
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.stitching import StitchingRun, stitch

_log = structlog.get_logger()


@dataclass(slots=True)
class StitchingCounts:
    """What was done since the start, and for how long rows have waited to be stitched."""

    runs: int = 0
    failures: int = 0
    moved: int = 0
    behind: Since = field(default_factory=Since)


class Stitcher:
    """Runs stitching beside delivery, from `start` to `stop`."""

    def __init__(
        self,
        url: str,
        *,
        interval_seconds: float,
        rows_stored: Callable[[], int],
        took: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """Prepare.

        Args:
            url: Of ClickHouse.
            interval_seconds: Shortest time between two runs; 0 = never run.
            rows_stored: A number that differs once delivery has stored more rows; a run follows then.
            took: Is told how long each run took.
        """
        self.counts = StitchingCounts()
        self._took = took
        self._url = url
        self._interval_seconds = interval_seconds
        self._rows_stored = rows_stored
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._failing = False

    def start(self) -> None:
        """Begin to stitch, with what an earlier process may have left."""
        if self._interval_seconds:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the run under way, and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _run(self) -> None:
        stitched = -1
        while True:
            began = time.monotonic()
            stored = self._rows_stored()
            if stored != stitched:
                self.counts.behind.set(True)
                if await self._stitch():
                    stitched = stored
                    # What was stored meanwhile has waited since this run began, at most: the run before has the rest.
                    self.counts.behind.set(False)
                    if self._rows_stored() != stored:
                        self.counts.behind.restart(began)
            await asyncio.sleep(self._interval_seconds)

    async def _stitch(self) -> bool:
        began = time.monotonic()
        run = asyncio.ensure_future(asyncio.to_thread(self._stitch_once))
        try:
            done = await asyncio.shield(run)
        except asyncio.CancelledError:
            await asyncio.gather(
                run, return_exceptions=True
            )  # a half-written run is only unfinished, but end it cleanly
            raise
        except (ClickHouseError, CollectorError) as error:
            if not self._failing:
                _log.warning("stitching_waits", error=type(error).__name__)
            self._failing = True
            self.counts.failures += 1
            return False
        if self._failing:
            _log.warning("stitching_goes_on")
        self._failing = False
        self.counts.runs += 1
        self.counts.moved += done.moved
        self._took(time.monotonic() - began)
        return True

    def _stitch_once(self) -> StitchingRun:
        if self._client is None:
            self._client = connect(self._url)
        return stitch(self._client)


def readings_of_stitching(counts: StitchingCounts, *, leads: bool) -> Iterator[Reading]:
    """Yield what there is to say of stitching, by the process that does it or stands by."""
    yield Reading("parcours_stitching_leader", float(leads))
    yield Reading("parcours_stitching_runs_total", counts.runs)
    yield Reading("parcours_stitching_failures_total", counts.failures)
    yield Reading("parcours_stitching_moved_total", counts.moved)
    yield Reading("parcours_stitching_behind_seconds", counts.behind.seconds)
