"""`parcours drain`: deliver a log whose collector is gone, such as the volume that a smaller deployment left behind."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import typer

from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.terminal import byte_progress_bar, console
from parcours_collector.delivery.delivery import Delivery
from parcours_collector.delivery.orphans import drain as drain_log
from parcours_collector.errors import InvalidSettings
from parcours_collector.logs import configure_logs
from parcours_collector.settings import Settings, load_settings
from parcours_collector.wal.folders import has_segments, log_folders, waiting_bytes
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.warehouse.client import connect, connect_async
from parcours_collector.warehouse.insert import Inserter
from parcours_collector.warehouse.migrations import require_migrated

EXIT_SOME_LEFT = 1

_log = structlog.get_logger()


def drain(
    folder: Annotated[
        Path, typer.Argument(help="A log, the folder of several, or a collector's data folder.", show_default=False)
    ],
    timeout_seconds: Annotated[
        float | None,
        typer.Option("--timeout-seconds", min=0, help="Give up after so long. Default: never.", show_default=False),
    ] = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Deliver what lies in a log that no collector holds any more, then remove its segments. Nothing is stored twice.

    The exit status is 0 when all of it is in ClickHouse, 1 when time ran out, 2 when it could not start. It may be
    stopped and run again at any moment. A running collector delivers the logs beside its own by itself.
    """
    settings = load_settings(clickhouse_url=clickhouse_url)
    configure_logs(settings.log_format)
    folders = _logs_in(folder)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
    left = asyncio.run(_drain_all(settings, folders, timeout_seconds))
    if left:
        console.print(f"{left:,} bytes are left. Run it again to go on; nothing is stored twice.")
        raise typer.Exit(EXIT_SOME_LEFT)
    console.print(f"Everything in {folder} is in ClickHouse.", soft_wrap=True)


def _logs_in(folder: Path) -> tuple[Path, ...]:
    for place in (folder, folder / "wal"):
        if found := log_folders(place):
            return tuple(one for one in found if has_segments(one))
    raise InvalidSettings(f"{folder} holds no log.", remedy="Give the folder `wal` of a collector's data folder.")


async def _drain_all(settings: Settings, folders: tuple[Path, ...], timeout_seconds: float | None) -> int:
    inserter = Inserter(partial(connect_async, settings.require_clickhouse_url()))
    left = 0
    try:
        async with asyncio.timeout(timeout_seconds):
            for folder in folders:
                await _drain(settings, folder, inserter)
    except TimeoutError:
        left = sum(map(waiting_bytes, folders))
    finally:
        await inserter.close()
    return left


async def _drain(settings: Settings, folder: Path, inserter: Inserter) -> None:
    log = WriteAheadLog.open(folder)
    try:
        delivery = Delivery(
            log,
            inserter,
            max_batch_rows=settings.delivery.max_batch_rows,
            max_batch_bytes=settings.delivery.max_batch_bytes,
            linger_seconds=0,
            max_backoff_seconds=settings.delivery.max_backoff_seconds,
        )
        total = delivery.pending_bytes
        with byte_progress_bar() as bar:
            task = bar.add_task(f"drain {folder}", total=total)
            await drain_log(log, delivery, lambda pending: bar.update(task, completed=total - pending))
        _log.info(
            "log_drained",
            folder=str(folder),
            delivered_bytes=total,
            rows=delivery.counts.rows_delivered,
            refused_rows=delivery.counts.rows_refused,
        )
    finally:
        await log.close()
