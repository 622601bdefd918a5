"""The bounded queue between the caller and the worker, and the ledger of every touchpoint.

It promises the law of conservation: emitted = delivered + pending + dropped by reason, at every instant. It holds bytes
and knows neither threads' work nor HTTP. A touchpoint stays in it until its fate is settled, so that whoever sends
cannot lose one by failing.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

from parcours.drops import DropReason
from parcours.stats import Stats

_NEVER = 1 << 62


class Outgoing(NamedTuple):
    """One touchpoint on its way: its wire bytes are made once, at the call.

    Attributes:
        id: Event id.
        name: Name of the touchpoint.
        wire: The touchpoint as JSON.
        clock_offset_ns: Wall clock less steady clock at the call, of this boot; None when its time is to be kept. See
            `clock.retimed`.
    """

    id: str
    name: str
    wire: bytes
    clock_offset_ns: int | None = None


class EventQueue:
    """Keep touchpoints in order until they are settled. Thread-safe; one consumer.

    Args:
        max_count: Most touchpoints pending, queued and in flight together.
        max_bytes: Most bytes pending, as on the wire before compression.
    """

    def __init__(self, *, max_count: int, max_bytes: int) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        # Reentrant: a signal handler or a finalizer may emit while this very thread is inside `offer`.
        self._lock = threading.RLock()
        self._events: deque[Outgoing] = deque()
        self._bytes = 0
        self._emitted = 0
        self._entered = 0
        self._announced = 0
        self._delivered = 0
        self._dropped = dict.fromkeys(DropReason, 0)
        self._closed = False
        self._wake: Callable[[], None] | None = None
        self._wake_at_count = _NEVER
        self._wake_at_bytes = _NEVER
        self._waiters: list[tuple[int, Callable[[], None]]] = []

    def offer(self, event: Outgoing) -> DropReason | None:
        """Take one touchpoint in, or count it as dropped and say why: full, or shut down."""
        size = len(event.wire)
        wake = None
        with self._lock:
            self._emitted += 1
            if self._closed:
                self._dropped[DropReason.SHUTDOWN] += 1
                return DropReason.SHUTDOWN
            if len(self._events) >= self._max_count or self._bytes + size > self._max_bytes:
                self._dropped[DropReason.FULL] += 1
                return DropReason.FULL
            self._events.append(event)
            self._bytes += size
            self._entered += 1
            if len(self._events) >= self._wake_at_count or self._bytes >= self._wake_at_bytes:
                wake = self._disarm()
        if wake is not None:
            wake()
        return None

    def count_drop(self, reason: DropReason) -> None:
        """Count a touchpoint that was emitted and dropped before it reached the queue."""
        with self._lock:
            self._emitted += 1
            self._dropped[reason] += 1

    def peek(self, *, max_count: int, max_bytes: int) -> tuple[Outgoing, ...]:
        """Return the oldest touchpoints, at least one if there is any, and disarm; they stay pending until settled."""
        batch: list[Outgoing] = []
        size = 0
        with self._lock:
            self._disarm()
            for event in islice(self._events, max_count):
                size += len(event.wire) + 1
                if batch and size > max_bytes:
                    break
                batch.append(event)
        return tuple(batch)

    def settle(self, count: int, dropped: Mapping[DropReason, int]) -> bool:
        """Take the `count` oldest out: those not in `dropped` are delivered. `announce` them next.

        Returns:
            False when they had been given up meanwhile by `abandon`: they are counted already.
        """
        with self._lock:
            if len(self._events) < count:
                return False
            for _ in range(count):
                self._bytes -= len(self._events.popleft().wire)
            self._delivered += count - sum(dropped.values())
            for reason, lost in dropped.items():
                self._dropped[reason] += lost
        return True

    def announce(self, count: int) -> None:
        """Say that the losses among `count` settled or abandoned ones are reported: whoever waits may go on."""
        with self._lock:
            self._announced += count
            due = [callback for target, callback in self._waiters if target <= self._announced]
            self._waiters = [waiter for waiter in self._waiters if waiter[0] > self._announced]
        for callback in due:
            callback()

    def close(self) -> None:
        """Take nothing more in: what is offered from now on is dropped as `shutdown`."""
        with self._lock:
            self._closed = True

    def abandon(self) -> tuple[Outgoing, ...]:
        """Close, drop everything pending as `shutdown`, and return it, each touchpoint once. `announce` them."""
        with self._lock:
            self._closed = True
            lost = tuple(self._events)
            self._events.clear()
            self._bytes = 0
            self._dropped[DropReason.SHUTDOWN] += len(lost)
        return lost

    def arm(self, wake: Callable[[], None], *, at_count: int, at_bytes: int) -> bool:
        """Have `wake` called once, when so much is pending; return True at once when it is already."""
        with self._lock:
            if len(self._events) >= at_count or self._bytes >= at_bytes:
                self._disarm()
                return True
            self._wake, self._wake_at_count, self._wake_at_bytes = wake, at_count, at_bytes
            return False

    def when_settled(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, when everything taken in so far is settled and announced; at once when it is."""
        with self._lock:
            if self._announced < self._entered:
                self._waiters.append((self._entered, callback))
                return
        callback()

    def forget_waiter(self, callback: Callable[[], None]) -> None:
        """Drop a callback of `when_settled` that nobody waits for any more."""
        with self._lock:
            self._waiters = [waiter for waiter in self._waiters if waiter[1] is not callback]

    @property
    def hurried(self) -> bool:
        """Whether somebody waits for pending touchpoints to be settled."""
        return bool(self._waiters)

    def stats(self) -> Stats:
        """Return the ledger as of now, consistent in itself."""
        with self._lock:
            return Stats(
                emitted=self._emitted,
                delivered=self._delivered,
                pending=len(self._events),
                dropped=dict(self._dropped),
                pending_bytes=self._bytes,
            )

    def _disarm(self) -> Callable[[], None] | None:
        wake, self._wake = self._wake, None
        self._wake_at_count = self._wake_at_bytes = _NEVER
        return wake
