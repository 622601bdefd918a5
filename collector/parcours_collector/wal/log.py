"""The write-ahead log: `append` returns after fsync, and what it returned for is read back after any crash.

Appends from many tasks share one write and one sync: the first starts at once, those that arrive while the disk is busy
go together in the next. A disk that is full or failing turns appends away until it takes writes again; reading and
releasing go on meanwhile, so that delivery can make room. Nothing here knows what the bytes mean.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from parcours_collector.errors import WalUnavailable
from parcours_collector.wal.checkpoint import Checkpoint
from parcours_collector.wal.disk import Disk, FolderLock
from parcours_collector.wal.quarantine import Quarantine
from parcours_collector.wal.reader import Reader
from parcours_collector.wal.record import HEADER_BYTES, MAX_PAYLOAD_BYTES, START, Position, RecordKind, WalChunk
from parcours_collector.wal.recovery import recover
from parcours_collector.wal.segments import Segments
from parcours_collector.wal.writer import Writer

_LOG = logging.getLogger(__name__)
SEGMENT_BYTES = 64 << 20
MAX_PENDING_BYTES = 64 << 20
_MEND_SECONDS = 1.0


class _Append(NamedTuple):
    records: Sequence[tuple[RecordKind, bytes]]
    size_bytes: int
    done: asyncio.Future[Position]


class WriteAheadLog:
    """One folder of segments, held by one process and used from one event loop; made by `open`."""

    def __init__(
        self,
        folder: Path,
        *,
        lock: FolderLock,
        disk: Disk,
        segments: Segments,
        checkpoint: Checkpoint,
        quarantine: Quarantine,
        writer: Writer,
        max_pending_bytes: int,
        retain_seconds: float,
        mend_after_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._disk = disk
        self._segments = segments
        self._quarantine = quarantine
        self._writer = writer
        self._reader = Reader(segments, quarantine)
        self._max_pending_bytes = max_pending_bytes
        self._retain_seconds = retain_seconds
        self._mend_after_seconds = mend_after_seconds
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wal")
        self._pending: list[_Append] = []
        self._pending_bytes = 0
        self._committing: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None
        self._failure: OSError | None = None
        self._closed = False
        self._grown = asyncio.Event()
        last = segments.all()[-1:]
        self._durable = Position(last[0].number, last[0].size_bytes) if last else START
        self._oldest_at = self._appended_at_after(checkpoint.progress.committed)
        self.checkpoint = checkpoint

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        retain_seconds: float = 0.0,
        mend_after_seconds: float = 0.05,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
    ) -> "WriteAheadLog":
        """Take the folder, cut a torn end off the last segment and go on after it, in a new segment.

        Args:
            folder: Created when missing.
            segment_bytes: A segment is closed before it would grow beyond this; one group of appends may exceed it.
            max_pending_bytes: What may wait for the disk at once; more is turned away.
            retain_seconds: How long released segments stay.
            mend_after_seconds: How long after a failed write the disk is tried again; each wait doubles, up to 1 s.
            disk: For a failing one in tests.
            clock: Unix time in seconds.

        Raises:
            WalInUse: Another process holds the folder.
            OSError: The folder cannot be read or written.
        """
        disk = disk or Disk()
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(folder)
        try:
            checkpoint = Checkpoint.open(folder, disk)
            quarantine = Quarantine(folder, disk)
            segments = Segments(folder, disk)
            # A new segment's number is beyond every position anyone may have kept, even if files were lost: a reader
            # that stands in a segment that was cut or removed goes on with the next one and misses nothing.
            kept = checkpoint.progress
            newest = recover(segments, quarantine, disk)
            next_sequence = 1 + max(newest, kept.committed.segment, kept.sealed.segment)
            writer = Writer(segments, disk, next_sequence=next_sequence, segment_bytes=segment_bytes, clock=clock)
            return cls(
                folder,
                lock=lock,
                disk=disk,
                segments=segments,
                checkpoint=checkpoint,
                quarantine=quarantine,
                writer=writer,
                max_pending_bytes=max_pending_bytes,
                retain_seconds=retain_seconds,
                mend_after_seconds=mend_after_seconds,
                clock=clock,
            )
        except BaseException:
            lock.release()
            raise

    @property
    def durable(self) -> Position:
        """The position behind the last synced record."""
        return self._durable

    @property
    def available(self) -> bool:
        """Whether appends are taken: false from a failed write until the disk has taken one again."""
        return self._failure is None and not self._closed

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments on disk."""
        return self._segments.size_bytes()

    @property
    def oldest_age_seconds(self) -> float:
        """Age of the oldest record that was not released; 0 when there is none."""
        return max(0.0, self._clock() - self._oldest_at) if self._oldest_at is not None else 0.0

    @property
    def quarantined_records(self) -> int:
        """Records lost to damage, at most, as far as their remains lie in `quarantine/`."""
        return self._quarantine.records

    @property
    def mended_records(self) -> int:
        """Records read with one wrong byte put right, since the start."""
        return self._quarantine.mended_records

    @property
    def quarantined_bytes(self) -> int:
        """Bytes of damaged spans that lie in `quarantine/`."""
        return self._quarantine.size_bytes

    def bytes_after(self, position: Position) -> int:
        """Return how many synced bytes lie after `position`."""
        return self._segments.bytes_after(position)

    async def append(self, records: Sequence[tuple[RecordKind, bytes]]) -> Position:
        """Keep the records together and in order; return the position behind them once they are on the disk.

        Raises:
            WalUnavailable: Nothing was kept: the disk is full or failing, or too much waits for it.
            ValueError: A payload is over `MAX_PAYLOAD_BYTES`.
        """
        if not self.available:
            raise self._unavailable()
        if not records:
            return self._durable
        if any(len(payload) > MAX_PAYLOAD_BYTES for _, payload in records):
            raise ValueError(f"a record of the log holds at most {MAX_PAYLOAD_BYTES} bytes")
        size_bytes = sum(HEADER_BYTES + len(payload) for _, payload in records)
        if self._pending and self._pending_bytes + size_bytes > self._max_pending_bytes:
            raise WalUnavailable(f"{self._pending_bytes} bytes wait for the disk already.")
        done: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._pending.append(_Append(records, size_bytes, done))
        self._pending_bytes += size_bytes
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        return await done

    def read(self, after: Position, *, max_bytes: int, upto: Position | None = None) -> WalChunk:
        """Return synced records from `after` on, oldest first; may be called from any thread.

        Args:
            after: Where to begin: `START`, or an `end` that a record or chunk had.
            max_bytes: Bound on the records' bytes; a single record that is larger comes alone.
            upto: Where to stop, at the latest.
        """
        return self._reader.read(after, max_bytes=max_bytes, upto=self._durable if upto is None else upto)

    async def wait_for_records(self, after: Position) -> None:
        """Return when there is something to read after `after`."""
        while not self._segments.bytes_after(after):
            await self._grown.wait()

    async def release(self, upto: Position) -> None:
        """Remove the whole segments before `upto`, once they have been retained long enough."""
        older_than = self._clock() - self._retain_seconds
        await asyncio.to_thread(self._segments.remove_before, upto, older_than=older_than, keep=self._writer.writing)
        oldest_at = await asyncio.to_thread(self._appended_at_after, upto)
        if oldest_at is None and self._segments.bytes_after(upto):
            oldest_at = self._clock()  # it was appended since
        self._oldest_at = oldest_at

    async def roll(self) -> None:
        """End the segment with all appends so far in it, so that it goes once it is delivered; the next begins one."""
        if self._pending:
            await asyncio.wait([append.done for append in self._pending])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        await self.release(self.checkpoint.progress.committed)

    async def close(self) -> None:
        """Finish the appends under way and give the folder back."""
        self._closed = True
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        while self._committing is not None:
            await asyncio.wait([self._committing])
        self._thread.shutdown(wait=True)
        self._writer.close()
        self._lock.release()

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._pending:
                group, self._pending = self._pending, []
                if self._failure is not None:
                    self._refuse(group)
                    continue
                try:
                    ends = await loop.run_in_executor(
                        self._thread, self._writer.write, [append.records for append in group]
                    )
                except OSError as error:
                    self._fail(error)
                    self._refuse(group)
                except BaseException as error:
                    self._refuse(group, error if isinstance(error, Exception) else None)
                    raise
                else:
                    self._advance(group, ends)
        finally:
            self._committing = None

    def _advance(self, group: Sequence[_Append], ends: Sequence[Position]) -> None:
        self._durable = ends[-1]
        if self._oldest_at is None:
            self._oldest_at = self._clock()
        for append, end in zip(group, ends, strict=True):
            self._pending_bytes -= append.size_bytes
            if not append.done.done():
                append.done.set_result(end)
        self._grown.set()
        self._grown = asyncio.Event()

    def _refuse(self, group: Sequence[_Append], error: Exception | None = None) -> None:
        for append in group:
            self._pending_bytes -= append.size_bytes
            if not append.done.done():
                append.done.set_exception(error or self._unavailable())

    def _unavailable(self) -> WalUnavailable:
        if self._failure is None:
            return WalUnavailable("The collector is stopping.")
        return WalUnavailable(f"The write-ahead log cannot be written ({self._failure.strerror or self._failure}).")

    def _fail(self, error: OSError) -> None:
        if self._failure is not None:
            return
        self._failure = error
        _LOG.error(
            "The write-ahead log in %s cannot be written (%s). Senders get 503 and keep their touchpoints; delivery "
            "goes on. Free space or mend the disk: no restart is needed.",
            self._folder,
            error,
        )
        if not self._closed:
            self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        loop = asyncio.get_running_loop()
        delay_seconds = self._mend_after_seconds
        while self._failure is not None:
            await asyncio.sleep(delay_seconds)
            delay_seconds = min(_MEND_SECONDS, 2 * delay_seconds)
            try:
                await loop.run_in_executor(self._thread, self._writer.mend, self._folder)
            except OSError as error:
                self._failure = error
            else:
                self._failure = None
        _LOG.warning("The write-ahead log in %s can be written again.", self._folder)

    def _appended_at_after(self, position: Position) -> float | None:
        records = self._reader.read(position, max_bytes=0, upto=self._durable).records
        return records[0].appended_at_us / 1_000_000 if records else None
