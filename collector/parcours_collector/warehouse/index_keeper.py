"""Move changes into the journey index while touchpoints arrive: when many wait, or the first of them has waited long.

Questions read what waits, too, so a run that fails or comes late makes them slower, never wrong. Once nothing has come
for a while, the moves of the network are kept: whoever asks for them then need not wait for all walks.
"""

import asyncio
import time

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.errors import CollectorError
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.indexing import IndexRun, JourneyIndex
from parcours_collector.warehouse.moves import keep_moves

_log = structlog.get_logger()
_MANY_ROWS = 50_000
_LONG_SECONDS = 60.0
_QUIET_SECONDS = 30.0
_LEAST_SHARE = 20
"""Keeping moves goes through all walks: at most a twentieth of the time is spent on it."""


class IndexKeeper:
    """Runs beside delivery, from `start` to `stop`; one process of a collector does."""

    def __init__(self, url: str, *, interval_seconds: float) -> None:
        """Prepare.

        Args:
            url: Of ClickHouse.
            interval_seconds: Shortest time between two looks; 0 = never look.
        """
        self._url = url
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._index: JourneyIndex | None = None
        self._refreshed_at = 0.0
        self._changed_at = time.monotonic()
        self._may_keep_at = 0.0
        self._failing = False

    def start(self) -> None:
        """Begin to look, with what an earlier process may have left."""
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
            self._client = self._index = None

    async def _run(self) -> None:
        while True:
            run = asyncio.ensure_future(asyncio.to_thread(self._refresh))
            try:
                await asyncio.shield(run)
                self._failing = False
            except asyncio.CancelledError:
                await asyncio.gather(run, return_exceptions=True)
                raise
            except (ClickHouseError, CollectorError) as error:
                if not self._failing:
                    _log.warning("journey_index_waits", error=type(error).__name__)
                self._failing = True
            await asyncio.sleep(self._interval_seconds)

    def _refresh(self) -> IndexRun:
        if self._client is None or self._index is None:
            self._client = connect(self._url)
            self._index = JourneyIndex(self._client)
        is_due = time.monotonic() - self._refreshed_at >= _LONG_SECONDS
        run = self._index.refresh(least_rows=1 if is_due else _MANY_ROWS)
        if is_due or run.changes:
            self._refreshed_at = time.monotonic()
        if run.changes:
            self._changed_at = time.monotonic()
        elif time.monotonic() >= max(self._changed_at + _QUIET_SECONDS, self._may_keep_at):
            self._keep_moves(self._client)
        return run

    def _keep_moves(self, client: Client) -> None:
        began_at = time.monotonic()
        try:
            keep_moves(client)
        finally:
            ended_at = time.monotonic()
            self._may_keep_at = ended_at + _LEAST_SHARE * (ended_at - began_at)
