"""The call: what becomes of a touchpoint between `emit` and the queue, the same on both faces."""

import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from parcours import DropReason, InvalidOptions, InvalidTouchpoint, Touchpoint
from parcours.encoding import encode
from parcours.testing import FaultyCollector
from parcours.touchpoints import Channel, Need, ProductViewed, Stage
from parcours_schemas.identifiers import hash_identifier
from parcours_schemas.validation import Accepted, validate
from tests.sdk_support import FACES, Face, Losses, close, conserved, flush, quick

NAIVE = datetime(2026, 11, 21, 10, tzinfo=UTC).replace(tzinfo=None)


class ShowroomVisited(Touchpoint, stage=Stage.CONSIDERATION, need=Need.COMPARE, channel=Channel.STORE):
    showroom_id: str


@pytest.fixture(scope="module")
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running


@pytest.fixture(params=FACES, ids=lambda face: face.__name__)
def face(request: pytest.FixtureRequest) -> type[Face]:
    kind: type[Face] = request.param
    return kind


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def tracker(face: type[Face], collector: FaultyCollector, losses: Losses) -> Iterator[Face]:
    made = quick(face, collector, on_drop=losses)
    yield made
    assert conserved(close(made))


def received(collector: FaultyCollector, event_id: str | None) -> dict[str, Any]:
    assert event_id is not None
    return dict(collector.touchpoints[event_id])


def test_a_typed_touchpoint_arrives_whole(tracker: Face, collector: FaultyCollector) -> None:
    at = datetime(2026, 11, 21, 11, 0, tzinfo=timezone(timedelta(hours=1)))
    event_id = tracker.emit(
        ProductViewed(product_id="tv-55", price=Decimal("799.00"), currency="EUR"),
        occurred_at=at,
        context={"url": "https://shop.example/tv", "campaign": {"source": "linkedin"}},
        consent={"analytics": True},
        user_id=42,
        anonymous_id=["a1", "a2"],
        device_id=UUID(int=7),
        loyalty_card=None,
    )
    assert flush(tracker)
    assert received(collector, event_id) == {
        "id": event_id,
        "name": "product_viewed",
        "schema": ProductViewed.__touchpoint__.version,
        "occurred_at": "2026-11-21T10:00:00Z",
        "channel": "web",
        "ids": {"user_id": "42", "anonymous_id": ["a1", "a2"], "device_id": str(UUID(int=7))},
        "context": {"url": "https://shop.example/tv", "campaign": {"source": "linkedin"}},
        "consent": {"analytics": True},
        "properties": {"product_id": "tv-55", "price": "799.00", "currency": "EUR"},
    }


def test_all_that_the_sdk_sends_is_what_the_collector_takes(tracker: Face, collector: FaultyCollector) -> None:
    sent = [
        tracker.emit(ProductViewed(product_id="tv-55"), user_id="u1"),
        tracker.track(
            "product_viewed", {"product_id": "tv-55", "price": Decimal("1.5"), "currency": "EUR"}, user_id="u1"
        ),
        tracker.identify(user_id="u1", email="ada@example.com"),
    ]
    assert flush(tracker)
    for event_id in sent:
        taken = validate(received(collector, event_id), plan=None, received_at=datetime.now(UTC))
        assert isinstance(taken, Accepted), taken


def test_a_teams_own_class_is_sent_under_its_own_name(tracker: Face, collector: FaultyCollector) -> None:
    event_id = tracker.emit(ShowroomVisited(showroom_id="paris"), user_id="u1")
    assert flush(tracker)
    sent = received(collector, event_id)
    assert (sent["name"], sent["channel"], sent["properties"]) == (
        "showroom_visited",
        "store",
        {"showroom_id": "paris"},
    )


def test_an_unknown_name_is_sent_for_the_collector_to_decide(tracker: Face, collector: FaultyCollector) -> None:
    event_id = tracker.track("machine_coffee_brewed", {"cups": 2}, user_id="u1", channel="store")
    assert flush(tracker)
    assert received(collector, event_id)["properties"] == {"cups": 2}


def test_identify_is_the_touchpoint_identified(tracker: Face, collector: FaultyCollector) -> None:
    event_id = tracker.identify(user_id="u1", crm_contact="c9")
    assert flush(tracker)
    sent = received(collector, event_id)
    assert (sent["name"], sent["ids"]) == ("identified", {"user_id": "u1", "crm_contact": "c9"})


def test_id_and_time_are_made_at_the_call(tracker: Face, collector: FaultyCollector) -> None:
    before = datetime.now(UTC)
    first = tracker.track("machine_seen", user_id="u1")
    second = tracker.track("machine_seen", user_id="u1")
    after = datetime.now(UTC)
    assert first is not None
    assert second is not None
    assert first < second
    assert UUID(first).version == 7
    assert flush(tracker)
    assert before <= datetime.fromisoformat(received(collector, second)["occurred_at"]) <= after


def test_an_id_of_the_callers_own_is_kept(tracker: Face, collector: FaultyCollector) -> None:
    own = uuid4()
    assert tracker.track("machine_seen", event_id=own, user_id="u1") == str(own)
    assert flush(tracker)
    assert received(collector, str(own))["id"] == str(own)


@pytest.mark.parametrize(
    ("arguments", "code", "path"),
    [
        ({"occurred_at": NAIVE}, "invalid_time", "/occurred_at"),
        ({"occurred_at": datetime(1970, 1, 1, tzinfo=UTC)}, "invalid_time", "/occurred_at"),
        ({"occurred_at": datetime(2099, 1, 1, tzinfo=UTC)}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "2026-11-21"}, "invalid_time", "/occurred_at"),
        ({"channel": "Web Site"}, "invalid_envelope", "/channel"),
        ({"event_id": "canary-id"}, "invalid_id", "/id"),
        ({"consent": {"analytics": "yes"}}, "invalid_envelope", "/consent/analytics"),
        ({"context": {"url": 5}}, "invalid_envelope", "/context/url"),
        ({"context": {"seen_at": NAIVE}}, "invalid_envelope", "/context"),
        ({"user_id": 1.5}, "invalid_identifier", "/ids/user_id"),
        ({"user_id": ["a", {"canary": 1}]}, "invalid_identifier", "/ids/user_id"),
        ({"user_id": "canary" * 100}, "invalid_identifier", "/ids/user_id"),
        ({"email": "canary"}, "invalid_identifier", "/ids/email"),
        ({"context": 5}, "invalid_envelope", ""),
    ],
)
def test_a_wrong_circumstance_is_counted_and_reported_once_with_its_place(
    tracker: Face, losses: Losses, arguments: dict[str, Any], code: str, path: str
) -> None:
    assert tracker.emit(ProductViewed(product_id="tv-55"), **arguments) is None
    ((dropped, reason),) = losses.seen
    assert (reason, dropped.code, dropped.path) == (DropReason.INVALID, code, path)
    assert "canary" not in dropped.detail
    assert tracker.stats().dropped[DropReason.INVALID] == tracker.stats().emitted == 1


@pytest.mark.parametrize(
    ("name", "properties", "code", "path"),
    [
        ("Product Viewed", {}, "invalid_name", "/name"),
        ("product_viewed", {}, "schema_violation", "/properties/product_id"),
        ("product_viewed", {"product_id": "tv", "price": "cheap canary"}, "schema_violation", "/properties/price"),
        ("machine_seen", {"at": NAIVE}, "schema_violation", "/properties"),
        ("machine_seen", {"it": object()}, "schema_violation", "/properties"),
        (5, {}, "invalid_name", "/name"),
        ("machine_seen", "canary", "invalid_envelope", ""),
    ],
)
def test_a_wrong_untyped_touchpoint_never_raises_at_the_host(
    tracker: Face, losses: Losses, name: Any, properties: Any, code: str, path: str
) -> None:
    assert tracker.track(name, properties, user_id="u1") is None
    ((dropped, reason),) = losses.seen
    assert (reason, dropped.code, dropped.path) == (DropReason.INVALID, code, path)
    assert "canary" not in dropped.detail


@pytest.mark.parametrize("thing", [{"name": "page_viewed"}, None, "page_viewed", Touchpoint(), ProductViewed])
def test_emitting_what_is_no_touchpoint_points_to_track(tracker: Face, losses: Losses, thing: Any) -> None:
    assert tracker.emit(thing, user_id="u1") is None
    assert "track" in losses.seen[0][0].detail


def test_strict_raises_with_place_and_remedy_and_no_value(face: type[Face], collector: FaultyCollector) -> None:
    tracker = quick(face, collector, strict=True)
    with pytest.raises(InvalidTouchpoint, match="/properties/price") as refused:
        tracker.track("product_viewed", {"product_id": "tv", "price": "canary"}, user_id="u1")
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert refused.value.remedy
    assert tracker.stats().dropped[DropReason.INVALID] == 1
    close(tracker)


def test_a_touchpoint_over_its_size_is_dropped_as_too_large(tracker: Face, losses: Losses) -> None:
    assert tracker.track("machine_seen", {"text": "x" * 70_000}, user_id="u1") is None
    assert [reason for _, reason in losses.seen] == [DropReason.TOO_LARGE]


def test_with_the_projects_key_no_clear_email_or_phone_is_sent(face: type[Face], collector: FaultyCollector) -> None:
    tracker = quick(face, collector, identifier_key=b"project-key".hex())
    event_id = tracker.identify(email=" Ada@Example.com", phone="+33612345678", user_id="u1")
    assert flush(tracker)
    close(tracker)
    ids = received(collector, event_id)["ids"]
    for kind, value in (("email", "ada@example.com"), ("phone", "+33612345678")):
        name, digest = hash_identifier(kind, value, b"project-key")
        assert ids[name] == [digest]
    assert set(ids) == {"email_sha256", "phone_sha256", "user_id"}


def test_without_the_key_hashing_is_left_to_the_collector(tracker: Face, collector: FaultyCollector) -> None:
    event_id = tracker.identify(email="ada@example.com", user_id="u1")
    assert flush(tracker)
    assert received(collector, event_id)["ids"]["email"] == "ada@example.com"


PLAN = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "x-parcours": {"name": "test_drive_taken", "stage": "consideration", "need": "decide", "channel": "store"},
    "properties": {"model": {"type": "string"}},
    "required": ["model"],
}


def test_a_plan_checks_the_teams_own_touchpoints_and_refuses_unknown_ones(
    face: type[Face], collector: FaultyCollector, losses: Losses, tmp_path: Path
) -> None:
    (tmp_path / "test_drive_taken.json").write_bytes(orjson.dumps(PLAN))
    tracker = quick(face, collector, plan=tmp_path, on_drop=losses)
    assert tracker.track("test_drive_taken", {"model": "e-208"}, user_id="u1")
    assert tracker.track("test_drive_taken", {"model": 208}, user_id="u1") is None
    assert tracker.track("test_drive_token", {"model": "e-208"}, user_id="u1") is None
    close(tracker)
    assert [(one.code, one.path) for one, _ in losses.seen] == [
        ("schema_violation", "/properties/model"),
        ("unknown_touchpoint", "/name"),
    ]


def test_a_plan_that_cannot_be_used_is_refused_at_construction(collector: FaultyCollector, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InvalidOptions, match=r"broken\.json"):
        quick(FACES[0], collector, plan=tmp_path)
    with pytest.raises(InvalidOptions, match="not a folder"):
        quick(FACES[0], collector, plan=tmp_path / "absent")


def test_disabled_checks_everything_counts_only_what_is_invalid_and_sends_nothing(
    face: type[Face], losses: Losses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCOURS_DISABLED", "1")
    tracker = face(on_drop=losses)
    assert tracker.emit(ProductViewed(product_id="tv-55"), user_id="u1") is None
    assert tracker.track("product_viewed", {}, user_id="u1") is None
    assert flush(tracker, 0.0)
    stats = close(tracker)
    assert (stats.emitted, stats.dropped[DropReason.INVALID]) == (1, 1)
    assert [reason for _, reason in losses.seen] == [DropReason.INVALID]


def test_a_callback_that_raises_hurts_nobody(face: type[Face], collector: FaultyCollector) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("canary")

    tracker = quick(face, collector, on_drop=explode)
    assert tracker.track("product_viewed", {}, user_id="u1") is None
    assert tracker.emit(ProductViewed(product_id="tv-55"), user_id="u1")
    assert close(tracker).delivered == 1


def test_losses_are_warned_of_once_a_minute_a_reason_and_never_with_a_value(
    tracker: Face, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(50):
        tracker.track("product_viewed", {"product_id": "tv", "price": "canary"}, email="canary@example.com")
        tracker.emit(ProductViewed(product_id="canary"), email="canary")
        tracker.track("machine_seen", {"text": "canary" * 20_000})
    mine = [record for record in caplog.records if record.name == "parcours"]
    assert [record.levelno for record in mine] == [logging.WARNING, logging.WARNING]
    assert "canary" not in caplog.text
    assert not logging.getLogger("parcours").handlers


def test_a_model_made_without_validation_leaks_no_warning_with_its_value(tracker: Face) -> None:
    odd = ProductViewed.model_construct(product_id="tv", price="canary")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tracker.emit(odd, user_id="u1")


def test_a_touchpoint_is_encoded_once_from_the_call_to_the_socket(
    tracker: Face, collector: FaultyCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[object] = []

    def counting(value: object) -> bytes:
        encoded.append(value)
        return encode(value)

    monkeypatch.setattr("parcours.envelope.encode", counting)
    before = len(collector.batches)
    collector.faults.append(None)
    for number in range(100):
        tracker.emit(ProductViewed(product_id=str(number)), user_id="u1")
    assert flush(tracker)
    assert len(collector.batches) > before
    assert len(encoded) == 100
