"""The segment files of a log: which there are, how long each is, and their bytes.

A segment's number is the sequence of its first record and its file's name. Only the newest one grows. This module is
used from the loop, the commit thread and the reading thread at once: the list is guarded by a lock and handed out as
copies. It knows sizes and positions, not records.
"""

import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from parcours_collector.wal.disk import Disk
from parcours_collector.wal.record import Position

_NAME = re.compile(r"(\d{20})\.wal")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: `size_bytes` of it are whole, synced records; `written_at` is the Unix time of its last write."""

    number: int
    path: Path
    size_bytes: int
    written_at: float


class Segments:
    """The segments of one folder, oldest first."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        for path in sorted(folder.iterdir()):
            if match := _NAME.fullmatch(path.name):
                status = path.stat()
                self._segments.append(Segment(int(match[1]), path, status.st_size, status.st_mtime))

    def all(self) -> tuple[Segment, ...]:
        """Return the segments as they are now, oldest first."""
        with self._lock:
            return tuple(self._segments)

    def path_of(self, number: int) -> Path:
        """Return where segment `number` is or would be."""
        return self._folder / f"{number:020d}.wal"

    def put(self, segment: Segment) -> None:
        """Add the newest segment, or replace it by a longer or shorter state of itself."""
        with self._lock:
            if self._segments and self._segments[-1].number == segment.number:
                self._segments[-1] = segment
            else:
                self._segments.append(segment)

    def forget(self, number: int) -> None:
        """Take a segment off the list; its file is gone."""
        with self._lock:
            self._segments = [segment for segment in self._segments if segment.number != number]

    def size_bytes(self) -> int:
        """Return the bytes of all segments on disk."""
        return sum(segment.size_bytes for segment in self.all())

    def bytes_after(self, position: Position) -> int:
        """Return how many bytes lie after `position`."""
        total = 0
        for segment in self.all():
            if segment.number > position.segment:
                total += segment.size_bytes
            elif segment.number == position.segment:
                total += max(0, segment.size_bytes - position.offset)
        return total

    def remove_before(self, position: Position, *, older_than: float, keep: int | None) -> int:
        """Remove the segments that end at or before `position`.

        Args:
            position: Where the reader stands.
            older_than: Unix time; a segment written later stays.
            keep: Number of the segment that is being written.

        Returns:
            How many bytes were freed.
        """
        freed = 0
        for segment in self.all():
            read = segment.number < position.segment or (
                segment.number == position.segment and segment.size_bytes <= position.offset
            )
            if not read or segment.number == keep or segment.written_at > older_than:
                break
            segment.path.unlink(missing_ok=True)
            self.forget(segment.number)
            freed += segment.size_bytes
        return freed


def read_bytes(segment: Segment, offset: int, size_bytes: int) -> bytes:
    """Return up to `size_bytes` of a segment from `offset`, less only at its end."""
    descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, min(size_bytes, segment.size_bytes - offset), offset)
    finally:
        os.close(descriptor)
