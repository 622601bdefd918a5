"""Delete what projects no longer keep, while a collector runs: one process of it looks every hour."""

import asyncio

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.errors import CollectorError
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.retention import delete_expired, expired, keeping_projects

_log = structlog.get_logger()


class RetentionKeeper:
    """Runs beside delivery, from `start` to `stop`."""

    def __init__(self, url: str, *, interval_seconds: float) -> None:
        """Prepare.

        Args:
            url: Of ClickHouse.
            interval_seconds: Time between two looks; 0 = never look.
        """
        self._url = url
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._interval_seconds:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the deletion under way, and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            run = asyncio.ensure_future(asyncio.to_thread(self._delete))
            try:
                await asyncio.shield(run)
            except asyncio.CancelledError:
                await asyncio.gather(run, return_exceptions=True)
                raise
            except (ClickHouseError, CollectorError) as error:
                _log.warning("retention_waits", error=type(error).__name__)
            await asyncio.sleep(self._interval_seconds)

    def _delete(self) -> None:
        with connect(self._url) as client:
            for project, keep_days in keeping_projects(client).items():
                found = expired(client, project, keep_days)
                delete_expired(client, found)
                if not found.is_nothing:
                    _log.info(
                        "retention_deleted",
                        project=project,
                        touchpoints=found.touchpoints,
                        dead_letters=found.dead_letters,
                        identity_edges=found.identity_edges,
                    )
