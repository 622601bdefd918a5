"""Validation: what is taken, in which form; what is refused, with which code, where, and without repeating a value."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parcours_schemas.envelope import (
    MAX_DEPTH,
    MAX_ID_KINDS,
    MAX_ID_VALUE_CHARS,
    MAX_IDS_PER_KIND,
    OLDEST_OCCURRED_AT,
    WIRE,
)
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import REMEDIES, RejectCode
from parcours_schemas.validation import Accepted, validate

RECEIVED_AT = datetime(2026, 11, 21, 10, 0, 1, tzinfo=UTC)
EVENT_ID = "0199A1B2-0000-7000-8000-000000000001"


def event(**fields: Any) -> dict[str, Any]:
    """Return a valid event with some fields replaced, or left out where they are `...`."""
    whole: dict[str, Any] = {
        "id": EVENT_ID,
        "name": "product_viewed",
        "schema": "1-0-0",
        "occurred_at": "2026-11-21T11:00:00.000+01:00",
        "channel": "web",
        "ids": {"anonymous_id": "a1", "user_id": ["u1", "u2"]},
        "context": {"url": "https://shop.example/tv", "campaign": {"source": "linkedin"}, "anything": {"else": [1]}},
        "properties": {"product_id": "tv-55", "price": "799.00", "currency": "EUR"},
        "consent": {"analytics": True},
    } | fields
    return {name: value for name, value in whole.items() if value is not ...}


def accepted(sent: object, **options: Any) -> Accepted:
    verdict = validate(sent, **{"plan": None, "received_at": RECEIVED_AT, **options})
    assert isinstance(verdict, Accepted), verdict
    return verdict


def refused(sent: object, **options: Any) -> Refusal:
    verdict = validate(sent, **{"plan": None, "received_at": RECEIVED_AT, **options})
    assert isinstance(verdict, Refusal), verdict
    return verdict


def test_a_valid_event_is_taken_in_one_form() -> None:
    taken = accepted(event())
    assert taken.id == EVENT_ID.lower()
    assert taken.occurred_at == datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    assert taken.occurred_at.tzinfo is UTC
    assert taken.ids == {"anonymous_id": ["a1"], "user_id": ["u1", "u2"]}
    assert taken.context == event()["context"]
    assert taken.properties == event()["properties"]
    assert taken.consent == {"analytics": True}
    assert taken.declaration is not None
    assert taken.declaration.name == taken.name == "product_viewed"


def test_what_is_left_out_is_taken_from_the_declaration() -> None:
    taken = accepted(event(schema=..., channel=..., ids=..., context=..., consent=...))
    assert (taken.schema_version, taken.channel) == ("1-0-0", "web")
    assert (taken.ids, taken.context, taken.consent) == ({}, {}, {})
    assert accepted(event(name="identified", properties=...)).properties == {}


def test_any_snake_case_channel_is_taken() -> None:
    assert accepted(event(channel="marketplace")).channel == "marketplace"


def test_an_unknown_property_of_a_known_touchpoint_is_kept() -> None:
    properties = event()["properties"] | {"colour": "black"}
    assert accepted(event(properties=properties)).properties == properties


def test_a_null_identifier_counts_as_not_given() -> None:
    assert accepted(event(ids={"user_id": None, "anonymous_id": "a1", "device_id": []})).ids == {"anonymous_id": ["a1"]}


def test_a_placeholder_is_kept_on_the_event_whatever_its_kind() -> None:
    ids = {"anonymous_id": [""], "phone": ["00000-000"], "email": ["null"]}
    assert accepted(event(ids=ids)).ids == ids


def test_a_newer_revision_or_addition_of_the_known_model_is_taken() -> None:
    assert accepted(event(schema="1-7-3")).schema_version == "1-7-3"


@pytest.mark.parametrize(
    "sent_at",
    ["2026-11-21t09:59:59z", "2026-11-21 09:59:59Z", "2026-11-21T09:59:59.123456789Z", "1997-01-01T00:00:00-08:00"],
)
def test_every_notation_of_rfc_3339_is_understood(sent_at: str) -> None:
    assert accepted(event(occurred_at=sent_at)).occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("fields", "code", "path", "said"),
    [
        ({"id": "abc"}, RejectCode.INVALID_ID, "/id", "UUID"),
        ({"id": ...}, RejectCode.INVALID_ID, "/id", "missing"),
        ({"id": 5}, RejectCode.INVALID_ID, "/id", "UUID"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, RejectCode.INVALID_ID, "/id", "nil UUID"),
        ({"id": "0199a1b20000700080000000000000001"}, RejectCode.INVALID_ID, "/id", "36 characters"),
        ({"name": "Product Viewed"}, RejectCode.INVALID_NAME, "/name", "snake_case"),
        ({"name": "a" * 65}, RejectCode.INVALID_NAME, "/name", "64"),
        ({"name": "product_veiwed"}, RejectCode.UNKNOWN_TOUCHPOINT, "/name", "did you mean product_viewed"),
        ({"name": "zzzzz"}, RejectCode.UNKNOWN_TOUCHPOINT, "/name", "schemas list"),
        ({"schema": "1.0"}, RejectCode.UNSUPPORTED_VERSION, "/schema", "MODEL-REVISION-ADDITION"),
        ({"schema": "2-0-0"}, RejectCode.UNSUPPORTED_VERSION, "/schema", "known in model 1"),
        ({"occurred_at": ...}, RejectCode.INVALID_TIME, "/occurred_at", "missing"),
        ({"occurred_at": "2026-11-21T10:00:00"}, RejectCode.INVALID_TIME, "/occurred_at", "offset"),
        ({"occurred_at": 1763719200}, RejectCode.INVALID_TIME, "/occurred_at", "RFC 3339"),
        ({"occurred_at": "2026-02-30T10:00:00Z"}, RejectCode.INVALID_TIME, "/occurred_at", "does not exist"),
        ({"occurred_at": "1970-01-01T00:00:00Z"}, RejectCode.INVALID_TIME, "/occurred_at", "before 1990-01-01"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, RejectCode.INVALID_TIME, "/occurred_at", "before 1990-01-01"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, RejectCode.INVALID_TIME, "/occurred_at", "after its reception"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, RejectCode.INVALID_TIME, "/occurred_at", "24 hours after"),
        ({"channel": "Web Site"}, RejectCode.INVALID_ENVELOPE, "/channel", "snake_case"),
        ({"ids": {"user_id": 5}}, RejectCode.INVALID_IDENTIFIER, "/ids/user_id", "send numbers as strings"),
        ({"ids": {"user_id": ["a", 5]}}, RejectCode.INVALID_IDENTIFIER, "/ids/user_id", "list of strings"),
        ({"ids": {"User-Id": "a"}}, RejectCode.INVALID_IDENTIFIER, "/ids/User-Id", "snake_case"),
        ({"ids": ["a"]}, RejectCode.INVALID_IDENTIFIER, "/ids", "object"),
        ({"ids": {"a": "x" * (MAX_ID_VALUE_CHARS + 1)}}, RejectCode.INVALID_IDENTIFIER, "/ids/a", "512"),
        ({"ids": {"a": ["x"] * (MAX_IDS_PER_KIND + 1)}}, RejectCode.INVALID_IDENTIFIER, "/ids/a", "16"),
        ({"ids": {f"k{n}": "x" for n in range(MAX_ID_KINDS + 1)}}, RejectCode.INVALID_IDENTIFIER, "/ids", "16"),
        ({"ids": {"email": "jean"}}, RejectCode.INVALID_IDENTIFIER, "/ids/email", "not an e-mail address"),
        ({"ids": {"phone": "06 12 34 56 78"}}, RejectCode.INVALID_IDENTIFIER, "/ids/phone", "E.164"),
        ({"ids": {"email_sha256": "a@b.fr"}}, RejectCode.INVALID_IDENTIFIER, "/ids/email_sha256", "64 hexadecimal"),
        ({"context": {"url": 5}}, RejectCode.INVALID_ENVELOPE, "/context/url", "must be a string"),
        ({"context": {"campaign": {"name": 5}}}, RejectCode.INVALID_ENVELOPE, "/context/campaign/name", "string"),
        ({"context": []}, RejectCode.INVALID_ENVELOPE, "/context", "object"),
        ({"properties": []}, RejectCode.INVALID_ENVELOPE, "/properties", "object"),
        ({"consent": {"analytics": "yes"}}, RejectCode.INVALID_ENVELOPE, "/consent/analytics", "true or false"),
        ({"occured_at": "x"}, RejectCode.INVALID_ENVELOPE, "/occured_at", "did you mean occurred_at"),
        ({"colour": "black"}, RejectCode.INVALID_ENVELOPE, "/colour", "properties or context"),
        ({"properties": {}}, RejectCode.SCHEMA_VIOLATION, "/properties/product_id", "required and missing"),
        ({"properties": {"product_id": 5}}, RejectCode.SCHEMA_VIOLATION, "/properties/product_id", "must be a string"),
        (
            {"properties": {"product_id": "p", "quantity": "2"}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/quantity",
            "whole number",
        ),
        (
            {"properties": {"product_id": "p", "price": "12,50 €", "currency": "EUR"}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/price",
            "decimal string",
        ),
        (
            {"properties": {"product_id": "p", "price": 1, "currency": "eur"}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/currency",
            "send EUR",
        ),
        (
            {"properties": {"product_id": "p", "price": 1}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/currency",
            "send currency",
        ),
        (
            {"name": "cart_viewed", "properties": {"products": [{"product_id": "a"}, {"sku": "b"}]}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/products/1/product_id",
            "missing",
        ),
        (
            {"name": "order_completed", "properties": {"order_id": "o", "currency": "EUR"}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/revenue",
            "revenue or total",
        ),
        (
            {"name": "effort_scored", "properties": {"score": 8}},
            RejectCode.SCHEMA_VIOLATION,
            "/properties/score",
            "less than or equal to 7",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(fields: dict[str, Any], code: RejectCode, path: str, said: str) -> None:
    refusal = refused(event(**fields))
    assert (refusal.code, refusal.path) == (code, path), refusal
    assert said in refusal.detail


@pytest.mark.parametrize("sent", [None, [], "event", 5, True])
def test_what_is_no_object_is_refused(sent: object) -> None:
    assert refused(sent).code is RejectCode.NOT_AN_OBJECT


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for level in range(levels - 1):
        value = {"in": value} if level % 2 else {"in": [value][0]}
    return value


@pytest.mark.parametrize("field", ["properties", "context"])
def test_nesting_is_bounded_and_a_thousand_levels_are_refused_like_one_too_many(field: str) -> None:
    base = event()[field]
    assert accepted(event(**{field: base | {"x": nested(MAX_DEPTH - 1)}}))
    for levels in (MAX_DEPTH, 900):
        refusal = refused(event(**{field: base | {"x": nested(levels)}}))
        assert (refusal.code, refusal.path) == (RejectCode.TOO_DEEP, f"/{field}")
    deep_list: list[Any] = []
    for _ in range(MAX_DEPTH):
        deep_list = [deep_list]
    assert refused(event(**{field: base | {"x": deep_list}})).code is RejectCode.TOO_DEEP


def test_the_bounds_of_time_themselves_are_taken() -> None:
    assert accepted(event(occurred_at=OLDEST_OCCURRED_AT.isoformat()))
    assert accepted(event(occurred_at=(RECEIVED_AT + timedelta(hours=24)).isoformat()))
    east = RECEIVED_AT.astimezone(timezone(timedelta(hours=14))) + timedelta(hours=24, seconds=1)
    assert refused(event(occurred_at=east.isoformat())).code is RejectCode.INVALID_TIME


def test_an_unknown_name_can_be_allowed_for_an_sdk_without_the_plan() -> None:
    taken = accepted(event(name="anything_done", schema=..., channel=...), unknown_names="allow")
    assert (taken.declaration, taken.schema_version, taken.channel) == (None, "", "")
    assert refused(event(name="Anything Done"), unknown_names="allow").code is RejectCode.INVALID_NAME


def test_a_national_phone_number_is_taken_with_a_region() -> None:
    assert accepted(event(ids={"phone": "06 12 34 56 78"}), region="FR")


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "jean.dupont@example.fr"},
        {"name": "jean.dupont@example.fr"},
        {"occurred_at": "jean.dupont@example.fr"},
        {"channel": "jean.dupont@example.fr"},
        {"schema": "jean.dupont@example.fr"},
        {"jean.dupont@example.fr": 1},
        {"ids": {"jean.dupont@example.fr": "x"}},
        {"ids": {"email": ["x jean.dupont@example.fr"]}},
        {"ids": {"phone": "jean.dupont@example.fr"}},
        {"ids": {"email_sha256": "jean.dupont@example.fr"}},
        {"consent": {"jean.dupont@example.fr": True}},
        {"consent": {"analytics": "jean.dupont@example.fr"}},
        {"context": {"campaign": "jean.dupont@example.fr"}},
        {"properties": "jean.dupont@example.fr"},
        {"properties": {"product_id": "p", "price": "jean.dupont@example.fr"}},
        {"properties": {"product_id": "p", "currency": "jean.dupont@example.fr"}},
        {"properties": {"product_id": "p", "quantity": "jean.dupont@example.fr"}},
        {"properties": {"product_id": ["jean.dupont@example.fr"]}},
        {"name": "cart_viewed", "properties": {"products": [{"jean.dupont@example.fr": "x"}]}},
        {"name": "appointment_booked", "properties": {"appointment_id": "a", "starts_at": "jean.dupont@example.fr"}},
    ],
)
def test_a_refusal_never_repeats_what_may_be_a_persons(fields: dict[str, Any]) -> None:
    refusal = refused(event(**fields))
    assert "jean" not in f"{refusal.path} {refusal.detail}".lower()
    assert "example.fr" not in f"{refusal.path} {refusal.detail}".lower()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*list(event()), "other"])


@given(st.dictionaries(FIELDS, JSON, max_size=3))
def test_whatever_is_sent_gets_a_verdict_and_never_an_error(fields: dict[str, Any]) -> None:
    verdict = validate(event(**fields), plan=None, received_at=RECEIVED_AT)
    assert isinstance(verdict, Accepted | Refusal)
    if isinstance(verdict, Refusal):
        assert verdict.detail
        assert verdict.path.startswith("/")


@given(st.dictionaries(FIELDS, JSON, max_size=2))
def test_validation_leaves_the_event_as_it_is(fields: dict[str, Any]) -> None:
    sent = event(**fields)
    before = repr(sent)
    validate(sent, plan=None, received_at=RECEIVED_AT)
    assert repr(sent) == before


def test_the_wire_check_is_the_first_thing_and_knows_every_field() -> None:
    with pytest.raises(ValidationError):
        WIRE.validate_python({})
    assert set(event()) == set(WIRE.json_schema()["properties"])


def test_each_code_has_a_remedy() -> None:
    assert REMEDIES.keys() == set(RejectCode)
    assert all(REMEDIES.values())


def test_what_is_accepted_can_be_sent_again() -> None:
    taken = accepted(event())
    again = {
        "id": taken.id,
        "name": taken.name,
        "schema": taken.schema_version,
        "occurred_at": taken.occurred_at.isoformat(),
        "channel": taken.channel,
        "ids": taken.ids,
        "context": taken.context,
        "properties": taken.properties,
        "consent": taken.consent,
    }
    assert accepted(orjson.loads(orjson.dumps(again))) == taken
