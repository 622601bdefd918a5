"""How far delivery came: the committed position and the end of the range it has sealed.

Two slots of one small file are written in turn, each with a generation number and a CRC; the newest valid one counts,
so a torn write leaves the state before it. The file never grows after its creation: a full disk cannot keep delivery
from going on, which is what frees the disk.
"""

import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parcours_collector.wal.disk import Disk
from parcours_collector.wal.record import START, Position

_LOG = logging.getLogger(__name__)
_MAGIC = b"PWCP"
_SLOT = struct.Struct("<QQQQQ")
_SLOT_BYTES = 4096  # a disk's own unit, so that a torn write cannot reach the other slot
_NAME = "checkpoint"


@dataclass(frozen=True, slots=True)
class Progress:
    """All before `committed` is in ClickHouse; from there to `sealed`, if that is later, is the batch under way."""

    committed: Position = START
    sealed: Position = START


class Checkpoint:
    """The progress of delivery in one log's folder; `save` returns when it is on the disk. One writer."""

    def __init__(self, path: Path, disk: Disk, generation: int, progress: Progress) -> None:
        self._path = path
        self._disk = disk
        self._generation = generation
        self._progress = progress

    @classmethod
    def open(cls, folder: Path, disk: Disk | None = None) -> "Checkpoint":
        """Read the checkpoint of `folder`, or begin one.

        A file without one valid slot is put aside and delivery begins at the oldest segment: rows that ClickHouse
        already has are sent again, and its tables keep one of each id.
        """
        path, disk = folder / _NAME, disk or Disk()
        content = path.read_bytes() if path.exists() else b""
        slots = sorted(_valid_slots(content), key=lambda slot: slot[0])
        if slots:
            return cls(path, disk, *slots[-1])
        if content.strip(b"\0"):
            aside = folder / "quarantine" / f"{_NAME}.damaged"
            aside.parent.mkdir(exist_ok=True)
            path.replace(aside)
            _LOG.error(
                "The delivery checkpoint %s is damaged and was moved to %s. Delivery begins again at the oldest "
                "segment: ClickHouse keeps one row of each id, nothing is lost or counted twice.",
                path,
                aside,
            )
        disk.store(path, _slot(0, Progress()).ljust(2 * _SLOT_BYTES, b"\0"))
        return cls(path, disk, 0, Progress())

    @property
    def progress(self) -> Progress:
        """What is on the disk."""
        return self._progress

    def save(self, progress: Progress) -> None:
        """Keep `progress`.

        Raises:
            OSError: It could not be written; what was kept before still counts.
        """
        generation = self._generation + 1
        self._disk.overwrite(self._path, generation % 2 * _SLOT_BYTES, _slot(generation, progress))
        self._generation, self._progress = generation, progress


def _slot(generation: int, progress: Progress) -> bytes:
    committed, sealed = progress.committed, progress.sealed
    body = _SLOT.pack(generation, committed.segment, committed.offset, sealed.segment, sealed.offset)
    return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def _valid_slots(content: bytes) -> Iterator[tuple[int, Progress]]:
    for at in (0, _SLOT_BYTES):
        body = content[at + 8 : at + 8 + _SLOT.size]
        if content[at : at + 4] != _MAGIC or len(body) != _SLOT.size:
            continue
        if zlib.crc32(body).to_bytes(4, "little") != content[at + 4 : at + 8]:
            continue
        generation, committed_segment, committed_offset, sealed_segment, sealed_offset = _SLOT.unpack(body)
        progress = Progress(Position(committed_segment, committed_offset), Position(sealed_segment, sealed_offset))
        yield generation, progress
