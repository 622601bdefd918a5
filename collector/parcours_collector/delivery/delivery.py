"""Delivery: the log's rows go to ClickHouse in sealed batches, every one until ClickHouse has decided about it.

A batch's range is on the disk before its first attempt, so that every attempt, also after a crash, sends the same bytes
under the same tokens, and ClickHouse keeps them once. A batch that it refuses is halved down to the rows at fault,
which become dead letters. While one batch is being inserted the next one is being read.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from parcours_collector.delivery.backoff import Backoff
from parcours_collector.delivery.batch import Batch, Part, make_batch
from parcours_collector.delivery.dead_letter import dead_letter
from parcours_collector.wal.checkpoint import Progress
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import Position, Record
from parcours_collector.warehouse.insert import Inserted, InsertOutcome, Refused, Unavailable

_LOG = logging.getLogger(__name__)
_FIRST_BACKOFF_SECONDS = 0.1


class RowSink(Protocol):
    """Where rows go: `parcours_collector.warehouse.insert.Inserter`, or a failing one in tests."""

    async def insert(self, table: str, lines: bytes, token: str) -> InsertOutcome:
        """Store the lines in the table, at most once for one token."""


@dataclass(slots=True)
class DeliveryCounts:
    """What was done since the start."""

    rows_delivered: int = 0
    batches: int = 0
    retries: int = 0
    rows_refused: int = 0
    failures: int = 0


def _unwatched(_seconds: float) -> None:
    return


@dataclass(frozen=True, slots=True)
class DeliveryWatch:
    """Who is told how long things take: each insert, and the way of a batch's oldest row from the disk to the views."""

    inserted: Callable[[float], None] = _unwatched
    visible: Callable[[float], None] = _unwatched


class Delivery:
    """Delivers one log to one sink, from `start` to `drain` or `stop`."""

    def __init__(
        self,
        wal: WriteAheadLog,
        sink: RowSink,
        *,
        max_batch_rows: int = 50_000,
        max_batch_bytes: int = 8 << 20,
        linger_seconds: float = 0.25,
        max_backoff_seconds: float = 5.0,
        watch: DeliveryWatch | None = None,
    ) -> None:
        """Prepare delivery from the log's checkpoint on.

        Args:
            wal: The log; its checkpoint is written by this object only.
            sink: Where rows go.
            max_batch_rows: Bound on a batch, unless one record alone has more.
            max_batch_bytes: Likewise. Below 10 MB, which ClickHouse reads as one block.
            linger_seconds: How long a batch that is not full waits for more rows.
            max_backoff_seconds: The longest pause between two attempts.
            watch: Is told how long things take.
        """
        self._wal = wal
        self._watch = watch or DeliveryWatch()
        self._sink = sink
        self._max_batch_rows = max_batch_rows
        self._max_batch_bytes = max_batch_bytes
        self._linger_seconds = linger_seconds
        self._backoff = Backoff(min(_FIRST_BACKOFF_SECONDS, max_backoff_seconds), max_backoff_seconds)
        self._task: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._draining = asyncio.Event()
        self._progressed = asyncio.Event()
        self._away: str | None = None
        self._told: set[str] = set()
        self.counts = DeliveryCounts()

    @property
    def pending_bytes(self) -> int:
        """Bytes in the log that are not known to be in ClickHouse."""
        return self._wal.bytes_after(self._wal.checkpoint.progress.committed)

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest row that is not known to be in ClickHouse; 0 when there is none."""
        return self._wal.oldest_age_seconds if self.pending_bytes else 0.0

    @property
    def away_because(self) -> str | None:
        """Why ClickHouse takes nothing at this moment; None while it does."""
        return self._away

    def start(self) -> None:
        """Begin to deliver."""
        self._task = asyncio.create_task(self._run())

    async def drain(self, timeout_seconds: float | None) -> int:
        """Deliver what the log holds without lingering, then stop; return the bytes left. None: no time limit."""
        self._draining.set()
        try:
            async with asyncio.timeout(timeout_seconds):
                while self.pending_bytes:
                    self._progressed.clear()
                    await self._progressed.wait()
        except TimeoutError:
            _LOG.warning(
                "Stopped with %d bytes undelivered. They are safe in the log and go out at the next start.",
                self.pending_bytes,
            )
        await self.stop()
        return self.pending_bytes

    async def stop(self) -> None:
        """Stop at once. What is under way is sent again, as the same batch, at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._saving is not None:  # the checkpoint is ours until its write has ended
            await asyncio.gather(self._saving, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._deliver_all()
            except Exception:  # noqa: BLE001 - whatever went wrong, the rows are in the log and must go out
                self.counts.failures += 1
                _LOG.exception("Delivery failed and starts again from its checkpoint.")
                await asyncio.sleep(self._backoff.next_seconds())

    async def _deliver_all(self) -> None:
        progress = self._wal.checkpoint.progress
        if progress.sealed > progress.committed:
            batch = await asyncio.to_thread(self._read_sealed, progress)
        else:
            batch = await self._cut(progress.committed)
        while True:
            await self._save(Progress(batch.start, batch.end))  # commits the batch before, seals this one
            following = asyncio.create_task(self._cut(batch.end))
            try:
                refused_before = self.counts.rows_refused
                for part in batch.parts:
                    await self._deliver(part, batch.appended_at_us)
                if batch.parts:
                    self._watch.visible(max(0.0, time.time() - batch.appended_at_us / 1_000_000))
                if refused := self.counts.rows_refused - refused_before:
                    _LOG.error("ClickHouse refused %d of %d rows: they are in dead_letters.", refused, batch.rows)
                if not following.done():
                    await self._save(Progress(batch.end, batch.end))
                self.counts.batches += 1
                batch = await following
            finally:
                following.cancel()

    async def _save(self, progress: Progress) -> None:
        self._saving = asyncio.create_task(asyncio.to_thread(self._wal.checkpoint.save, progress))
        await asyncio.shield(self._saving)
        await self._wal.release(progress.committed)
        self._progressed.set()

    async def _cut(self, start: Position) -> Batch:
        """Return the next batch after `start`, once there is something in it and it is full or has lingered."""
        await self._wal.wait_for_records(start)
        if self._wal.bytes_after(start) < self._max_batch_bytes and not self._draining.is_set():
            try:
                async with asyncio.timeout(self._linger_seconds):
                    await self._draining.wait()
            except TimeoutError:
                pass
        return await asyncio.to_thread(self._read_next, start)

    def _read_next(self, start: Position) -> Batch:
        chunk = self._wal.read(start, max_bytes=self._max_batch_bytes)
        rows = 0
        for count, record in enumerate(chunk.records):
            rows += record.lines
            if rows > self._max_batch_rows and count:
                return make_batch(start, chunk.records[count - 1].end, chunk.records[:count])
        return make_batch(start, chunk.end, chunk.records)

    def _read_sealed(self, progress: Progress) -> Batch:
        records: list[Record] = []
        position = progress.committed
        while position < progress.sealed:
            chunk = self._wal.read(position, max_bytes=self._max_batch_bytes, upto=progress.sealed)
            if chunk.end == position:
                break
            records += chunk.records
            position = chunk.end
        return make_batch(progress.committed, progress.sealed, records)

    async def _deliver(self, part: Part, appended_at_us: int) -> None:
        match await self._decide(part):
            case Inserted():
                self.counts.rows_delivered += part.rows
            case Refused() as refused if part.rows <= 1:
                self.counts.rows_refused += 1
                await self._bury(dead_letter(part, refused, appended_at_us=appended_at_us))
            case Refused():
                for half in part.halves():
                    await self._deliver(half, appended_at_us)

    async def _bury(self, letter: Part) -> None:
        """Insert a letter, which is well-formed whatever the row was: refusing it says something of the table."""
        while isinstance(refused := await self._decide(letter), Refused):
            self._turned_away(
                Unavailable(
                    f"it refuses a dead letter with error {refused.code} {refused.name}", "Run `parcours migrate`."
                )
            )
            await asyncio.sleep(self._backoff.next_seconds())

    async def _decide(self, part: Part) -> Inserted | Refused:
        token = await asyncio.to_thread(lambda: part.token)
        while True:
            began = time.monotonic()
            outcome = await self._sink.insert(part.table, part.lines, token)
            self._watch.inserted(time.monotonic() - began)
            match outcome:
                case Inserted() | Refused():
                    self._taken_back()
                    return outcome
                case Unavailable():
                    self._turned_away(outcome)
                    self.counts.retries += 1
                    await asyncio.sleep(self._backoff.next_seconds())
                case _:
                    assert_never(outcome)

    def _turned_away(self, outcome: Unavailable) -> None:
        if outcome.reason not in self._told:
            self._told.add(outcome.reason)
            _LOG.warning(
                "ClickHouse takes no rows: %s. Touchpoints are kept in the log and sent until it does. %s",
                outcome.reason,
                outcome.remedy,
            )
        self._away = outcome.reason

    def _taken_back(self) -> None:
        self._backoff.reset()
        if self._away is not None:
            _LOG.warning("ClickHouse takes rows again.")
            self._away = None
            self._told.clear()
