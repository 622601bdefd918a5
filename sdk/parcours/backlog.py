"""The backlog of a spool: touchpoints that wait on disk, in order, in one SQLite file.

Rows come in groups, one transaction each, and go when the collector has answered for them. One background thread at a
time uses it, never the caller's; forks are held off while SQLite works, and a child leaves the parent's connection as
it is.
"""

import sqlite3
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson

from parcours.lifecycle import holding_off_forks
from parcours.outgoing import Outgoing, Waiting

_SCHEMA = """
CREATE TABLE IF NOT EXISTS touchpoints (
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, wire TEXT NOT NULL,
    clock_offset_ns INTEGER
)
"""
# One step for a whole group: Python lets other threads in at each, and a busy one would keep us waiting every time.
_INSERT = """
INSERT OR IGNORE INTO touchpoints
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
FROM json_each(?)
"""
_SELECT = """
SELECT json_group_array(json_array(number, at_ms, id, name, wire, clock_offset_ns))
FROM (SELECT * FROM touchpoints WHERE number > ? ORDER BY number LIMIT ?)
"""
_BUSY_SECONDS = 0.5
_BATCH_MAX_COUNT = 1000
"""The most that can be under way: see `Options.batch_max_count`."""


class Backlog:
    """Touchpoints in order of their numbers. The file is made when the first ones come.

    Args:
        path: The SQLite file, on a local disk.
        to_disk: Force each transaction to the disk (`synchronous=FULL`) instead of the system alone (`NORMAL`).

    Attributes:
        count: Touchpoints that wait.
        size_bytes: Their length, about as on the wire.

    Raises:
        sqlite3.OperationalError: From any method but `remove_oldest`: the disk is full or failing, or the file locked.
        sqlite3.DatabaseError: Otherwise: the file is damaged; `set_aside` is next.
    """

    def __init__(self, path: Path, *, to_disk: bool) -> None:
        self._path = path
        self._to_disk = to_disk
        self._connection: sqlite3.Connection | None = None
        # Rows up to this number are answered for, even when the disk has no room to delete them.
        self._answered = 0
        self._peeked: deque[tuple[int, int]] = deque()
        # Of what was read last.
        self._typical_bytes = 0
        self.count = 0
        self.size_bytes = 0

    def load(self) -> None:
        """Count what a dead process has left here, when there is something; `oldest` is next."""
        if self._path.exists():
            with holding_off_forks():
                row = self._open().execute("SELECT count(*), ifnull(sum(length(wire)), 0) FROM touchpoints").fetchone()
                self.count, self.size_bytes = row

    def keep_times(self) -> None:
        """Let every touchpoint keep its time: it waited through a start of the machine, whose clock says nothing."""
        if self.count:
            with holding_off_forks():
                self._open().execute("UPDATE touchpoints SET clock_offset_ns = NULL")

    def extend(self, waiting: Iterable[Waiting]) -> None:
        """Keep these, all or none; one that is here already stays as it is."""
        rows = [
            (number, at_ms, id_, name, wire.decode(), offset) for number, at_ms, (id_, name, wire, offset) in waiting
        ]
        group = orjson.dumps(rows).decode()
        with holding_off_forks():
            self._open().execute(_INSERT, (group,))
        sizes = [(row[0], len(row[4])) for row in rows]
        if len(self._peeked) == self.count < _BATCH_MAX_COUNT:
            # What is under way from memory has become the oldest here, and may be removed without being read.
            self._peeked.extend(sizes)
        self.count += len(rows)
        self.size_bytes += sum(size for _, size in sizes)

    def oldest(self, *, max_count: int, max_bytes: int) -> tuple[Waiting, ...]:
        """Return the oldest, at least one when there is any; they stay until removed."""
        batch: list[Waiting] = []
        size = 0
        self._peeked.clear()
        if not self.count:
            return ()
        typical_bytes = self._typical_bytes or self.size_bytes // self.count + 1
        last = self._answered
        while len(batch) < max_count and size <= max_bytes:
            # About as many as are wanted: to read large ones only to leave them would cost more than to send them.
            rows = self._after(last, min(max_count - len(batch), (max_bytes - size) // typical_bytes + 1))
            if not rows:
                break
            for number, at_ms, event_id, name, wire, clock_offset_ns in rows:
                size += len(wire) + 1
                if batch and size > max_bytes:
                    break
                batch.append(Waiting(number, at_ms, Outgoing(event_id, name, wire.encode(), clock_offset_ns)))
                self._peeked.append((number, len(wire)))
                last = number
        self._typical_bytes = size // (len(batch) or 1) + 1
        return tuple(batch)

    def remove_oldest(self, count: int) -> None:
        """Let the first `count` go of what `oldest` returned last: they are answered for. Raises nothing.

        When the disk refuses, they are skipped from now on and removed with the next.
        """
        for _ in range(count):
            self._answered, size = self._peeked.popleft()
            self.count -= 1
            self.size_bytes -= size
        with holding_off_forks(), suppress(sqlite3.Error):
            self._open().execute("DELETE FROM touchpoints WHERE number <= ?", (self._answered,))

    def close(self, *, unlink: bool = False) -> None:
        """Let go of the file, and remove it when nothing of it is wanted."""
        with holding_off_forks(), suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.close()
        self._connection = None
        if unlink:
            for path in self._files():
                path.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Rename a damaged file for somebody to look at, and begin afresh; return its new path."""
        self.close()
        aside = self._path.with_suffix(".damaged")
        for path in self._files():
            if path.exists():
                path.replace(aside.with_name(path.name.replace(self._path.name, aside.name)))
        self.count = self.size_bytes = 0
        self._peeked.clear()
        return aside

    def leave_to_the_parent(self) -> None:
        """In a forked child: never use, close or finalize the connection; SQLite allows none of it."""
        if self._connection is not None:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            self._connection = None

    def _after(self, number: int, count: int) -> list[tuple[int, int, str, str, str, int | None]]:
        with holding_off_forks():
            (group,) = self._open().execute(_SELECT, (number, count)).fetchone()
        return sorted(tuple(row) for row in orjson.loads(group))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.touch(0o600)
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {'FULL' if self._to_disk else 'NORMAL'}")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute(_SCHEMA)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _files(self) -> tuple[Path, ...]:
        return tuple(self._path.with_name(self._path.name + suffix) for suffix in ("", "-wal", "-shm"))
