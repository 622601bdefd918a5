"""Logs that nobody holds any more are delivered: of a worker that is not started again, of a volume that was left.

An orphan is taken under its own lock, so that nobody else delivers it, and its batches keep their tokens: what its
worker had sent already is not stored again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from parcours_collector.delivery.delivery import Delivery
from parcours_collector.errors import WalInUse
from parcours_collector.measures.board import Reading
from parcours_collector.wal.folders import has_segments, log_folders
from parcours_collector.wal.log import WriteAheadLog

_log = structlog.get_logger()

_LOOK_SECONDS = 2.0
_TELL_SECONDS = 0.1


async def drain(log: WriteAheadLog, delivery: Delivery, told: Callable[[int], None] = lambda _left: None) -> None:
    """Deliver all of a log and remove its segments; returns when that is done, however long ClickHouse is away.

    Args:
        log: Held, and appended to by nobody.
        delivery: Of it, not started.
        told: Is told ten times a second how many bytes are left.
    """
    delivery.start()
    draining = asyncio.ensure_future(delivery.drain(None))
    try:
        while not draining.done():
            told(delivery.pending_bytes)
            await asyncio.wait([draining], timeout=_TELL_SECONDS)
        draining.result()
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await delivery.stop()
    await log.release(log.checkpoint.progress.committed)
    told(delivery.pending_bytes)


class Orphans:
    """Looks for orphans beside a running collector and delivers them, one after the other, from `start` to `stop`."""

    def __init__(
        self,
        root: Path,
        *,
        open_log: Callable[[Path], WriteAheadLog],
        deliver: Callable[[WriteAheadLog], Delivery],
    ) -> None:
        """Prepare.

        Args:
            root: The folder of the collector's logs.
            open_log: Opens one of them.
            deliver: Makes a delivery of one.
        """
        self._root = root
        self._open_log = open_log
        self._deliver = deliver
        self._task: asyncio.Task[None] | None = None
        self._under_way: Delivery | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop at once; what was not delivered stays an orphan."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def readings(self) -> Iterator[Reading]:
        """Yield what there is to say of the orphan that is being delivered."""
        yield Reading("parcours_wal_orphan_bytes", self._under_way.pending_bytes if self._under_way else 0)

    async def _run(self) -> None:
        while True:
            try:
                for folder in log_folders(self._root):
                    if has_segments(folder):
                        await self._adopt(folder)
            except Exception as error:  # noqa: BLE001 - an orphan waits, and is looked at again
                _log.error("orphan_waits", error=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _adopt(self, folder: Path) -> None:
        try:
            log = await asyncio.to_thread(self._open_log, folder)
        except WalInUse:
            return
        try:
            self._under_way = self._deliver(log)
            left = self._under_way.pending_bytes
            if left:
                _log.info("orphan_adopted", folder=str(folder), undelivered_bytes=left)
            await drain(log, self._under_way)
            if left:
                _log.info("orphan_delivered", folder=str(folder))
        finally:
            self._under_way = None
            with contextlib.suppress(OSError):
                await log.close()
