"""Where damaged bytes of the log go: copied, counted and reported once, so that the rest can go on.

A damaged span keeps the place it came from in its file's name; what is there at the next start is counted again, until
someone has looked at it and taken it away. It knows spans of bytes, not what they meant.
"""

import logging
from pathlib import Path

from parcours_collector.wal.disk import Disk
from parcours_collector.wal.record import Damage

_LOG = logging.getLogger(__name__)
FOLDER = "quarantine"


class Quarantine:
    """The folder `quarantine/` of a log, with what it holds in numbers."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder / FOLDER
        self._disk = disk
        self._records: dict[tuple[int, int], tuple[int, int]] = {}
        for path in self._folder.glob("*.damaged"):
            numbers = path.name.removesuffix(".damaged").split("-")
            if len(numbers) == 3 and all(number.isdigit() for number in numbers):
                segment, offset, records = map(int, numbers)
                self._records[segment, offset] = (records, path.stat().st_size)

        self._mended: set[tuple[int, int]] = set()

    @property
    def mended_records(self) -> int:
        """How many records were read with one wrong byte put right, since the start."""
        return len(self._mended)

    def note_mended(self, segment: int, offset: int) -> None:
        """Report a record in which one byte was wrong and is put right at every reading, the first time it is met."""
        if (segment, offset) in self._mended:
            return
        self._mended.add((segment, offset))
        _LOG.error(
            "One byte of the write-ahead log was wrong, in the record at byte %d of segment %d: its checksum tells "
            "which, and nothing is lost. Check the disk: another byte may not be so lucky.",
            offset,
            segment,
        )

    @property
    def records(self) -> int:
        """How many records were lost to damage, at most."""
        return sum(records for records, _ in tuple(self._records.values()))

    @property
    def size_bytes(self) -> int:
        """How many damaged bytes were found."""
        return sum(size for _, size in tuple(self._records.values()))

    def keep(self, damage: Damage) -> None:
        """Copy a damaged span and report it, the first time it is met."""
        place = (damage.segment, damage.offset)
        if place in self._records:
            return
        self._records[place] = (damage.records, len(damage.content))
        path = self._folder / f"{damage.segment:020d}-{damage.offset}-{damage.records}.damaged"
        _LOG.error(
            "The write-ahead log is damaged in segment %d at byte %d: up to %d records (%d bytes) cannot be read. "
            "They are kept in %s; the rest goes on. Check the disk, then remove that file to clear this alarm.",
            damage.segment,
            damage.offset,
            damage.records,
            len(damage.content),
            path,
        )
        self._copy(path, damage.content)

    def keep_torn(self, segment: int, offset: int, content: bytes) -> None:
        """Copy what is cut from the end of the last segment: never acknowledged, or else damaged beyond telling."""
        if not content.strip(b"\0"):
            return
        path = self._folder / f"{segment:020d}-{offset}.torn"
        _LOG.warning(
            "The last write to the log did not end: %d bytes that no sender was told are kept were cut from segment "
            "%d at byte %d (copied to %s).",
            len(content),
            segment,
            offset,
            path,
        )
        self._copy(path, content)

    def _copy(self, path: Path, content: bytes) -> None:
        try:
            self._folder.mkdir(exist_ok=True)
            self._disk.store(path, content)
        except OSError as error:
            _LOG.error("The damaged bytes could not be copied to %s: %s.", path, error)
