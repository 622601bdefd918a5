"""The test kit as an app's tests use it: touchpoints recorded instead of sent, and failures that say what is near."""

import os
import re
import socket
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from unittest.mock import ANY

import pytest

from parcours import AsyncTracker, DropReason, Tracker
from parcours.testing import Fault, FaultyCollector, RecordingTransport, Touchpoints
from parcours.touchpoints import OrderCompleted, ProductViewed
from tests.sdk_support import QUICK


def tv(**changes: object) -> ProductViewed:
    return ProductViewed(**{"product_id": "tv-55", "price": Decimal("799.00"), "currency": "EUR", **changes})


def failure(touchpoints: Touchpoints, name: str, **properties: object) -> str:
    with pytest.raises(AssertionError) as raised:
        touchpoints.assert_emitted(name, **properties)
    return str(raised.value)


def test_a_tracker_from_the_environment_is_recorded_whole(touchpoints: Touchpoints) -> None:
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    event_id = Tracker().emit(
        tv(), user_id="u1", context={"store_id": "s1"}, consent={"analytics": True}, occurred_at=at
    )
    recorded = touchpoints.assert_emitted("product_viewed", product_id="tv-55")
    assert recorded.id == event_id
    assert (recorded.channel, recorded.occurred_at) == ("web", "2026-11-21T10:00:00Z")
    assert recorded.ids == {"user_id": "u1"}
    assert recorded.context == {"store_id": "s1"}
    assert recorded.consent == {"analytics": True}
    assert recorded.properties == {"product_id": "tv-55", "price": "799.00", "currency": "EUR"}


def test_a_tracker_with_arguments_is_recorded_and_never_connects(touchpoints: Touchpoints) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        tracker = Tracker(f"http://127.0.0.1:{listener.getsockname()[1]}", "key")
        tracker.track("newsletter_subscribed", user_id="u1")
        touchpoints.assert_emitted("newsletter_subscribed", ids={"user_id": "u1"})
        assert tracker.close().delivered == 1
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_an_async_tracker_is_recorded(touchpoints: Touchpoints) -> None:
    async with AsyncTracker() as tracker:
        tracker.emit(tv(), anonymous_id="a1")
        touchpoints.assert_emitted(ProductViewed, ids={"anonymous_id": "a1"})


def test_a_tracker_at_work_before_the_recording_is_recorded_too() -> None:
    with FaultyCollector() as collector, Tracker(collector.endpoint, collector.write_key, **QUICK) as tracker:
        tracker.track("before", user_id="u1")
        assert tracker.flush()
        with RecordingTransport() as transport:
            tracker.track("meanwhile", user_id="u1")
        tracker.track("after", user_id="u1")
        assert tracker.flush()
        assert [recorded.name for recorded in transport.touchpoints] == ["meanwhile"]
        assert [sent["name"] for sent in collector.touchpoints.values()] == ["before", "after"]


def test_what_an_earlier_test_left_pending_is_not_recorded() -> None:
    with FaultyCollector() as collector:
        collector.always = Fault.RESET
        tracker = Tracker(collector.endpoint, collector.write_key, **QUICK)
        tracker.track("left_over", user_id="u1")
        with RecordingTransport() as transport:
            tracker.track("meant", user_id="u1")
        assert [recorded.name for recorded in transport.touchpoints] == ["meant"]
        assert tracker.close().pending == 0


def test_recording_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCOURS_DISABLED", "1")
    monkeypatch.delenv("PARCOURS_ENDPOINT", raising=False)
    with RecordingTransport():
        assert "PARCOURS_DISABLED" not in os.environ
        assert os.environ["PARCOURS_ENDPOINT"].endswith(".invalid")
    assert os.environ["PARCOURS_DISABLED"] == "1"
    assert "PARCOURS_ENDPOINT" not in os.environ


@pytest.mark.parcours_network
def test_with_the_mark_touchpoints_are_recorded_when_the_collector_accepts_them(touchpoints: Touchpoints) -> None:
    with FaultyCollector() as collector:
        collector.faults.extend([Fault.ERROR])
        collector.reject = lambda sent: {"code": "unknown_name"} if sent["name"] == "refused" else None
        with Tracker(collector.endpoint, collector.write_key, **QUICK) as tracker:
            tracker.track("accepted", user_id="u1")
            tracker.track("refused", user_id="u1")
            assert [recorded.name for recorded in touchpoints.all()] == ["accepted"]
        assert len(collector.touchpoints) == 1


def test_values_are_compared_as_emitted_as_on_the_wire_and_by_matchers(touchpoints: Touchpoints) -> None:
    Tracker().emit(OrderCompleted(order_id="o-1", total=Decimal("9.90"), currency="EUR"), user_id="u1")
    touchpoints.assert_emitted("order_completed", total=Decimal("9.90"))
    touchpoints.assert_emitted("order_completed", total="9.90", currency=ANY)
    touchpoints.assert_not_emitted("order_completed", total=Decimal("9.9"))
    touchpoints.assert_not_emitted("order_completed", total=object())


def test_one_touchpoint_must_have_every_value(touchpoints: Touchpoints) -> None:
    tracker = Tracker()
    tracker.emit(tv(product_id="a"), user_id="u1")
    tracker.emit(tv(product_id="b"), user_id="u2")
    touchpoints.assert_not_emitted("product_viewed", product_id="a", ids={"user_id": "u2"})
    assert touchpoints.assert_emitted("product_viewed", product_id="b", ids={"user_id": "u2"}).properties["price"]
    assert len(touchpoints.named(ProductViewed)) == 2


def test_a_failure_shows_the_nearest_touchpoint_and_what_differs(touchpoints: Touchpoints) -> None:
    tracker = Tracker()
    tracker.emit(tv(product_id="radio"), user_id="u1")
    tracker.emit(tv(), user_id="u1")
    said = failure(touchpoints, "product_viewed", product_id="tv-55", price=Decimal("899.00"))
    assert said.splitlines() == [
        "'product_viewed' with product_id='tv-55', price=Decimal('899.00') was not emitted.",
        "2 of that name, the nearest first:",
        "  product_viewed(currency='EUR', product_id='tv-55', price='799.00', user_id='u1')",
        "    price: expected Decimal('899.00'), got '799.00'",
        "  product_viewed(currency='EUR', product_id='radio', price='799.00', user_id='u1')",
        "    product_id: expected 'tv-55', got 'radio'",
        "    price: expected Decimal('899.00'), got '799.00'",
    ]


def test_a_failure_shows_a_near_property(touchpoints: Touchpoints) -> None:
    Tracker().emit(tv(), user_id="u1")
    said = failure(touchpoints, "product_viewed", produkt_id="tv-55")
    assert "produkt_id: expected 'tv-55', not there; it has product_id='tv-55'" in said


def test_a_failure_shows_near_names(touchpoints: Touchpoints) -> None:
    Tracker().emit(tv(), user_id="u1")
    assert failure(touchpoints, "product_view").splitlines()[1:] == [
        "Did you mean 'product_viewed'?",
        "Emitted: product_viewed.",
    ]


def test_a_failure_says_that_touchpoints_were_dropped(touchpoints: Touchpoints) -> None:
    tracker = Tracker()
    tracker.track("product_viewed", {"price": "799.00"}, user_id="u1")
    assert tracker.stats().dropped[DropReason.INVALID] == 1
    said = failure(touchpoints, "product_viewed")
    assert "Nothing was emitted." in said
    assert re.search(r"Dropped: 1 as invalid\.", said)


def test_assert_not_emitted_shows_what_was(touchpoints: Touchpoints) -> None:
    Tracker().emit(tv(), user_id="u1")
    touchpoints.assert_not_emitted("order_completed")
    with pytest.raises(
        AssertionError, match=r"should not have been \(1\):\n  product_viewed\(currency='EUR', product_id='tv-55'"
    ):
        touchpoints.assert_not_emitted("product_viewed")


def test_clear_forgets_what_is_recorded_and_what_is_pending(touchpoints: Touchpoints) -> None:
    tracker = Tracker(linger_seconds=60)
    tracker.emit(tv(), user_id="u1")
    touchpoints.clear()
    assert touchpoints.all() == []
    tracker.emit(tv(), user_id="u1")
    assert len(touchpoints.all()) == 1


def test_recording_leaves_what_a_dead_process_has_spooled_to_the_real_collector(tmp_path: Path) -> None:
    with FaultyCollector() as collector:
        collector.always = Fault.ERROR
        left = Tracker(collector.endpoint, collector.write_key, spool=tmp_path, **QUICK)
        left.track("newsletter_opened", user_id="u1")
        assert left.close(timeout=0.1).spooled == 1
        files = sorted(tmp_path.rglob("*"))
        with RecordingTransport() as transport:
            tracker = Tracker(collector.endpoint, collector.write_key, spool=tmp_path, **QUICK)
            tracker.track("newsletter_subscribed", user_id="u2")
            assert tracker.close().delivered == 1
            assert [recorded.name for recorded in transport.touchpoints] == ["newsletter_subscribed"]
        assert sorted(tmp_path.rglob("*")) == files
        collector.always = None
        with Tracker(collector.endpoint, collector.write_key, spool=tmp_path, **QUICK) as tracker:
            assert tracker.flush(20.0)
            assert collector.wait_for(lambda: len(collector.touchpoints) == 1)
