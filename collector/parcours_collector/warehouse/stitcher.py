"""Stitch while touchpoints arrive: after new rows are stored, and not more often than an interval.

Evidence is stored before it is stitched, so a run that fails loses nothing: the next one finds all of it again.
"""

import asyncio
from collections.abc import Callable

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.errors import CollectorError
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.stitching import StitchingRun, stitch

_log = structlog.get_logger()


class Stitcher:
    """Runs stitching beside delivery, from `start` to `stop`."""

    def __init__(self, url: str, *, interval_seconds: float, rows_stored: Callable[[], int]) -> None:
        """Prepare.

        Args:
            url: Of ClickHouse.
            interval_seconds: Shortest time between two runs; 0 = never run.
            rows_stored: How many rows delivery has stored; a run follows when it has grown.
        """
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
            stored = self._rows_stored()
            if stored != stitched and await self._stitch():
                stitched = stored
            await asyncio.sleep(self._interval_seconds)

    async def _stitch(self) -> bool:
        run = asyncio.ensure_future(asyncio.to_thread(self._stitch_once))
        try:
            await asyncio.shield(run)
        except asyncio.CancelledError:
            await asyncio.gather(
                run, return_exceptions=True
            )  # a half-written run is only unfinished, but end it cleanly
            raise
        except (ClickHouseError, CollectorError) as error:
            if not self._failing:
                _log.warning("stitching_waits", error=type(error).__name__)
            self._failing = True
            return False
        if self._failing:
            _log.warning("stitching_goes_on")
        self._failing = False
        return True

    def _stitch_once(self) -> StitchingRun:
        if self._client is None:
            self._client = connect(self._url)
        return stitch(self._client)
