"""Writing a log: one group of appends, one write, one sync, in one thread.

A write or sync that fails ends its segment: the descriptor is closed and never trusted again, what it may have left
half-written is cut back before anything else is written, and the next group begins a new segment. The numbers of the
failed records are not used again. It knows nothing of tasks or loops.
"""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from parcours_collector.wal.disk import Disk
from parcours_collector.wal.record import Position, RecordKind, encode_header
from parcours_collector.wal.segments import Segment, Segments

_PROBE_BYTES = 1 << 20


class Writer:
    """Appends to the newest segment of one log. Used by one thread at a time."""

    def __init__(
        self,
        segments: Segments,
        disk: Disk,
        *,
        next_sequence: int,
        segment_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self._segments = segments
        self._disk = disk
        self._next_sequence = next_sequence
        self._segment_bytes = segment_bytes
        self._clock = clock
        self._open: tuple[Segment, int] | None = None
        self._to_cut: tuple[Segment, int] | None = None

    @property
    def writing(self) -> int | None:
        """The number of the segment that is open for writing."""
        return self._open[0].number if self._open else None

    def write(self, appends: Sequence[Sequence[tuple[RecordKind, bytes]]]) -> list[Position]:
        """Write every append and sync once; return the position behind each.

        Raises:
            OSError: None of them is kept, and `mend` must succeed before the next write.
        """
        now = self._clock()
        parts: list[bytes] = []
        sizes: list[int] = []
        first = self._next_sequence
        for records in appends:
            size = 0
            for kind, payload in records:
                header = encode_header(kind, payload, sequence=self._next_sequence, appended_at_us=int(now * 1_000_000))
                self._next_sequence += 1
                parts += (header, payload)
                size += len(header) + len(payload)
            sizes.append(size)
        content = b"".join(parts)
        segment, descriptor = self._segment_for(len(content), first, now)
        try:
            self._disk.write(descriptor, content)
            self._disk.sync(descriptor)
        except OSError:
            self._abandon(segment, descriptor)
            raise
        written = Segment(segment.number, segment.path, segment.size_bytes + len(content), now)
        self._open = (written, descriptor)
        self._segments.put(written)
        ends: list[Position] = []
        offset = segment.size_bytes
        for size in sizes:
            offset += size
            ends.append(Position(segment.number, offset))
        return ends

    def mend(self, folder: Path) -> None:
        """Cut back what a failed write may have left, and prove that the disk takes a megabyte again.

        Raises:
            OSError: Not yet.
        """
        if self._to_cut is not None:
            segment, size = self._to_cut
            self._disk.cut(segment.path, size)
            if size == 0:
                self._segments.forget(segment.number)
            self._to_cut = None
        probe = folder / "probe"
        try:
            self._disk.store(probe, bytes(_PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the open segment."""
        if self._open is not None:
            self._disk.close(self._open[1])
            self._open = None

    def _segment_for(self, size_bytes: int, first_sequence: int, now: float) -> tuple[Segment, int]:
        if self._open is not None:
            if self._open[0].size_bytes + size_bytes <= self._segment_bytes:
                return self._open
            self.close()
        segment = Segment(first_sequence, self._segments.path_of(first_sequence), 0, now)
        try:
            descriptor = self._disk.create(segment.path)
        except OSError:
            self._to_cut = (segment, 0)
            raise
        self._open = (segment, descriptor)
        return self._open

    def _abandon(self, segment: Segment, descriptor: int) -> None:
        self._open = None
        self._to_cut = (segment, segment.size_bytes)
        with contextlib.suppress(OSError):
            self._disk.close(descriptor)
