"""Privacy at the call: redaction, `before_send`, consent; and values that must never be seen anywhere."""

import gc
import logging
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import CodeType, CoroutineType, FrameType, FunctionType, ModuleType
from typing import Any
from uuid import uuid4

import orjson
import pytest
from pydantic import ValidationError

import parcours
from parcours import Dropped, DropReason, InvalidOptions, InvalidTouchpoint, Touchpoint
from parcours.options import Options
from parcours.redaction import Redaction
from parcours.testing import FaultyCollector
from parcours.touchpoints import Channel, Need, OrderCompleted, Product, ProductViewed, Stage
from parcours_schemas.identifiers import hash_identifier
from parcours_schemas.identifiers.hashing import keyed_hash
from tests.sdk_support import FACES, Face, Losses, close, conserved, flush, quick

_CODE = (type, ModuleType, FunctionType, CodeType, CoroutineType, FrameType, threading.Thread)
KEY = bytes(range(32))
EMAIL = "canary.ada@example.com"
CARD = "4111111111111111"
PHONE = "+33698765432"
SECRET = "canary-secret"
CANARIES = (EMAIL, CARD, PHONE, PHONE[1:], SECRET, "canary")


class Paid(Touchpoint, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.STORE):
    card: str
    email: str | None = None
    amount: Decimal = Decimal(1)


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


def received(collector: FaultyCollector, tracker: Face, event_id: str | None) -> dict[str, Any]:
    assert flush(tracker)
    assert conserved(close(tracker))
    assert event_id is not None
    return dict(collector.touchpoints[event_id])


def redacted(rules: dict[str, Any], **event: Any) -> dict[str, Any]:
    Redaction(rules, KEY, None).apply(event)
    return event


# Redaction


def test_typed_and_untyped_touchpoints_are_redacted_before_they_are_queued(
    face: type[Face], collector: FaultyCollector
) -> None:
    tracker = quick(face, collector, identifier_key=KEY, redact={"email": "hash", "card": "drop", "note": "mask"})
    first = tracker.track("machine_seen", {"pay": [{"card": CARD, "note": SECRET}], "email": EMAIL}, email=EMAIL)
    second = tracker.emit(OrderCompleted(order_id="1", revenue=1, currency="EUR"), context={"Note": SECRET, "card": 5})
    assert flush(tracker)
    hidden = hash_identifier("email", EMAIL, KEY)[1]
    assert first is not None
    assert second is not None
    assert collector.touchpoints[first]["properties"] == {"pay": [{"note": "***"}], "email": f"email_sha256:{hidden}"}
    assert collector.touchpoints[first]["ids"] == {"email_sha256": [hidden]}
    assert collector.touchpoints[second]["context"] == {"Note": "***"}
    close(tracker)


def test_a_rule_names_a_key_at_any_depth_or_the_end_of_a_path() -> None:
    given = {"note": "a", "order": {"note": "b", "lines": [{"note": "c"}]}}
    assert redacted({"note": "drop"}, properties=given) == {"properties": {"order": {"lines": [{}]}}}
    given = {"note": "a", "order": {"note": "b", "lines": [{"note": "c"}]}}
    assert redacted({"lines.note": "mask", "properties.note": "drop"}, properties=given) == {
        "properties": {"order": {"note": "b", "lines": [{"note": "***"}]}}
    }


def test_the_longest_rule_wins_and_case_does_not_matter() -> None:
    rules = {"CARD": "drop", "payment.Card": "mask"}
    event = redacted(rules, properties={"card": 1, "Payment": {"cArd": 2}})
    assert event == {"properties": {"Payment": {"cArd": "***"}}}


@pytest.mark.parametrize("clear", [EMAIL, "no address", 5, [EMAIL, {"in": EMAIL}], {"deep": [EMAIL]}, 12.5])
@pytest.mark.parametrize("name", ["email", "phone", "card"])
def test_nothing_of_a_hashed_value_is_left_and_equal_values_stay_equal(name: str, clear: Any) -> None:
    once = redacted({name: "hash"}, properties={name: clear})
    again = redacted({name: "hash"}, properties={name: clear})
    text = orjson.dumps(once).decode()
    assert once == again
    assert EMAIL not in text
    assert "no address" not in text
    assert once != {"properties": {name: clear}}


def test_a_hash_is_the_one_that_the_collector_would_make() -> None:
    event = redacted({"email": "hash", "card": "hash"}, properties={"email": f" {EMAIL.upper()}", "card": CARD})
    assert event["properties"] == {
        "email": f"email_sha256:{hash_identifier('email', EMAIL, KEY)[1]}",
        "card": keyed_hash(CARD, KEY),
    }


def test_what_says_nothing_of_a_person_is_not_hashed() -> None:
    event = redacted({"a": "hash"}, properties={"a": [None, True, "unknown", {"b": None}]})
    assert event["properties"] == {"a": [None, True, "unknown", {"b": None}]}


def test_identifiers_follow_the_rules_and_none_is_masked_into_a_crowd() -> None:
    ids = {"email_sha256": ["0" * 64], "loyalty_card": "L1", "crm_contact": ["c1", "c2"], "user_id": "u1"}
    event = redacted({"email": "drop", "loyalty_card": "hash", "crm_contact": "mask"}, ids=ids, context={})
    assert event["ids"] == {"loyalty_card": keyed_hash("L1", KEY), "user_id": "u1"}
    assert "ids" not in redacted({"user_id": "drop"}, ids={"user_id": "u1"})


def test_redaction_that_breaks_a_touchpoint_is_said_at_the_call(
    face: type[Face], collector: FaultyCollector, losses: Losses
) -> None:
    tracker = quick(face, collector, redact={"product_id": "drop"}, on_drop=losses)
    assert tracker.emit(ProductViewed(product_id="tv"), user_id="u1") is None
    ((dropped, reason),) = losses.seen
    assert (reason, dropped.path) == (DropReason.INVALID, "/properties/product_id")
    close(tracker)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"redact": {"email": "hash"}}, "identifier_key"),
        ({"redact": {"email": "hide"}, "identifier_key": KEY}, "hash, drop or mask"),
        ({"before_send": 5}, "plain function"),
        ({"queue_max_count": SECRET}, "queue_max_count cannot be str"),
    ],
)
def test_an_option_that_cannot_protect_is_refused_at_construction(
    face: type[Face], collector: FaultyCollector, options: Any, match: str
) -> None:
    with pytest.raises(InvalidOptions, match=match) as refused:
        quick(face, collector, **options)
    assert "canary" not in str(refused.value)


def test_a_coroutine_function_cannot_look_last(face: type[Face], collector: FaultyCollector) -> None:
    async def look(event: dict[str, Any]) -> Mapping[str, Any] | None:
        return event

    with pytest.raises(InvalidOptions, match="plain function"):
        quick(face, collector, before_send=look)  # type: ignore[arg-type]  # what is refused


# before_send


def test_the_hook_sees_the_wire_after_redaction_and_its_changes_are_sent(
    face: type[Face], collector: FaultyCollector
) -> None:
    seen: list[dict[str, Any]] = []

    def look(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(orjson.loads(orjson.dumps(event)))
        event["properties"]["amount"] = Decimal("2.50")
        event["context"] = {"at": datetime(2026, 11, 21, tzinfo=UTC)}
        return event

    tracker = quick(face, collector, redact={"card": "mask"}, before_send=look)
    event_id = tracker.emit(Paid(card=CARD), user_id="u1")
    sent = received(collector, tracker, event_id)
    assert seen[0]["properties"] == {"card": "***", "amount": "1"}
    assert sent["properties"] == {"card": "***", "amount": "2.50"}
    assert sent["context"] == {"at": "2026-11-21T00:00:00Z"}


def test_a_hook_that_changes_nothing_leaves_the_bytes(face: type[Face], collector: FaultyCollector) -> None:
    tracker = quick(face, collector, before_send=dict)
    event_id = tracker.emit(ProductViewed(product_id="tv", price="799.00", currency="EUR"), user_id="u1")
    assert received(collector, tracker, event_id)["properties"]["price"] == "799.00"


def explode(_event: dict[str, Any]) -> None:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("hook", [explode, lambda _: SECRET, lambda _: {}, lambda _: 5], ids=range(4))
def test_a_hook_that_fails_drops_and_counts_and_sends_nothing(
    face: type[Face], collector: FaultyCollector, losses: Losses, caplog: pytest.LogCaptureFixture, hook: Any
) -> None:
    before = len(collector.touchpoints)
    tracker = quick(face, collector, before_send=hook, on_drop=losses)
    assert tracker.emit(ProductViewed(product_id=SECRET), user_id="u1") is None
    assert flush(tracker)
    stats = close(tracker)
    assert stats.dropped[DropReason.BEFORE_SEND] == stats.emitted == 1
    ((dropped, reason),) = losses.seen
    assert (reason, dropped.wire, dropped.code) == (DropReason.BEFORE_SEND, None, "before_send")
    assert "before_send" in caplog.text
    assert "canary" not in caplog.text + repr(dropped)
    assert len(collector.touchpoints) == before


def test_a_hook_that_returns_none_drops_on_purpose_without_a_line(
    face: type[Face], collector: FaultyCollector, losses: Losses, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = quick(face, collector, before_send=lambda _event: None, on_drop=losses)
    assert tracker.track("machine_seen", user_id="u1") is None
    close(tracker)
    assert [reason for _, reason in losses.seen] == [DropReason.BEFORE_SEND]
    assert not caplog.records


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"properties": {}}, "/properties/product_id"),
        ({"id": "canary"}, "/id"),
        ({"name": "Canary Viewed"}, "/name"),
        ({"ids": {"user_id": 5}}, "/ids/user_id"),
        ({"canary field": 1}, "/*"),
        ({"context": {"it": object()}}, ""),
    ],
)
def test_what_the_hook_breaks_is_refused_at_the_call(
    face: type[Face], collector: FaultyCollector, losses: Losses, change: dict[str, Any], path: str
) -> None:
    tracker = quick(face, collector, before_send=lambda event: {**event, **change}, on_drop=losses)
    assert tracker.emit(ProductViewed(product_id="tv"), user_id="u1") is None
    close(tracker)
    ((dropped, reason),) = losses.seen
    assert (reason, dropped.path) == (DropReason.INVALID, path)
    assert "canary" not in repr(dropped).lower()


def test_a_hook_may_say_when_it_happened(face: type[Face], collector: FaultyCollector) -> None:
    tracker = quick(face, collector, before_send=lambda event: {**event, "occurred_at": "2024-02-29T12:00:00Z"})
    event_id = tracker.track("machine_seen", user_id="u1")
    assert received(collector, tracker, event_id)["occurred_at"] == "2024-02-29T12:00:00Z"


# Consent


@pytest.mark.parametrize("consent", [None, {}, {"ads": True}, {"analytics": False}])
def test_without_consent_nothing_is_written_and_the_loss_is_counted(
    face: type[Face], collector: FaultyCollector, losses: Losses, consent: dict[str, bool] | None
) -> None:
    tracker = quick(face, collector, required_consent="analytics", on_drop=losses)
    assert tracker.emit(ProductViewed(product_id="tv"), user_id="u1", consent=consent) is None
    assert tracker.track("machine_seen", user_id="u1", consent=consent) is None
    assert conserved(close(tracker))
    assert [(one.wire, one.path, reason) for one, reason in losses.seen] == [(None, "/consent", DropReason.CONSENT)] * 2


def test_consent_comes_from_the_call_or_the_context_and_goes_with_the_touchpoint(
    face: type[Face], collector: FaultyCollector
) -> None:
    tracker = quick(face, collector, required_consent="analytics")
    with parcours.context(consent={"analytics": True, "ads": False}):
        event_id = tracker.track("machine_seen", user_id="u1")
        assert tracker.track("machine_seen", user_id="u1", consent={"analytics": False}) is None
    assert tracker.track("machine_seen", user_id="u1", consent={"analytics": True})
    assert received(collector, tracker, event_id)["consent"] == {"analytics": True, "ads": False}


def test_consent_can_be_asked_for_by_name_then_by_channel(face: type[Face], collector: FaultyCollector) -> None:
    required = {"order_completed": None, "email": "marketing", "*": "analytics"}
    tracker = quick(face, collector, required_consent=required)
    order = OrderCompleted(order_id="1", revenue=1, currency="EUR")
    assert tracker.emit(order, user_id="u1", channel="email")
    assert tracker.track("newsletter_read", channel="email", consent={"marketing": True})
    assert tracker.track("newsletter_read", channel="email", consent={"analytics": True}) is None
    assert tracker.track("machine_seen", consent={"analytics": True})
    assert tracker.track("machine_seen", consent={"marketing": True}) is None
    assert close(tracker).dropped[DropReason.CONSENT] == 2


def test_consent_that_the_hook_takes_away_is_respected(face: type[Face], collector: FaultyCollector) -> None:
    hook = lambda event: {**event, "consent": {"analytics": False}}  # noqa: E731 - short, and used once
    tracker = quick(face, collector, required_consent="analytics", before_send=hook)
    assert tracker.track("machine_seen", user_id="u1", consent={"analytics": True}) is None
    assert close(tracker).dropped[DropReason.CONSENT] == 1


def test_a_refusal_is_no_warning_and_a_consent_nobody_gave_is(
    face: type[Face], collector: FaultyCollector, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = quick(face, collector, required_consent="analytics")
    tracker.track("machine_seen", consent={"analytics": False})
    assert not caplog.records
    tracker.track("machine_seen")
    assert "required_consent" in caplog.text
    close(tracker)


# Canaries


class Opaque:
    def __repr__(self) -> str:
        return SECRET

    __str__ = __repr__


WRONG: list[dict[str, Any]] = [
    {"name": EMAIL},
    {"name": Opaque()},
    {"properties": {EMAIL: object()}},
    {"properties": {"product_id": [EMAIL]}},
    {"properties": {"product_id": "tv", "price": CARD + EMAIL}},
    {"properties": {"product_id": "tv", "at": Opaque()}},
    {"properties": SECRET},
    {"occurred_at": SECRET},
    {"channel": EMAIL},
    {"channel": Opaque()},
    {"event_id": EMAIL},
    {"event_id": Opaque()},
    {"context": {"url": {EMAIL: CARD}}},
    {"context": SECRET},
    {"context": {"campaign": SECRET}},
    {"consent": {EMAIL: True}},
    {"consent": {"analytics": SECRET}},
    {"consent": SECRET},
    {"ids": {EMAIL: "x"}},
    {"ids": {"email": SECRET}},
    {"ids": {"phone": PHONE + SECRET}},
    {"ids": {"user_id": Opaque()}},
    {"ids": {"user_id": [EMAIL, Opaque()]}},
    {"ids": {"user_id": EMAIL * 100}},
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_value_is_seen_in_no_log_exception_or_repr_whatever_it_is_given_as(
    face: type[Face],
    collector: FaultyCollector,
    losses: Losses,
    caplog: pytest.LogCaptureFixture,
    wrong: dict[str, Any],
    strict: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    tracker = quick(face, collector, strict=strict, on_drop=losses)
    said = dict(wrong)
    name, ids = said.pop("name", "product_viewed"), said.pop("ids", {})
    properties = said.pop("properties", {"product_id": "tv"})
    shown = ""
    try:
        assert tracker.track(name, properties, **said, **ids) is None
    except InvalidTouchpoint as error:
        shown = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert strict == bool(shown)
    ((dropped, reason),) = losses.seen
    assert reason is DropReason.INVALID
    everything = caplog.text + shown + repr(dropped) + repr(tracker.stats()) + repr(vars(tracker))
    close(tracker)
    everything = everything.lower() + caplog.text.lower()
    assert [canary for canary in CANARIES if canary in everything] == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: ProductViewed(product_id="tv", price=CARD + EMAIL),
        lambda: ProductViewed(product_id=[EMAIL]),
        lambda: OrderCompleted(order_id="1", revenue=1, currency="EUR", products=[{"product_id": {SECRET: 1}}]),
        lambda: Product(product_id=5.5, name=[SECRET]),
        lambda: Paid(card=[CARD], amount=SECRET),
        lambda: Paid.model_validate({"card": {SECRET: CARD}}),
        lambda: Paid.model_validate_json(f'{{"card": ["{CARD}"]}}'),
        lambda: Paid.model_validate(SECRET),
    ],
    ids=range(8),
)
def test_a_typed_class_refuses_a_value_without_showing_it(make: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        make()
    shown = "".join(traceback.format_exception_only(refused.value)) + repr(refused.value)
    assert [canary for canary in CANARIES if canary in shown] == []


def test_options_and_what_is_dropped_show_nobody(collector: FaultyCollector) -> None:
    options = Options.resolve(
        collector.endpoint, SECRET, {"identifier_key": KEY, "redact": {"email": "hash"}}, environ={}
    )
    assert SECRET not in repr(options)
    assert KEY.hex() not in repr(options)
    assert repr(KEY) not in repr(options)
    dropped = Dropped(str(uuid4()), "paid", EMAIL.encode())
    assert "canary" not in repr(dropped)


@pytest.mark.parametrize("spooled", [False, True])
def test_what_waits_in_memory_or_on_disk_holds_nothing_that_was_hidden_or_withheld(
    face: type[Face], collector: FaultyCollector, tmp_path: Path, spooled: bool
) -> None:
    tracker = quick(
        face,
        collector,
        identifier_key=KEY,
        linger_seconds=60,
        redact={"email": "hash", "card": "drop", "note": "mask"},
        required_consent="analytics",
        spool=tmp_path if spooled else None,
    )
    agreed = {"analytics": True}
    assert tracker.track("product_viewed", {"price": SECRET}, consent=agreed) is None
    assert tracker.track("machine_seen", {"card": CARD, "email": EMAIL}, consent=agreed, email=EMAIL, phone=PHONE)
    assert tracker.track("machine_seen", {"note": SECRET}, consent=agreed, context={"email": EMAIL})
    assert tracker.track("machine_seen", {"other": SECRET}, user_id=SECRET) is None
    in_memory = b"".join(texts_in(tracker))
    on_disk = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert in_memory.count(b'{"id":"') == 2
    assert on_disk.count(b'{"id":"') == 2 * spooled
    assert [canary for canary in CANARIES if canary.encode() in in_memory + on_disk] == []
    close(tracker)


def texts_in(root: object) -> Iterator[bytes]:
    """Every text that an object holds, however deep; classes, modules and code are not of a touchpoint."""
    seen = {id(root)}
    unseen = [root]
    while unseen:
        held = unseen.pop()
        if isinstance(held, str | bytes | bytearray):
            yield held.encode("utf-8", "replace") if isinstance(held, str) else bytes(held)
        if isinstance(held, _CODE) or (isinstance(held, dict) and "__builtins__" in held):
            continue
        for inner in gc.get_referents(held):
            if id(inner) not in seen:
                seen.add(id(inner))
                unseen.append(inner)
