"""Delivery: whatever the collector does, every touchpoint arrives once or is said to be lost. Real HTTP, both faces."""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours import DropReason, Tracker
from parcours.testing import Fault, FaultyCollector
from tests.sdk_support import FACES, Face, Losses, close, conserved, flush, quick


@pytest.fixture
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running
        running.release()


@pytest.fixture(params=FACES, ids=lambda face: face.__name__)
def face(request: pytest.FixtureRequest) -> type[Face]:
    kind: type[Face] = request.param
    return kind


def emit_many(tracker: Face, count: int) -> list[str]:
    ids = [tracker.track("machine_seen", {"number": number}, user_id="u1") for number in range(count)]
    assert None not in ids
    return [event_id for event_id in ids if event_id is not None]


@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_one_fault_of_any_kind_loses_nothing_and_doubles_nothing(
    face: type[Face], collector: FaultyCollector, fault: Fault
) -> None:
    collector.faults.append(fault)
    collector.retry_after = "0.05"
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses, request_timeout_seconds=0.3)
    ids = emit_many(tracker, 20)
    assert flush(tracker)
    stats = close(tracker)
    assert (stats.delivered, stats.lost, losses.seen) == (20, 0, [])
    assert list(collector.touchpoints) == ids
    assert len(collector.batches) >= 2


def test_a_retry_is_the_same_bytes_and_ids_with_a_fresh_sent_at(face: type[Face], collector: FaultyCollector) -> None:
    collector.faults.extend([Fault.RESET, Fault.ERROR, Fault.GARBAGE])
    tracker = quick(face, collector, linger_seconds=0.2)
    ids = emit_many(tracker, 5)
    assert flush(tracker)
    close(tracker)
    assert ids in collector.batches
    assert sorted(set(collector.sent_at)) == collector.sent_at
    assert sum(batch == collector.batches[0] for batch in collector.batches) >= 4


def test_an_event_accepted_before_the_answer_was_lost_counts_as_delivered(
    face: type[Face], collector: FaultyCollector
) -> None:
    collector.faults.append(Fault.LOST_ANSWER)
    tracker = quick(face, collector, linger_seconds=0.2)
    emit_many(tracker, 10)
    assert flush(tracker)
    assert close(tracker).delivered == 10
    assert len(collector.touchpoints) == 10
    assert collector.duplicates > 0


def test_a_rejected_touchpoint_is_reported_with_code_and_path_and_costs_no_neighbour(
    face: type[Face], collector: FaultyCollector
) -> None:
    def reject(touchpoint: Mapping[str, Any]) -> Mapping[str, str] | None:
        bad = touchpoint["properties"]["number"] == 3
        return {"code": "schema_violation", "path": "/properties/number", "detail": "not 3"} if bad else None

    collector.reject = reject
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses)
    ids = emit_many(tracker, 10)
    assert flush(tracker)
    stats = close(tracker)
    assert (stats.delivered, stats.dropped[DropReason.REJECTED]) == (9, 1)
    ((dropped, reason),) = losses.seen
    assert reason is DropReason.REJECTED
    assert (dropped.id, dropped.code, dropped.path, dropped.detail) == (
        ids[3],
        "schema_violation",
        "/properties/number",
        "not 3",
    )
    assert dropped.wire is not None
    assert orjson.loads(dropped.wire)["properties"] == {"number": 3}
    sent_in_all = [event_id for batch in collector.batches for event_id in batch]
    assert sorted(sent_in_all) == sorted(ids)


def test_a_413_is_bisected_until_only_what_is_too_large_is_lost(face: type[Face], collector: FaultyCollector) -> None:
    collector.max_body_bytes = 3_000
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses, linger_seconds=0.2)
    ids = emit_many(tracker, 20)
    large = tracker.track("machine_seen", {"text": "x" * 5_000}, user_id="u1")
    ids += emit_many(tracker, 20)
    assert flush(tracker)
    assert close(tracker).delivered == 40
    assert list(collector.touchpoints) == ids
    assert [(dropped.id, reason) for dropped, reason in losses.seen] == [(large, DropReason.TOO_LARGE)]


def test_what_no_collector_can_read_is_isolated(face: type[Face], collector: FaultyCollector) -> None:
    # The whole batch, then its first half, then the first of that half: one touchpoint is at fault.
    collector.faults.extend([Fault.UNREADABLE, Fault.UNREADABLE, Fault.UNREADABLE])
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses, linger_seconds=5.0, batch_max_count=4)
    ids = emit_many(tracker, 4)
    assert flush(tracker)
    assert close(tracker).delivered == 3
    ((dropped, reason),) = losses.seen
    assert (dropped.id, reason, dropped.code) == (ids[0], DropReason.REJECTED, "unreadable")


def test_retry_after_is_honoured_even_when_somebody_waits(face: type[Face], collector: FaultyCollector) -> None:
    collector.faults.append(Fault.NOT_NOW)
    collector.retry_after = "1"
    tracker = quick(face, collector)
    emit_many(tracker, 1)
    assert collector.wait_for(lambda: bool(collector.batches))
    asked_at = time.monotonic()
    # Several times: the first may come before the answer is read, and must not be the one that is ignored.
    flush(tracker, 0.2)
    flush(tracker, 0.2)
    assert len(collector.batches) == 1
    assert flush(tracker)
    assert time.monotonic() - asked_at >= 0.9
    assert close(tracker).delivered == 1


def test_a_refused_key_keeps_everything_and_asks_seldom(
    face: type[Face], collector: FaultyCollector, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = face(collector.endpoint, "revoked-canary-key", linger_seconds=0.01, backoff_max_seconds=60.0)
    emit_many(tracker, 3)
    assert collector.wait_for(lambda: bool(collector.batches))
    assert not flush(tracker, 0.5)
    assert tracker.stats().pending == 3
    assert len(collector.batches) <= 3
    close(tracker, 0.0)
    assert "write key was refused" in caplog.text
    assert "canary" not in caplog.text


def test_a_redirect_is_not_followed(face: type[Face], collector: FaultyCollector) -> None:
    collector.always = Fault.REDIRECT
    tracker = quick(face, collector, backoff_max_seconds=60.0)
    emit_many(tracker, 1)
    assert collector.wait_for(lambda: bool(collector.batches))
    assert not flush(tracker, 0.2)
    assert collector.followed == 0
    assert not collector.touchpoints
    close(tracker, 0.0)


def test_a_collector_that_is_away_costs_the_caller_nothing_and_nothing_is_given_up(face: type[Face]) -> None:
    with FaultyCollector() as gone:
        tracker = quick(face, gone, linger_seconds=0.0)
    losses = Losses()
    started = time.monotonic()
    emit_many(tracker, 500)
    assert time.monotonic() - started < 2.0
    assert not flush(tracker, 0.3)
    stats = tracker.stats()
    assert (stats.pending, stats.lost, losses.seen) == (500, 0, [])
    close(tracker, 0.0)


def test_the_newest_is_dropped_when_the_queue_is_full(face: type[Face], collector: FaultyCollector) -> None:
    collector.always = Fault.SLOW
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses, queue_max_count=5)
    ids = emit_many(tracker, 5)
    assert tracker.track("machine_seen", user_id="u1") is None
    assert losses.count(DropReason.FULL) == 1
    collector.always = None
    collector.release()
    assert flush(tracker)
    assert list(collector.touchpoints) == ids
    close(tracker)


def test_a_queue_is_full_by_bytes_too(face: type[Face], collector: FaultyCollector) -> None:
    collector.always = Fault.SLOW
    tracker = quick(face, collector, queue_max_bytes=10_000)
    sent = [tracker.track("machine_seen", {"text": "x" * 4_000}, user_id="u1") for _ in range(3)]
    assert [event_id is not None for event_id in sent] == [True, True, False]
    assert tracker.stats().pending_bytes <= 10_000
    collector.release()
    close(tracker)


def test_batches_keep_within_count_and_bytes_and_in_order(face: type[Face], collector: FaultyCollector) -> None:
    tracker = quick(face, collector, batch_max_count=7, linger_seconds=1.0)
    ids = emit_many(tracker, 50)
    assert flush(tracker)
    close(tracker)
    assert max(len(batch) for batch in collector.batches) <= 7
    assert [event_id for batch in collector.batches for event_id in batch] == ids


def test_close_delivers_reports_and_is_repeatable(face: type[Face], collector: FaultyCollector) -> None:
    losses = Losses()
    tracker = quick(face, collector, linger_seconds=30.0, on_drop=losses)
    emit_many(tracker, 10)
    first = close(tracker)
    assert (first.delivered, first.pending, first.lost) == (10, 0, 0)
    assert close(tracker) == first
    assert tracker.track("machine_seen", user_id="u1") is None
    assert [reason for _, reason in losses.seen] == [DropReason.SHUTDOWN]
    assert conserved(tracker.stats())


def test_close_never_hangs_and_reports_what_it_gave_up_once(face: type[Face], collector: FaultyCollector) -> None:
    collector.always = Fault.SLOW
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses)
    ids = emit_many(tracker, 10)
    assert collector.wait_for(lambda: bool(collector.batches))
    started = time.monotonic()
    stats = close(tracker, 0.2)
    assert time.monotonic() - started < 5.0
    assert (stats.pending, stats.dropped[DropReason.SHUTDOWN]) == (0, 10)
    assert [dropped.id for dropped, _ in losses.seen] == ids
    assert close(tracker, 0.2) == stats


def test_flush_waits_for_what_was_emitted_before_it_and_says_when_it_could_not(
    face: type[Face], collector: FaultyCollector
) -> None:
    tracker = quick(face, collector, linger_seconds=30.0)
    assert flush(tracker, 0.0)
    emit_many(tracker, 3)
    assert flush(tracker)
    collector.always = Fault.ERROR
    emit_many(tracker, 3)
    assert not flush(tracker, 0.1)
    collector.always = None
    assert flush(tracker)
    assert tracker.stats().delivered == 6
    close(tracker)


def test_trouble_is_warned_of_once_a_minute(collector: FaultyCollector, caplog: pytest.LogCaptureFixture) -> None:
    collector.faults.extend([Fault.ERROR] * 10)
    tracker = quick(Tracker, collector)
    emit_many(tracker, 3)
    assert flush(tracker)
    close(tracker)
    assert [record.levelno for record in caplog.records if record.name == "parcours"] == [logging.WARNING]


async def test_a_dead_collector_does_not_hold_up_the_hosts_loop(collector: FaultyCollector) -> None:
    import asyncio

    from parcours import AsyncTracker

    collector.always = Fault.SLOW
    async with AsyncTracker(collector.endpoint, collector.write_key, linger_seconds=0.0) as tracker:
        emit_many(tracker, 200)
        flushing = asyncio.create_task(tracker.flush(30.0))
        turns = 0
        while turns < 100:
            await asyncio.sleep(0)
            turns += 1
        assert not flushing.done()
        collector.release()
        assert await flushing
        assert tracker.stats().delivered == 200


RANDOM_FAULTS = st.lists(
    st.one_of(st.none(), st.sampled_from([fault for fault in Fault if fault is not Fault.SLOW])), max_size=12
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    faults=RANDOM_FAULTS,
    bursts=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    queue_max_count=st.integers(4, 30),
    rejected_from=st.integers(0, 12),
    close_seconds=st.sampled_from([0.0, 20.0]),
)
def test_whatever_the_collector_answers_every_touchpoint_is_accounted_for(
    faults: list[Fault | None],
    bursts: list[int],
    queue_max_count: int,
    rejected_from: int,
    close_seconds: float,
) -> None:
    with FaultyCollector() as collector:
        collector.faults.extend(faults)
        collector.retry_after = "0.01"
        collector.reject = lambda sent: (
            {"code": "refused", "path": "/properties"} if sent["properties"]["number"] >= rejected_from else None
        )
        losses = Losses()
        tracker = quick(Tracker, collector, on_drop=losses, queue_max_count=queue_max_count, batch_max_count=5)
        returned: list[str | None] = []
        for burst in bursts:
            for number in range(burst):
                returned.append(tracker.track("machine_seen", {"number": number}, user_id="u1"))
                assert conserved(tracker.stats())
            flush(tracker, 0.02)
        stats = close(tracker, close_seconds)
        assert conserved(stats)
        assert stats.pending == 0
        assert stats.emitted == sum(bursts)
        assert {reason: losses.count(reason) for reason in DropReason} == stats.dropped
        lost = [dropped.id for dropped, _ in losses.seen]
        assert len(set(lost)) == len(lost)
        queued = {event_id for event_id in returned if event_id is not None}
        delivered = queued - set(lost)
        assert len(delivered) == stats.delivered
        assert delivered <= set(collector.touchpoints)
        if close_seconds:
            assert stats.dropped[DropReason.SHUTDOWN] == 0


def test_the_collectors_warnings_are_said_once_a_minute_a_code_and_show_no_value(
    face: type[Face], collector: FaultyCollector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.warn = lambda touchpoint: {
        "code": "unknown_property",
        "path": "/properties/colour",
        "detail": touchpoint["properties"]["colour"],
    }
    tracker = quick(face, collector)
    for _ in range(3):
        tracker.track("newsletter_opened", {"colour": "canary"}, user_id="u1")
    stats = close(tracker)
    assert (stats.delivered, stats.lost) == (3, 0)
    said = [record.getMessage() for record in caplog.records if "warning" in record.getMessage()]
    assert len(said) == 1
    assert "newsletter_opened" in said[0]
    assert "unknown_property at /properties/colour" in said[0]
    assert "canary" not in caplog.text
