"""What the host's own code raises inside the SDK: neither delivery nor the ledger suffers, and time limits pass."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from parcours import AsyncTracker, DropReason, Tracker
from parcours.answer import SendResult
from parcours.testing import Fault, FaultyCollector
from parcours.transport import intercept
from tests.sdk_support import FACES, QUICK, Face, Losses, close, conserved, flush, quick


@pytest.fixture
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running
        running.release()


@pytest.fixture(params=FACES, ids=lambda face: face.__name__)
def face(request: pytest.FixtureRequest) -> type[Face]:
    kind: type[Face] = request.param
    return kind


class Unruly(BaseException):
    """As `pytest.fail` raises."""


@pytest.mark.parametrize("raised", [SystemExit, asyncio.CancelledError, Unruly, KeyboardInterrupt])
def test_a_callback_that_raises_what_ends_a_thread_stops_neither_host_nor_delivery(
    face: type[Face], collector: FaultyCollector, raised: type[BaseException]
) -> None:
    def explode(*_: object) -> None:
        raise raised

    collector.reject = lambda sent: {"code": "invalid_time"} if sent["name"] == "machine_seen" else None
    tracker = quick(face, collector, on_drop=explode)
    tracker.track("machine_seen", user_id="u1")
    assert flush(tracker)
    if raised is not KeyboardInterrupt:
        assert tracker.track("product_viewed", {}, user_id="u1") is None
    tracker.track("newsletter_opened", user_id="u1")
    stats = close(tracker)
    assert (stats.delivered, stats.dropped[DropReason.REJECTED]) == (1, 1)
    assert conserved(stats)


@pytest.mark.parametrize("raised", [SystemExit, asyncio.CancelledError, Unruly])
def test_a_before_send_that_raises_what_ends_a_thread_drops_and_counts(
    face: type[Face], collector: FaultyCollector, raised: type[BaseException]
) -> None:
    def explode(_: object) -> None:
        raise raised

    tracker = quick(face, collector, before_send=explode)
    assert tracker.track("newsletter_opened", user_id="u1") is None
    stats = close(tracker)
    assert (stats.emitted, stats.dropped[DropReason.BEFORE_SEND]) == (1, 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death is meant
def test_a_worker_that_died_is_started_again_by_the_next_emission(collector: FaultyCollector) -> None:
    tracker = quick(Tracker, collector)

    async def die(*_: object) -> SendResult:
        raise Unruly

    with intercept(die):
        tracker.track("newsletter_opened", user_id="u1")
        dying = tracker._core._worker._thread
        assert dying is not None
        dying.join(20)  # to its very end: its last words are told to this test, not to the next
    assert not tracker._core._worker.is_started
    tracker.track("newsletter_opened", user_id="u2")
    assert close(tracker).delivered == 2


async def test_a_close_that_is_cancelled_closes(collector: FaultyCollector) -> None:
    collector.always = Fault.SLOW
    tracker = AsyncTracker(collector.endpoint, collector.write_key, **QUICK)
    tracker.track("newsletter_opened", user_id="u1")
    closing = asyncio.create_task(tracker.close(60.0))
    assert await asyncio.to_thread(collector.wait_for, lambda: bool(collector.batches))
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert tracker.stats().dropped[DropReason.SHUTDOWN] == 1


class BrokenHandler(logging.Handler):
    """A handler of the host's that lets out what it should have handled."""

    def emit(self, record: logging.LogRecord) -> None:
        raise ConnectionError("canary")


def test_a_log_handler_that_raises_reaches_neither_the_caller_nor_delivery(
    face: type[Face], collector: FaultyCollector
) -> None:
    collector.reject = lambda sent: {"code": "invalid_time"} if sent["name"] == "machine_seen" else None
    losses = Losses()
    tracker = quick(face, collector, on_drop=losses)
    logger, handler = logging.getLogger("parcours"), BrokenHandler()
    logger.addHandler(handler)
    try:
        assert tracker.track("product_viewed", {}, user_id="u1") is None
        collector.faults.append(Fault.ERROR)
        for name in ("machine_seen", "newsletter_opened", "machine_seen"):
            tracker.track(name, user_id="u1")
        assert flush(tracker)
    finally:
        logger.removeHandler(handler)
    stats = close(tracker)
    assert conserved(stats)
    assert (stats.delivered, losses.count(DropReason.REJECTED), losses.count(DropReason.INVALID)) == (1, 2, 1)


class TimeLimitExceeded(Exception):
    """As the soft limit of a task queue, raised by a signal handler wherever the task happens to be."""


class Interrupted:
    """A value in whose reading the time is over."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def keys(self) -> list[str]:
        raise self.error


@pytest.mark.parametrize("limit", [TimeLimitExceeded(), TimeoutError(), KeyboardInterrupt(), SystemExit()])
def test_a_time_limit_of_the_host_passes_and_the_touchpoint_is_counted(
    face: type[Face], collector: FaultyCollector, limit: BaseException
) -> None:
    tracker = quick(face, collector)
    with pytest.raises(type(limit)):
        tracker.track("newsletter_opened", Interrupted(limit), user_id="u1")
    stats = close(tracker)
    assert (stats.emitted, stats.dropped[DropReason.INVALID]) == (1, 1)


@pytest.mark.parametrize("fault", [ValueError(), RuntimeError(), RecursionError(), KeyError()])
def test_a_value_that_cannot_be_read_never_breaks_the_host(
    face: type[Face], collector: FaultyCollector, fault: BaseException
) -> None:
    tracker = quick(face, collector)
    assert tracker.track("newsletter_opened", Interrupted(fault), user_id="u1") is None
    assert close(tracker).dropped[DropReason.INVALID] == 1


def test_a_time_limit_that_falls_into_the_start_of_the_thread_does_not_end_delivery(
    collector: FaultyCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: threading.Thread) -> None:
        raise TimeLimitExceeded

    tracker = quick(Tracker, collector)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(TimeLimitExceeded):
            tracker.track("newsletter_opened", user_id="u1")
    tracker.track("newsletter_opened", user_id="u2")
    assert flush(tracker)
    assert close(tracker).delivered == 2
