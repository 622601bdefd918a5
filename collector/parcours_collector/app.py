"""The composition root of the collector: settings in, a running collector out, taken down in reverse.

Only here do intake, log, delivery and warehouse meet. The collector needs its log to start, not ClickHouse: what it
accepts meanwhile waits on disk.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
import uvloop
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.connections import raise_file_limit
from parcours_collector.delivery.delivery import Delivery, DeliveryWatch
from parcours_collector.delivery.orphans import Orphans
from parcours_collector.delivery.readings import readings_of
from parcours_collector.door import Door
from parcours_collector.errors import CollectorError
from parcours_collector.intake.admission import Admission
from parcours_collector.intake.intake import Intake
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.metrics import Exposition, Metrics
from parcours_collector.intake.routes import Doors
from parcours_collector.intake.suppression import Suppressions
from parcours_collector.leadership import Duty, Leadership
from parcours_collector.measures.board import Board, Reading, disk_free_bytes
from parcours_collector.memory import give_memory_back
from parcours_collector.plans import LivingPlan
from parcours_collector.settings import DeliverySettings, Settings, WalSettings
from parcours_collector.supervising.berth import Berth
from parcours_collector.supervising.line import Line
from parcours_collector.supervising.notify import notify
from parcours_collector.supervising.worker import WorkerLine
from parcours_collector.wal.folders import delivery_mark, open_free
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.warehouse.client import connect, connect_async
from parcours_collector.warehouse.index_keeper import IndexKeeper
from parcours_collector.warehouse.insert import Inserter
from parcours_collector.warehouse.kinds import EVERY_PROJECT, write_kinds
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.retention_keeper import RetentionKeeper
from parcours_collector.warehouse.stitcher import Stitcher, readings_of_stitching
from parcours_schemas.plan import TrackingPlan

_log = structlog.get_logger()

_LOOK_SECONDS = 0.5
_LOOK_AT_PLAN_SECONDS = 0.5
_RECURSION_LIMIT = 20_000
"""Enough to walk a refused event of the 1,024 levels that the JSON reader takes, so that it can be kept whole."""


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """Where a collector answers: `endpoint` is what the SDK is given."""

    endpoint: str
    port: int
    delivery: Delivery
    board: Board
    door: Door


@asynccontextmanager
async def running_collector(
    settings: Settings, *, berth: Berth | None = None, whole: Exposition | None = None
) -> AsyncIterator[RunningCollector]:
    """Run a collector; on leaving, let connections end, finish the requests under way, and deliver what time allows.

    Args:
        settings: Of the collector.
        berth: The place of a worker: its listening socket, and a log of its own among those of the others.
        whole: Gives the metrics of all workers.

    Raises:
        InvalidSettings: The URL of ClickHouse or the plan cannot be used.
        WalInUse: Another process holds the log.
        PortInUse: Something listens there already.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
    raise_file_limit()
    give_memory_back()
    url = settings.require_clickhouse_url()
    plan = LivingPlan(settings.plan)
    keys = KeyRing(settings.registry_file)
    board = Board()
    async with AsyncExitStack() as stack:
        root, open_log = settings.wal_folder, partial(_open_log, settings.wal)
        log = open_log(root) if berth is None else open_free(root, open_log)
        stack.push_async_callback(log.close)
        inserter = Inserter(_checked_connection(url, plan))
        stack.push_async_callback(inserter.close)
        watch = DeliveryWatch(
            inserted=board.histogram("parcours_delivery_insert_seconds").observe,
            visible=board.histogram("parcours_delivery_visible_seconds").observe,
        )
        delivery = _delivery(inserter, settings.delivery, watch, log)
        stitcher = Stitcher(
            url,
            interval_seconds=settings.stitching.interval_seconds,
            rows_stored=lambda: delivery_mark(root),
            took=board.histogram("parcours_stitching_seconds").observe,
        )
        second_inserter = Inserter(_checked_connection(url, plan))
        stack.push_async_callback(second_inserter.close)
        orphans = Orphans(
            root, open_log=open_log, deliver=partial(_delivery, second_inserter, settings.delivery, watch)
        )
        keeper = IndexKeeper(url, interval_seconds=settings.stitching.interval_seconds)
        retention = RetentionKeeper(url, interval_seconds=settings.retention.interval_seconds)
        duties = (
            Duty(stitcher.start, stitcher.stop),
            Duty(keeper.start, keeper.stop),
            Duty(retention.start, retention.stop),
            Duty(orphans.start, orphans.stop),
        )
        leadership = Leadership(settings.leader_file, duties)
        suppressions = Suppressions(settings.suppressions_file)
        intake = Intake(
            settings=settings.http,
            keys=keys,
            log=log,
            plan=plan.current,
            suppressions=suppressions,
            privacy=settings.privacy,
            enrichment=settings.enrichment,
        )
        admission = Admission(log=log, http=settings.http, wal=_share(settings.wal, berth))
        doors = Doors(
            settings=settings.http,
            keys=keys,
            intake=intake,
            log=log,
            metrics=Metrics(intake=intake, log=log, board=board, turned_away=admission.turned_away, whole=whole),
            admission=admission,
        )
        board.read(lambda: readings_of(delivery))
        board.read(orphans.readings)
        board.read(lambda: readings_of_stitching(stitcher.counts, leads=leadership.leads))
        board.read(lambda: [Reading("parcours_disk_free_bytes", disk_free_bytes(root))])
        delivery.start()
        stack.push_async_callback(delivery.drain, settings.shutdown_seconds)
        for what, every_seconds, look in (
            ("forgotten", _LOOK_SECONDS, _rolling_for_the_forgotten(log, settings)),
            ("plan", _LOOK_AT_PLAN_SECONDS, _following_plan(plan, intake, url)),
        ):
            stack.push_async_callback(_ended, asyncio.create_task(_repeat(what, every_seconds, look)))
        board.read(
            lambda: [
                Reading("parcours_plan_reloads_total", plan.reloads),
                Reading("parcours_plan_refused", float(plan.is_refused)),
            ]
        )
        leadership.start()
        stack.push_async_callback(leadership.stop)
        door = Door(doors.application(), admission, settings.http)
        board.read(lambda: [Reading("parcours_connections", door.connections)])
        stack.push_async_callback(door.close)
        port = await door.open(settings.host, settings.port, berth)
        yield RunningCollector(f"http://{settings.host}:{port}", port, delivery, board, door)


def run_collector(settings: Settings, *, on_ready: Callable[[RunningCollector], None]) -> None:
    """Run a collector until SIGTERM, SIGINT or SIGHUP."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, on_ready))


def run_worker(settings: Settings, berth: Berth) -> None:
    """Run a worker of a supervisor until SIGTERM, SIGINT or the supervisor's end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_worker(settings, berth))


async def _run(settings: Settings, on_ready: Callable[[RunningCollector], None]) -> None:
    stop = stop_event(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    async with running_collector(settings) as collector:
        on_ready(collector)
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")
        _log.info("collector_stopping", undelivered_bytes=collector.delivery.pending_bytes)
    _log.info("collector_stopped")


async def _run_worker(settings: Settings, berth: Berth) -> None:
    stop = stop_event(signal.SIGTERM, signal.SIGINT)
    structlog.contextvars.bind_contextvars(slot=berth.slot, pid=os.getpid())
    line = WorkerLine(await Line.over(berth.line_home()))
    try:
        async with running_collector(settings, berth=berth, whole=line.whole) as collector:
            line.ready(collector.board, serve=collector.door.serve, leave=collector.door.leave)
            _log.info("worker_started")
            ends = [asyncio.ensure_future(event.wait()) for event in (stop, line.ended)]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            _log.info("worker_stopping", undelivered_bytes=collector.delivery.pending_bytes)
    finally:
        await line.close()
    _log.info("worker_stopped")


def stop_event(*signals: signal.Signals) -> asyncio.Event:
    """Return an event that any of these signals sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in signals:
        loop.add_signal_handler(signal_number, stop.set)
    return stop


def _open_log(settings: WalSettings, folder: Path) -> WriteAheadLog:
    return WriteAheadLog.open(
        folder, segment_bytes=settings.segment_bytes, max_pending_bytes=settings.max_pending_bytes
    )


def _share(settings: WalSettings, berth: Berth | None) -> WalSettings:
    """The room that one of several logs on one disk may take."""
    if berth is None:
        return settings
    return settings.model_copy(update={"high_water_bytes": settings.high_water_bytes // berth.workers})


def _delivery(inserter: Inserter, settings: DeliverySettings, watch: DeliveryWatch, log: WriteAheadLog) -> Delivery:
    return Delivery(
        log,
        inserter,
        max_batch_rows=settings.max_batch_rows,
        max_batch_bytes=settings.max_batch_bytes,
        linger_seconds=settings.linger_seconds,
        max_backoff_seconds=settings.max_backoff_seconds,
        watch=watch,
    )


async def _repeat(what: str, every_seconds: float, look: Callable[[], Awaitable[None]]) -> None:
    """Look again and again, whatever happens; a look that fails is said once, until one does not."""
    fails = False
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await look()
        except Exception as error:  # noqa: BLE001 - nobody waits for this task: its end would be seen by nobody
            if not fails:
                _log.error("look_failed", at=what, error=type(error).__name__, consequence="it is tried again")
            fails = True
        else:
            fails = False


def _rolling_for_the_forgotten(log: WriteAheadLog, settings: Settings) -> Callable[[], Awaitable[None]]:
    """End the segment under way when the list of the forgotten changes: what it holds goes once it is delivered."""
    suppressions = Suppressions(settings.suppressions_file)
    rolled_for = suppressions.generation

    async def look() -> None:
        nonlocal rolled_for
        suppressions.refresh()
        if suppressions.generation != rolled_for:
            now = suppressions.generation
            await log.roll()
            rolled_for = now

    return look


def _following_plan(plan: LivingPlan, intake: Intake, url: str) -> Callable[[], Awaitable[None]]:
    """Judge by the folder's plan as it changes, and tell ClickHouse what its kinds mean as soon as it answers."""
    told = plan.current

    async def look() -> None:
        nonlocal told
        await asyncio.to_thread(plan.look)
        intake.plan = plan.current
        if told is not intake.plan:
            try:
                await asyncio.to_thread(_tell_kinds, url, intake.plan)
            except (CollectorError, ClickHouseError):
                return  # delivery says that it is away, and tells it too when it is back
            told = intake.plan

    return look


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _checked_connection(url: str, plan: LivingPlan) -> Callable[[], Awaitable[AsyncClient]]:
    """Return a way to connect that first makes sure of the tables and tells ClickHouse what the plan's kinds mean."""

    async def connection() -> AsyncClient:
        await asyncio.to_thread(_tell_kinds, url, plan.current)
        return await connect_async(url)

    return connection


def _tell_kinds(url: str, plan: TrackingPlan | None) -> None:
    with connect(url) as client:
        require_migrated(client)
        if plan is not None:
            write_kinds(client, EVERY_PROJECT, plan.declarations.values())
