"""The queue: bounded, in order, and every touchpoint accounted for at every step."""

import threading
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from parcours.drops import DropReason
from parcours.outgoing import Outgoing
from parcours.queue import EventQueue

MAX_COUNT = 8
MAX_BYTES = 200


def outgoing(number: int, size: int = 10) -> Outgoing:
    return Outgoing(str(number), "page_viewed", b"x" * size)


class QueueModel(RuleBasedStateMachine):
    """The queue against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = EventQueue(max_count=MAX_COUNT, max_bytes=MAX_BYTES)
        self.held: list[Outgoing] = []
        self.expected: Counter[str] = Counter()
        self.closed = False
        self.numbers = iter(range(10**9))
        self.called: list[int] = []
        self.targets: dict[int, list[Outgoing]] = {}

    @rule(size=st.integers(1, 60))
    def offer(self, size: int) -> None:
        event = outgoing(next(self.numbers), size)
        self.expected["emitted"] += 1
        held_bytes = sum(len(one.wire) for one in self.held)
        expected = None
        if self.closed:
            expected = DropReason.SHUTDOWN
        elif len(self.held) == MAX_COUNT or held_bytes + size > MAX_BYTES:
            expected = DropReason.FULL
        assert self.queue.offer(event) is expected
        if expected is None:
            self.held.append(event)
        else:
            self.expected[expected] += 1

    @rule(reason=st.sampled_from([DropReason.INVALID, DropReason.TOO_LARGE]))
    def drop_before_the_queue(self, reason: DropReason) -> None:
        self.queue.count_drop(reason)
        self.expected["emitted"] += 1
        self.expected[reason] += 1

    @rule(max_count=st.integers(1, 10), max_bytes=st.integers(1, 100), lost=st.integers(0, 3))
    def deliver(self, max_count: int, max_bytes: int, lost: int) -> None:
        batch = self.queue.peek(max_count=max_count, max_bytes=max_bytes).events
        assert list(batch) == self.held[: len(batch)]
        assert bool(batch) == bool(self.held)
        assert len(batch) <= max_count
        assert len(batch) == 1 or sum(len(one.wire) for one in batch) <= max_bytes
        lost = min(lost, len(batch))
        called = list(self.called)
        assert self.queue.settle(len(batch), {DropReason.REJECTED: lost})
        assert self.called == called
        self.queue.announce(len(batch))
        del self.held[: len(batch)]
        self.expected["delivered"] += len(batch) - lost
        self.expected[DropReason.REJECTED] += lost

    @rule()
    def wait_for_what_is_held(self) -> None:
        number = len(self.targets)
        self.targets[number] = list(self.held)
        self.queue.when_settled(lambda: self.called.append(number))

    @rule()
    def close(self) -> None:
        self.queue.close()
        self.closed = True

    @rule()
    def abandon(self) -> None:
        abandoned, count = self.queue.abandon()
        assert list(abandoned) == self.held
        self.queue.announce(count)
        self.expected[DropReason.SHUTDOWN] += len(self.held)
        self.held.clear()
        self.closed = True

    @invariant()
    def every_touchpoint_is_accounted_for(self) -> None:
        stats = self.queue.stats()
        assert stats.emitted == stats.delivered + stats.pending + stats.lost
        assert stats.emitted == self.expected["emitted"]
        assert stats.delivered == self.expected["delivered"]
        assert stats.pending == len(self.held)
        assert stats.pending_bytes == sum(len(one.wire) for one in self.held) <= MAX_BYTES
        assert stats.dropped == {reason: self.expected[reason] for reason in DropReason}

    @invariant()
    def whoever_waits_is_told_once_and_in_time(self) -> None:
        held = set(self.held)
        assert sorted(self.called) == [number for number, waited in self.targets.items() if not held & set(waited)]


QueueModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueue = QueueModel.TestCase


def test_what_is_settled_after_it_was_given_up_counts_once() -> None:
    queue = EventQueue(max_count=10, max_bytes=1000)
    queue.offer(outgoing(1))
    batch = queue.peek(max_count=10, max_bytes=1000).events
    assert queue.abandon() == (batch, 1)
    assert not queue.settle(len(batch), {})
    assert queue.stats().dropped[DropReason.SHUTDOWN] == 1
    assert queue.stats().delivered == 0


def test_the_worker_is_woken_once_when_enough_is_pending() -> None:
    queue = EventQueue(max_count=10, max_bytes=1000)
    woken: list[int] = []
    assert not queue.arm(lambda: woken.append(1), at_count=2, at_bytes=1000)
    for number in range(5):
        queue.offer(outgoing(number))
    assert woken == [1]
    assert queue.arm(lambda: woken.append(2), at_count=2, at_bytes=1000)
    assert woken == [1]


def test_bytes_wake_the_worker_before_the_count_does() -> None:
    queue = EventQueue(max_count=10, max_bytes=1000)
    woken: list[int] = []
    queue.arm(lambda: woken.append(1), at_count=10, at_bytes=50)
    queue.offer(outgoing(1, size=60))
    assert woken == [1]


def test_many_threads_lose_nothing_between_offer_and_settle() -> None:
    queue = EventQueue(max_count=500, max_bytes=10**6)
    threads = [threading.Thread(target=lambda: [queue.offer(outgoing(n)) for n in range(3_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads) or queue.stats().pending:
        batch = queue.peek(max_count=100, max_bytes=10**6).events
        queue.settle(len(batch), {})
        seen += len(batch)
        stats = queue.stats()
        assert stats.emitted == stats.delivered + stats.pending + stats.lost
    stats = queue.stats()
    assert stats.emitted == 12_000
    assert stats.delivered == seen
