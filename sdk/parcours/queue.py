"""The bounded queue between the caller and the worker.

It promises the law of conservation: emitted = delivered + pending + spooled + dropped by reason, at every instant. It
holds bytes and knows neither threads' work nor HTTP. A touchpoint stays in it, or in its spool, until its fate is
settled, so that whoever sends cannot lose one by failing.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from parcours import clock
from parcours.alarm import Alarm
from parcours.drops import DropReason
from parcours.entries import Entry, marked_safe, oldest, records, waiting
from parcours.ledger import Ledger
from parcours.outgoing import BacklogLost, Batch, Outgoing, is_expired, oldest_of_one_fate
from parcours.stats import Stats

if TYPE_CHECKING:
    from parcours.spool import Spool

_IN_MEMORY_BYTES = 4 * 1024 * 1024
_MOVED_COUNT = 100
_MOVED_BYTES = 128 * 1024


class EventQueue:
    """Keep touchpoints in order until they are settled. Thread-safe; one consumer.

    In order are first those of the backlog on disk, then those in memory, which the journal holds too when it can.

    Args:
        max_count: Most touchpoints in memory, queued and in flight together.
        max_bytes: Most bytes in memory, as on the wire before compression.
        spool: Where they are kept on disk; None when in memory only.
    """

    def __init__(self, *, max_count: int, max_bytes: int, spool: "Spool | None" = None) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._much_count, self._much_bytes = max(1, max_count // 2), min(_IN_MEMORY_BYTES, max_bytes // 2)
        self._spool = spool
        # Reentrant: a signal handler or a finalizer may emit while this very thread is inside `offer`.
        self._lock = threading.RLock()
        # Held by whoever takes from here: worker, absorber, and the end. Reentrant: a signal handler may close inside.
        self._taking = threading.RLock()
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._unsafe = 0
        self._unsafe_bytes = 0
        self._number = 0
        self._in_backlog = 0
        self._left = 0
        self._ledger = Ledger()
        self._closed = False
        self._abandoned = False
        self._enough = Alarm()
        self._much = Alarm()

    def offer(self, event: Outgoing) -> DropReason | None:
        """Take one touchpoint in, or count it as dropped and say why: full, or shut down."""
        size = len(event.wire)
        with self._lock:
            if self._closed:
                return self._ledger.refuse(DropReason.SHUTDOWN)
            spool = self._spool
            is_full = len(self._entries) >= self._max_count or self._bytes + size > self._max_bytes
            if is_full or (spool is not None and not spool.has_room(self._bytes + size)):
                return self._ledger.refuse(DropReason.FULL)
            number = at_ms = 0
            safe = False
            if spool is not None:
                number = self._number = self._number + 1
                at_ms = clock.wall_ns() // 1_000_000
                safe = spool.write(number, at_ms, event.wire, event.clock_offset_ns)
                if self._abandoned:  # by a signal handler, meanwhile
                    return self._ledger.refuse(DropReason.SHUTDOWN)
            self._enter((number, at_ms, safe, event), size)
            count, size = len(self._entries), self._bytes
            enough, much = self._enough.due(count, size), self._much.due(count, size)
        for call in (enough, much):
            if call is not None:
                call()
        if spool is not None and spool.problem:
            spool.say()
        return None

    def count_drop(self, reason: DropReason) -> None:
        """Count a touchpoint that was emitted and dropped before it reached the queue."""
        with self._lock:
            self._ledger.refuse(reason)

    def peek(self, *, max_count: int, max_bytes: int) -> Batch:
        """Return the oldest touchpoints, at least one if there is any, and disarm; they stay until settled."""
        with self._taking:
            return self._peek(max_count, max_bytes)

    def _peek(self, max_count: int, max_bytes: int) -> Batch:
        spool = self._spool
        if spool is not None and self._in_backlog:
            try:
                found = spool.oldest(max_count=max_count, max_bytes=max_bytes)
            except BacklogLost:
                self._go_on_without_backlog()
            else:
                return oldest_of_one_fate(found, spool.max_age_seconds)
        with self._lock:
            self._enough.disarm()
            batch = oldest(self._entries, max_count=max_count, max_bytes=max_bytes)
        if spool is not None and batch and is_expired(waiting(batch[0]), spool.max_age_seconds):
            return oldest_of_one_fate([waiting(entry) for entry in batch], spool.max_age_seconds)
        return Batch(tuple([entry[3] for entry in batch]))

    def settle(self, count: int, dropped: Mapping[DropReason, int]) -> bool:
        """Take the `count` oldest out: those not in `dropped` are delivered. `announce` them next.

        Returns:
            False when they had been given up meanwhile by `abandon`: they are counted already.
        """
        with self._taking:
            return self._settle(count, dropped)

    def _settle(self, count: int, dropped: Mapping[DropReason, int]) -> bool:
        spool = self._spool
        of_backlog = min(count, self._in_backlog)
        if spool is not None and of_backlog:
            spool.remove_oldest(of_backlog)
        with self._lock:
            if len(self._entries) < count - of_backlog:
                return False
            self._in_backlog -= of_backlog
            self._take(count - of_backlog)
            self._ledger.settle(count, dropped)
        return True

    def announce(self, count: int) -> None:
        """Say that the losses among `count` settled or abandoned ones are reported: whoever waits may go on."""
        with self._lock:
            due = self._ledger.announce(count)
        for callback in due:
            callback()

    def secure(self) -> None:
        """Write those that are in memory only to the journal, when the disk is there again; say what is wrong."""
        spool = self._spool
        if spool is None:
            return
        with self._lock:
            self._keep(spool)
        spool.say()

    def absorb(self) -> bool:
        """Move some of what is in memory to the backlog on disk, unless it is little; return whether it did."""
        with self._taking:
            with self._lock:
                much = len(self._entries) > self._much_count // 8 or self._bytes > self._much_bytes // 8
                moved = oldest(self._entries, max_count=_MOVED_COUNT, max_bytes=_MOVED_BYTES) if much else []
            if self._spool is None or not moved or not self._spool.extend_backlog([waiting(entry) for entry in moved]):
                return False
            with self._lock:
                if not self._abandoned:
                    self._in_backlog += len(moved)
                    self._take(len(moved))
        return True

    def when_swollen(self, callback: Callable[[], None], *, more: bool = False) -> bool:
        """Call `callback` once, when what is in memory is much, or has become `more`; return False when it is now."""
        with self._lock:
            count, size = self._much_count, self._much_bytes
            if more:
                count, size = len(self._entries) + count // 8 + 1, self._bytes + size // 8
            elif self._bytes >= size or len(self._entries) >= count:
                return False
            self._much.arm(callback, at_count=count, at_bytes=size)
            return True

    def close(self) -> None:
        """Take nothing more in: what is offered from now on is dropped as `shutdown`."""
        self._closed = True

    def abandon(self) -> tuple[tuple[Outgoing, ...], int]:
        """Close, and drop what is in memory only as `shutdown`; what is on disk stays there, for another process.

        Returns:
            Those dropped, each once, and how many to `announce`, these and what stays on disk.
        """
        spool = self._spool
        with self._lock:
            self._closed = True
            if spool is not None and not self._abandoned:
                self._keep(spool, at_last=True)
            if self._abandoned:
                return (), 0
            self._abandoned = True
            lost = tuple(event for _, _, safe, event in self._entries if not safe)
            count = len(self._entries) + self._in_backlog
            self._left += count - len(lost)
            self._in_backlog = self._unsafe = self._unsafe_bytes = self._bytes = 0
            self._entries.clear()
            self._ledger.dropped[DropReason.SHUTDOWN] += len(lost)
            if spool is not None:
                spool.close_journal()
        if spool is not None:
            spool.say()
        self.set_adopting(adopting=False)
        return lost, count

    def release_spool(self) -> None:
        """Let go of the files of an abandoned queue, or remove them when nothing is left in them."""
        if self._spool is not None and self._abandoned:
            with self._taking:
                self._spool.release(unlink=not self._left)

    def arm(self, wake: Callable[[], None], *, at_count: int, at_bytes: int) -> bool:
        """Have `wake` called once, when so much waits; return True at once when it does already."""
        with self._lock:
            if self._in_backlog or len(self._entries) >= at_count or self._bytes >= at_bytes:
                self._enough.disarm()
                return True
            self._enough.arm(wake, at_count=at_count, at_bytes=at_bytes)
            return False

    def when_settled(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, when everything taken in so far is settled and announced; at once when it is."""
        with self._lock:
            if self._ledger.wait(callback):
                return
        callback()

    def forget_waiter(self, callback: Callable[[], None]) -> None:
        """Drop a callback of `when_settled` that nobody waits for any more."""
        with self._lock:
            self._ledger.forget_waiter(callback)

    @property
    def hurried(self) -> bool:
        """Whether somebody waits for touchpoints to be settled."""
        return self._ledger.hurried

    @property
    def is_empty(self) -> bool:
        """Whether nothing of this process waits to be sent."""
        return not self._entries and not self._in_backlog

    def set_adopting(self, *, adopting: bool) -> None:
        """Say whether touchpoints of dead processes wait: whoever waits, waits for those too."""
        with self._lock:
            due = self._ledger.set_adopting(adopting=adopting)
        for callback in due:
            callback()

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Hold the ledger still, to count what dead processes have left."""
        with self._lock:
            yield self._ledger

    def stats(self) -> Stats:
        """Return the ledger as of now, consistent in itself."""
        with self._lock:
            return Stats(
                emitted=self._ledger.emitted,
                delivered=self._ledger.delivered,
                pending=self._unsafe,
                spooled=len(self._entries) - self._unsafe + self._in_backlog + self._left,
                dropped=dict(self._ledger.dropped),
                pending_bytes=self._unsafe_bytes,
                adopted=self._ledger.adopted(),
            )

    def _enter(self, entry: Entry, size: int) -> None:
        entries, ledger = self._entries, self._ledger
        at = len(entries)
        while at and entries[at - 1][0] > entry[0]:
            # A signal handler has emitted while this one was being written.
            at -= 1
        unsafe, unsafe_bytes = (0, 0) if entry[2] else (1, size)
        # All or none of what follows: a signal handler may raise in the host's thread, at a call and nowhere else.
        ledger.emitted += 1
        ledger.entered += 1
        self._bytes += size
        self._unsafe += unsafe
        self._unsafe_bytes += unsafe_bytes
        entries.insert(at, entry)

    def _keep(self, spool: "Spool", *, at_last: bool = False) -> None:
        """Have the journal hold what is in memory only, and more that a signal handler emits meanwhile in memory."""
        held = records(list(self._entries)) if self._unsafe else []
        if not held or not spool.rewrite(held, at_last=at_last):
            return
        last = -1
        while last != self._number and not self._abandoned:
            last = self._number
            after = marked_safe(list(self._entries), upto=held[-1].number)
            if last == self._number and not self._abandoned:
                self._entries, self._unsafe, self._unsafe_bytes = after
                return

    def _take(self, count: int) -> None:
        """Take the oldest out of memory, and have the journal forget them."""
        for _ in range(count):
            _, _, safe, event = self._entries.popleft()
            self._bytes -= len(event.wire)
            if not safe:
                self._unsafe -= 1
                self._unsafe_bytes -= len(event.wire)
        if self._spool is not None and count:
            upto = self._entries[0][0] - 1 if self._entries else self._number
            left = (lambda: records(list(self._entries))) if self._entries else None
            self._spool.settle(upto, left, self._bytes)

    def _go_on_without_backlog(self) -> None:
        """Count what a damaged backlog holds as spooled for ever: its file is set aside, and nobody may wait for it."""
        with self._lock:
            count, self._in_backlog = self._in_backlog, 0
            self._left += count
        self.announce(count)
