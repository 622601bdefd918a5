"""The logs of one collector: `wal` itself for one process, `wal/0`, `wal/1`… for its workers.

A worker takes the first numbered folder that nobody holds, so that a worker's successor can begin before it has ended.
A folder that nobody holds and that still has segments is an orphan: whoever takes its lock may deliver it.
"""

from collections.abc import Callable
from pathlib import Path

from parcours_collector.errors import WalInUse
from parcours_collector.wal.log import WriteAheadLog

_SEGMENTS = "*.wal"
_CHECKPOINT = "checkpoint"


def log_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders under `root`, itself included, that are or were a log, the plain one first."""
    if not root.is_dir():
        return ()
    numbered = sorted((path for path in root.iterdir() if path.name.isdecimal() and path.is_dir()), key=_number)
    plain = (root,) if (root / _CHECKPOINT).exists() or has_segments(root) else ()
    return (*plain, *numbered)


def has_segments(folder: Path) -> bool:
    """Whether a log has segments, delivered or not."""
    return next(folder.glob(_SEGMENTS), None) is not None


def waiting_bytes(folder: Path) -> int:
    """Return the bytes of a log's segments."""
    total = 0
    for path in folder.glob(_SEGMENTS):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # delivered meanwhile
            continue
    return total


def open_free(root: Path, open_log: Callable[[Path], WriteAheadLog]) -> WriteAheadLog:
    """Open the log in the first numbered folder under `root` that nobody holds; it may have something to deliver."""
    number = 0
    while True:
        try:
            return open_log(root / str(number))
        except WalInUse:
            number += 1


def delivery_mark(root: Path) -> int:
    """Return a number that differs once any log under `root` has been delivered further, by whatever process."""
    mark = 0
    for folder in log_folders(root):
        try:
            mark += (folder / _CHECKPOINT).stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return mark


def _number(folder: Path) -> int:
    return int(folder.name)
