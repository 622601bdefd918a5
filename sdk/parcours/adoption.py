"""The spools of dead processes: claimed one at a time, oldest first, and delivered by a living one.

A spool is drained where it lies: whoever dies while doing so leaves the rest to the next. Its touchpoints are counted
apart from those of this process. It is used by the worker's thread alone.
"""

import sqlite3
import time
from collections.abc import Mapping

import orjson

from parcours.backlog import Backlog
from parcours.claim import Claim, names
from parcours.clock import boot_id
from parcours.drops import DropReason, QuietLog
from parcours.journal import Record, read_journal
from parcours.lifecycle import holding_off_forks
from parcours.outgoing import Batch, Outgoing, Waiting, oldest_of_one_fate
from parcours.queue import EventQueue
from parcours.spool import BACKLOG, JOURNAL, Spool, set_aside
from parcours_schemas.envelope import MAX_EVENT_BYTES

_SEEK_FIRST_SECONDS = 0.5
_SEEK_MAX_SECONDS = 60.0


class Adoption:
    """Deliver what dead processes of the same endpoint and key have left.

    Args:
        spool: This process's own: says where to look, and takes the bytes into account.
        queue: Holds the ledger.
        log: Told of what cannot be read.
    """

    def __init__(self, spool: Spool, queue: EventQueue, log: QuietLog) -> None:
        self._spool = spool
        self._queue = queue
        self._log = log
        self._claim: Claim | None = None
        self._backlog: Backlog | None = None
        self._seek_again_at = 0.0
        self._seek_seconds = _SEEK_FIRST_SECONDS
        self._unusable: set[str] = set()

    def may_find_any(self) -> bool:
        """Whether it is worth looking: some process has or had a spool there."""
        try:
            return bool(names(self._spool.folder))
        except OSError:
            return False

    def has_any(self) -> bool:
        """Whether there is something to deliver; looks for the dead now and then."""
        while self._backlog is None or not self._backlog.count:
            self._end()
            if time.monotonic() < self._seek_again_at:
                self._queue.set_adopting(adopting=False)
                return False
            try:
                self._take_one()
            except (OSError, sqlite3.Error) as error:
                self._log.warn("spool", f"A spool left by another process cannot be taken: {type(error).__name__}.")
                if self._claim is not None:
                    self._unusable.add(self._claim.name)
                self.close()
            if self._claim is None:
                # Soon again at first: whoever starts us anew may be quicker than the end of the one before.
                self._seek_again_at = time.monotonic() + self._seek_seconds
                self._seek_seconds = min(self._seek_seconds * 2, _SEEK_MAX_SECONDS)
        self._queue.set_adopting(adopting=True)
        return True

    def rest_seconds(self) -> float:
        """How long until `has_any` looks again."""
        return max(0.0, self._seek_again_at - time.monotonic())

    def peek(self, *, max_count: int, max_bytes: int) -> Batch:
        """Return the oldest touchpoints; they stay until settled."""
        if self._backlog is None:
            return Batch(())
        try:
            waiting = self._backlog.oldest(max_count=max_count, max_bytes=max_bytes)
        except sqlite3.Error as error:
            self._give_up(error)
            return Batch(())
        return oldest_of_one_fate(waiting, self._spool.max_age_seconds)

    def settle(self, count: int, dropped: Mapping[DropReason, int]) -> bool:
        """Take the `count` oldest out; those not in `dropped` are delivered."""
        backlog = self._backlog
        if backlog is None:
            return False
        backlog.remove_oldest(count)
        self._spool.adopted_bytes = backlog.size_bytes
        with self._queue.ledger() as ledger:
            ledger.settle_adopted(count, dropped)
        return True

    def announce(self, count: int) -> None:
        """Nobody waits for the touchpoints of the dead."""

    def close(self) -> None:
        """Let go: what is left is for the next."""
        if self._backlog is not None:
            self._backlog.close()
        if self._claim is not None:
            self._claim.release(unlink=False)
        self._backlog = self._claim = None

    def leave_to_the_parent(self) -> None:
        """In a forked child: touch nothing of the parent's."""
        if self._backlog is not None:
            self._backlog.leave_to_the_parent()
        if self._claim is not None:
            self._claim.leave_to_the_parent()

    def _take_one(self) -> None:
        with holding_off_forks():
            claim = self._claim = Claim.of_a_dead_process(self._spool.folder, but=self._unusable)
        if claim is None:
            return
        backlog = self._backlog = Backlog(claim.file(BACKLOG), to_disk=False)
        journal = claim.file(JOURNAL)
        contents = read_journal(journal)
        waiting = [found for record in contents.records if (found := _waiting(record)) is not None]
        try:
            backlog.load()
            if waiting:
                backlog.extend(waiting)
                backlog.load()
            if claim.boot != boot_id():
                backlog.keep_times()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            # The journal may still be whole: it goes into a new file.
            set_aside(backlog, error, self._log)
            backlog.extend(waiting)
        if contents.is_damaged or contents.unreadable_bytes > MAX_EVENT_BYTES * 2:
            # More than one record that was cut short.
            journal.replace(journal.with_suffix(".journal.damaged"))
            self._log.warn(
                "spool damaged", f"A journal is damaged: what can be read of it is kept; see {journal.parent}."
            )
        journal.unlink(missing_ok=True)
        self._spool.adopted_bytes = backlog.size_bytes
        with self._queue.ledger() as ledger:
            ledger.adopt(backlog.count)

    def _end(self) -> None:
        """Remove a spool that is drained."""
        backlog, claim = self._backlog, self._claim
        self._backlog = self._claim = None
        self._spool.adopted_bytes = 0
        if backlog is not None:
            backlog.close(unlink=True)
        if claim is not None:
            claim.release(unlink=True)

    def _give_up(self, error: sqlite3.Error) -> None:
        if self._backlog is None:
            return
        with self._queue.ledger() as ledger:
            ledger.adopt(-self._backlog.count)
        if not isinstance(error, sqlite3.OperationalError):
            set_aside(self._backlog, error, self._log)
        elif self._claim is not None:
            # The disk fails, or somebody looks into the file: it is for the next process.
            self._unusable.add(self._claim.name)
            self.close()


def _waiting(record: Record) -> Waiting | None:
    try:
        touchpoint = orjson.loads(record.wire)
        event_id, name = str(touchpoint["id"]), str(touchpoint["name"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return Waiting(record.number, record.at_ms, Outgoing(event_id, name, record.wire, record.clock_offset_ns))
