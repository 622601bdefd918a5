"""The composition root of the collector: settings in, a running collector out, taken down in reverse.

Only here do intake, log, delivery and warehouse meet. The collector needs its log to start, not ClickHouse: what it
accepts meanwhile waits on disk.
"""

import asyncio
import errno
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
import uvloop
from aiohttp import web
from clickhouse_connect.driver.asyncclient import AsyncClient

from parcours_collector.delivery.delivery import Delivery
from parcours_collector.errors import PortInUse
from parcours_collector.intake.admission import Admission
from parcours_collector.intake.intake import Intake
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.metrics import Metrics
from parcours_collector.intake.routes import Doors
from parcours_collector.plans import read_plan
from parcours_collector.settings import Settings
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.warehouse.client import connect, connect_async
from parcours_collector.warehouse.insert import Inserter
from parcours_collector.warehouse.kinds import EVERY_PROJECT, write_kinds
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.stitcher import Stitcher
from parcours_schemas.plan import TrackingPlan

_log = structlog.get_logger()

_RECURSION_LIMIT = 20_000
"""Enough to walk a refused event of the 1,024 levels that the JSON reader takes, so that it can be kept whole."""


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """Where a collector answers: `endpoint` is what the SDK is given."""

    endpoint: str
    port: int
    delivery: Delivery


@asynccontextmanager
async def running_collector(settings: Settings) -> AsyncIterator[RunningCollector]:
    """Run a collector; on leaving, refuse new touchpoints, finish the requests under way, and deliver what time allows.

    Raises:
        InvalidSettings: The URL of ClickHouse or the plan cannot be used.
        WalInUse: Another process holds the log.
        PortInUse: Something listens there already.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
    url = settings.require_clickhouse_url()
    plan = read_plan(settings.plan)
    keys = KeyRing(settings.registry_file)
    async with AsyncExitStack() as stack:
        log = WriteAheadLog.open(
            settings.wal_folder,
            segment_bytes=settings.wal.segment_bytes,
            max_pending_bytes=settings.wal.max_pending_bytes,
        )
        stack.push_async_callback(log.close)
        inserter = Inserter(_checked_connection(url, plan))
        stack.push_async_callback(inserter.close)
        delivery = Delivery(
            log,
            inserter,
            max_batch_rows=settings.delivery.max_batch_rows,
            max_batch_bytes=settings.delivery.max_batch_bytes,
            linger_seconds=settings.delivery.linger_seconds,
            max_backoff_seconds=settings.delivery.max_backoff_seconds,
        )
        stitcher = Stitcher(
            url,
            interval_seconds=settings.stitching.interval_seconds,
            rows_stored=lambda: delivery.counts.rows_delivered,
        )
        intake = Intake(
            settings=settings.http,
            keys=keys,
            log=log,
            plan=plan,
            privacy=settings.privacy,
            enrichment=settings.enrichment,
        )
        admission = Admission(log=log, http=settings.http, wal=settings.wal)
        doors = Doors(
            settings=settings.http,
            keys=keys,
            intake=intake,
            log=log,
            metrics=Metrics(
                intake=intake, log=log, delivery=lambda: _readings(delivery), turned_away=admission.turned_away
            ),
            admission=admission,
        )
        delivery.start()
        stack.push_async_callback(delivery.drain, settings.shutdown_seconds)
        stitcher.start()
        stack.push_async_callback(stitcher.stop)
        port = await _listen(doors.application(), settings, stack)
        stack.callback(setattr, admission, "stopping", True)
        yield RunningCollector(endpoint=f"http://{settings.host}:{port}", port=port, delivery=delivery)


def run_collector(settings: Settings, *, on_ready: Callable[[RunningCollector], None]) -> None:
    """Run a collector until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, on_ready))


async def _run(settings: Settings, on_ready: Callable[[RunningCollector], None]) -> None:
    stop = stop_event()
    async with running_collector(settings) as collector:
        on_ready(collector)
        await stop.wait()
        _log.info("collector_stopping", undelivered_bytes=collector.delivery.pending_bytes)
    _log.info("collector_stopped")


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    return stop


async def _listen(application: web.Application, settings: Settings, stack: AsyncExitStack) -> int:
    # The body is decompressed by us, within limits: aiohttp's own way has none for what it inflates to.
    runner = web.AppRunner(application, auto_decompress=False, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.host, settings.port, reuse_address=True)
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {settings.port} of {settings.host} is in use.") from error
        raise
    return int(runner.addresses[0][1])


def _checked_connection(url: str, plan: TrackingPlan | None) -> Callable[[], Awaitable[AsyncClient]]:
    """Return a way to connect that first makes sure of the tables and tells ClickHouse what the plan's kinds mean."""

    def check() -> None:
        with connect(url) as client:
            require_migrated(client)
            if plan is not None:
                write_kinds(client, EVERY_PROJECT, plan.declarations.values())

    async def connection() -> AsyncClient:
        await asyncio.to_thread(check)
        return await connect_async(url)

    return connection


def _readings(delivery: Delivery) -> dict[str, tuple[str, float]]:
    counts = delivery.counts
    return {
        "delivered_rows": ("Rows stored in ClickHouse since the start.", counts.rows_delivered),
        "delivered_batches": ("Batches stored in ClickHouse since the start.", counts.batches),
        "delivery_retries": ("Attempts repeated because ClickHouse was away.", counts.retries),
        "refused_rows": ("Rows that ClickHouse refused.", counts.rows_refused),
        "delivery_pending_bytes": ("Bytes of the log not yet in ClickHouse.", delivery.pending_bytes),
        "delivery_away": ("1 while ClickHouse takes no rows.", float(delivery.away_because is not None)),
    }
