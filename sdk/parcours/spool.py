"""The spool of one tracker in one process: touchpoints on disk until the collector has answered for them.

What is emitted goes to a journal, one write each; what waits long or is much goes on to a SQLite backlog, in groups.
A disk that fails, fills or is slow is said once a minute, and touchpoints wait in memory meanwhile; nothing is raised.
The journal is used under the queue's lock, the backlog by the worker's thread alone.
"""

import hashlib
import sqlite3
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from parcours.backlog import Backlog
from parcours.claim import Claim, supported
from parcours.drops import QuietLog
from parcours.errors import InvalidOptions
from parcours.journal import Journal, Record
from parcours.lifecycle import holding_off_forks
from parcours.options import Options
from parcours.outgoing import BacklogLost, Waiting

JOURNAL = ".journal"
BACKLOG = ".sqlite"
_REST_SECONDS = 15.0
_SLOW_SECONDS = 0.25
_SLOW_IN_ALL_SECONDS = 1.0
_FAILURES = (OSError, LookupError, ValueError, struct.error)
_PATIENCE_SECONDS = 60.0
_JOURNAL_BYTES = 4 * 1024 * 1024
_JOURNAL_MOST_BYTES = 32 * 1024 * 1024
_LITTLE = 1 / 32


class Spool:
    """Keep the touchpoints of this process. Files are made at the first one.

    Args:
        folder: Of this endpoint and key: see `folder_of`.
        options: See `Options`.
        log: Told of what fails.

    Attributes:
        adopted_bytes: Of the spools of dead processes that this one delivers: they count against the bound.
        problem: What went wrong and is not said yet; see `say`.
    """

    def __init__(self, folder: Path, options: Options, log: QuietLog) -> None:
        self.folder = folder
        self.max_age_seconds = options.spool_max_age_seconds
        self.adopted_bytes = 0
        self._max_bytes = options.spool_max_bytes
        self._to_disk = options.spool_synchronous == "full"
        self._log = log
        self._claim: Claim | None = None
        self._journal: Journal | None = None
        self._backlog: Backlog | None = None
        self.problem = ""
        self._rests_until = 0.0
        self._unreadable_since = 0.0
        self._slow_seconds = 0.0
        # While the journal is made or made anew: a signal handler that emits then waits in memory.
        self._busy = False
        self._closed = False

    @property
    def backlog_count(self) -> int:
        """Touchpoints in the backlog."""
        return 0 if self._backlog is None else self._backlog.count

    @property
    def backlog_bytes(self) -> int:
        """Their bytes."""
        return 0 if self._backlog is None else self._backlog.size_bytes

    @property
    def ready(self) -> bool:
        """Whether it is worth trying: not while the disk has just failed or been slow."""
        return not self._closed and (not self._rests_until or time.monotonic() >= self._rests_until)

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more are within the bound."""
        return self.backlog_bytes + self.adopted_bytes + size <= self._max_bytes

    def write(self, number: int, at_ms: int, wire: bytes, clock_offset_ns: int | None) -> bool:
        """Write one touchpoint to the journal; return whether it is safe there."""
        if self._busy or not self.ready:
            return False
        started = time.monotonic()
        try:
            journal = self._journal or self._open()
            journal.append(number, at_ms, wire, clock_offset_ns)
        except _FAILURES as error:
            self._fail(error)
            return False
        took_seconds = time.monotonic() - started
        if took_seconds <= _SLOW_SECONDS or self._to_disk:
            self._slow_seconds = 0.0
        else:
            self._slow_seconds += took_seconds
            if self._slow_seconds > _SLOW_IN_ALL_SECONDS:
                self._rest(f"is slow ({took_seconds:.1f} s for one write)")
        return True

    def settle(self, upto: int, remaining: Callable[[], Sequence[Record]] | None, size_bytes: int) -> None:
        """Forget journaled touchpoints up to a number.

        Args:
            upto: The number.
            remaining: Makes those that are wanted still; None when there is none.
            size_bytes: Of those.
        """
        if self._journal is None:
            return
        try:
            if remaining is None:
                self._journal.clear()
            elif self._may_rewrite(self._journal.size_bytes, size_bytes):
                self._journal.rewrite(remaining())
            else:
                self._journal.settle(upto)
        except OSError as error:
            # What is settled may be sent again after a crash; the collector knows it by its id.
            self._rest(f"cannot be written ({error.strerror or error})")

    def _may_rewrite(self, journal_bytes: int, size_bytes: int) -> bool:
        """Whether it is time to write the journal anew: whoever emits waits meanwhile, so when little is left."""
        little = journal_bytes > _JOURNAL_BYTES and size_bytes < journal_bytes * _LITTLE
        return little or journal_bytes > _JOURNAL_MOST_BYTES + 2 * size_bytes

    def rewrite(self, records: Sequence[Record], *, at_last: bool = False) -> bool:
        """Have the journal hold exactly these; return whether they are safe. `at_last` tries while the disk rests."""
        if self._busy or self._closed or not (at_last or self.ready):
            return False
        try:
            journal = self._journal or self._open()
            # What a signal handler emits meanwhile would be in neither the old file nor the new one.
            self._busy = True
            journal.rewrite(records)
        except _FAILURES as error:
            self._fail(error)
            return False
        finally:
            self._busy = False
        return True

    def extend_backlog(self, waiting: Sequence[Waiting]) -> bool:
        """Move touchpoints to the backlog; return whether they are safe there."""
        if not self.ready:
            return False
        try:
            if self._claim is None:
                self._open()
            if self._backlog is None and self._claim is not None:
                self._backlog = Backlog(self._claim.file(BACKLOG), to_disk=self._to_disk)
            if self._backlog is not None:
                self._backlog.extend(waiting)
        except (OSError, sqlite3.Error) as error:
            self._rest(f"cannot be written ({type(error).__name__})")
            return False
        return True

    def oldest(self, *, max_count: int, max_bytes: int) -> tuple[Waiting, ...]:
        """Return the oldest of the backlog; they stay. None of them when the disk does not give them now.

        Raises:
            BacklogLost: They cannot be read, and the file is set aside.
        """
        backlog = self._backlog
        if backlog is None:
            return ()
        try:
            waiting = backlog.oldest(max_count=max_count, max_bytes=max_bytes)
        except sqlite3.Error as error:
            now = time.monotonic()
            self._unreadable_since = self._unreadable_since or now
            if isinstance(error, sqlite3.OperationalError) and now - self._unreadable_since < _PATIENCE_SECONDS:
                self._rest(f"cannot be read ({type(error).__name__})")
                return ()
            self._backlog = None
            set_aside(backlog, error, self._log)
            raise BacklogLost from error
        self._unreadable_since = 0.0
        return waiting

    def remove_oldest(self, count: int) -> None:
        """Let the first `count` go of what `oldest` returned last."""
        if self._backlog is not None:
            self._backlog.remove_oldest(count)

    def close_journal(self) -> None:
        """Write nothing more. What is there stays."""
        self._closed = True
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()

    def release(self, *, unlink: bool) -> None:
        """Let go of the files, for whoever adopts what is left in them; or remove them. Once; after `close_journal`."""
        backlog, self._backlog = self._backlog, None
        claim, self._claim = self._claim, None
        if backlog is not None:
            backlog.close(unlink=unlink)
        if claim is not None:
            if unlink:
                claim.file(JOURNAL).unlink(missing_ok=True)
            claim.release(unlink=unlink)

    def leave_to_the_parent(self) -> None:
        """In a forked child: touch nothing of the parent's."""
        if self._backlog is not None:
            self._backlog.leave_to_the_parent()
        if self._journal is not None:
            self._journal.close()
        if self._claim is not None:
            self._claim.leave_to_the_parent()

    def say(self) -> None:
        """Warn of what went wrong. Without any lock: a handler of the host's may emit, or wait for one that does."""
        problem, self.problem = self.problem, ""
        if problem:
            what = f"The spool {problem}: touchpoints wait in memory. Check the disk of {self.folder}."
            self._log.warn("spool", what)

    def _open(self) -> Journal:
        self._busy = True
        try:
            if self._claim is None:
                # A child would hold a lock that nobody knows of, and with it what this process leaves.
                with holding_off_forks(briefly=True):
                    self._claim = Claim.make(self.folder)
            self._journal = Journal(self._claim.file(JOURNAL), to_disk=self._to_disk)
        finally:
            self._busy = False
        return self._journal

    def _fail(self, error: Exception) -> None:
        if isinstance(error, OSError) and error.errno is None:
            # Not the system's: a signal handler of the host's has raised its TimeoutError here.
            raise error
        self._rest(f"cannot be written ({getattr(error, 'strerror', None) or type(error).__name__})")

    def _rest(self, problem: str) -> None:
        self._rests_until = time.monotonic() + _REST_SECONDS
        self._slow_seconds = 0.0
        self.problem = problem


def folder_of(options: Options, spool: str | Path) -> Path:
    """Return the folder of an endpoint and key within `spool`, so that none is sent to another or with another's key.

    Raises:
        InvalidOptions: This system has no file locks of the kind it needs.
    """
    if not supported():
        raise InvalidOptions("spool needs POSIX file locks.", remedy="Leave spool and PARCOURS_SPOOL out on Windows.")
    whose = hashlib.sha256(f"{options.url}\0{options.write_key}".encode()).hexdigest()[:16]
    return Path(spool).absolute() / whose


def set_aside(backlog: Backlog, error: sqlite3.Error, quiet: QuietLog) -> None:
    """Rename a backlog that cannot be read, and say so."""
    count = backlog.count
    try:
        where = str(backlog.set_aside())
    except OSError as failure:
        where = f"where it was ({type(failure).__name__})"
    what = f"A spool cannot be read ({type(error).__name__}): {count or 'its'} touchpoints are set aside in {where}."
    quiet.warn("spool damaged", f"{what} Recover them with `sqlite3 FILE .recover`, or delete it.")
