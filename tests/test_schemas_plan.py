"""A team's own touchpoints."""

import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from parcours_schemas.errors import InvalidPlan, MissingExtra
from parcours_schemas.plan import DIALECT, TrackingPlan
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode
from parcours_schemas.validation import Accepted, validate

RECEIVED_AT = datetime(2026, 11, 21, 10, 0, 1, tzinfo=UTC)
DECLARED = {"name": "test_drive_taken", "stage": "consideration", "need": "decide", "channel": "store"}
PROPERTIES = {
    "model": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 10},
    "minutes": {"type": "integer", "minimum": 1},
    "trim": {"enum": ["base", "sport"]},
    "deposit": {"type": "string"},
    "currency": {"type": "string"},
    "day": {"type": "string", "format": "date"},
}


def document(**changes: Any) -> bytes:
    schema = {
        "$schema": DIALECT,
        "type": "object",
        "x-parcours": DECLARED,
        "properties": PROPERTIES,
        "required": ["model"],
        "additionalProperties": False,
    } | changes
    return orjson.dumps({name: value for name, value in schema.items() if value is not ...})


def event(properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "0199a1b2-0000-7000-8000-000000000001",
        "name": "test_drive_taken",
        "occurred_at": "2026-11-21T10:00:00Z",
        "properties": properties,
    } | fields


PLAN = TrackingPlan.from_documents({"test_drive.json": document()})


def judged(properties: dict[str, Any], **fields: Any) -> Accepted | Refusal:
    return validate(event(properties, **fields), plan=PLAN, received_at=RECEIVED_AT)


def test_a_touchpoint_of_the_plan_is_taken_with_what_it_declares() -> None:
    taken = judged({"model": "roma", "minutes": 20})
    assert isinstance(taken, Accepted)
    assert (taken.channel, taken.schema_version) == ("store", "1-0-0")
    assert taken.declaration == PLAN.declarations["test_drive_taken"]
    assert taken.declaration.valence == "neutral"
    assert PLAN.names == ("test_drive_taken",)
    assert PLAN.schemas["test_drive_taken"]["required"] == ["model"]


def test_the_catalogue_goes_on_to_count_beside_a_plan() -> None:
    verdict = judged({"product_id": "p"}, name="product_viewed")
    assert isinstance(verdict, Accepted)


@pytest.mark.parametrize(
    ("properties", "path", "said"),
    [
        ({}, "/properties/model", "required and missing"),
        ({"model": "roma", "minutes": 0}, "/properties/minutes", "less than the minimum of 1"),
        ({"model": "roma", "minutes": "20"}, "/properties/minutes", '"integer"'),
        ({"model": "roma", "trim": "jean@example.fr"}, "/properties/trim", '"base" or "sport"'),
        ({"model": "jean@x.fr"}, "/properties/model", "does not match"),
        ({"model": "roma", "colour": 1}, "/properties/colour", "not a property"),
        ({"model": "roma", "jean@example.fr": 1}, "/properties/*", "not a property"),
        ({"model": "roma", "day": "jean@example.fr"}, "/properties/day", '"date"'),
    ],
)
def test_properties_that_break_the_plan_are_refused_without_repeating_them(
    properties: dict[str, Any], path: str, said: str
) -> None:
    refusal = judged(properties)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.path) == (RejectCode.SCHEMA_VIOLATION, path), refusal
    assert said in refusal.detail
    assert "jean" not in refusal.path + refusal.detail


def test_an_unknown_name_near_one_of_the_plan_is_told_so() -> None:
    refusal = judged({}, name="test_drive_token")
    assert isinstance(refusal, Refusal)
    assert "did you mean test_drive_taken" in refusal.detail


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "is an object"),
        (
            document(**{"$schema": "http://json-schema.org/draft-07/schema#"}),
            "must be https://json-schema.org/draft/2020-12",
        ),
        (document(type="array"), '"type": "object"'),
        (document(**{"x-parcours": ...}), 'add "x-parcours"'),
        (document(**{"x-parcours": DECLARED | {"stagee": "use"}}), "x-parcours/stagee"),
        (document(**{"x-parcours": {"name": "x_done"}}), "x-parcours/stage: stage is required"),
        (document(**{"x-parcours": DECLARED | {"name": "Test Drive"}}), "x-parcours/name"),
        (document(**{"x-parcours": DECLARED | {"valence": "happy"}}), "'pain', 'neutral' or 'delight'"),
        (document(**{"x-parcours": DECLARED | {"version": "1.0"}}), "x-parcours/version: a schema version is"),
        (document(**{"x-parcours": DECLARED | {"revenue_property": "price"}}), "price is not one of its properties"),
        (document(**{"x-parcours": DECLARED | {"name": "product_viewed"}}), "give yours another name"),
        (document(properties={"model": {"type": "text"}}), "no JSON Schema"),
        (document(properties={"model": {"pattern": "("}}), "no JSON Schema"),
        (document(properties={"model": {"pattern": "(?=a)b"}}), "no JSON Schema"),
        (
            document(properties={"model": {"$ref": "https://example.com/model.json"}}),
            "move what is shared into its own",
        ),
        (document(properties={"model": {"$ref": "file:///etc/passwd"}}), "move what is shared into its own"),
        (document(properties={"model": {"$ref": "other.json"}}), "move what is shared into its own"),
        (document(properties={"model": {"$ref": "#/$defs/none"}}), "move what is shared into its own"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(InvalidPlan) as raised:
        TrackingPlan.from_documents({"test_drive.json": content})
    assert str(raised.value).startswith("test_drive.json: ")
    assert said in str(raised.value)
    assert raised.value.filename == "test_drive.json"


def test_two_files_may_not_declare_the_same_touchpoint() -> None:
    with pytest.raises(InvalidPlan, match=r"b\.json: test_drive_taken is already declared by a\.json"):
        TrackingPlan.from_documents({"b.json": document(), "a.json": document()})


def test_local_definitions_are_followed() -> None:
    plan = TrackingPlan.from_documents(
        {
            "a.json": document(
                properties={"model": {"$ref": "#/$defs/model"}}, **{"$defs": {"model": {"type": "string"}}}
            )
        }
    )
    verdict = validate(event({"model": 5}), plan=plan, received_at=RECEIVED_AT)
    assert isinstance(verdict, Refusal)
    assert verdict.path == "/properties/model"


def test_without_the_extra_a_plan_is_refused_with_its_name_and_no_plan_needs_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(MissingExtra, match=r"parcours\[plans\]"):
        TrackingPlan.from_documents({"a.json": document()})
    assert TrackingPlan.from_documents({}).names == ()


def test_a_pattern_that_others_would_take_forever_on_is_matched_in_linear_time() -> None:
    plan = TrackingPlan.from_documents({"a.json": document(properties={"model": {"pattern": "^(a+)+$"}})})
    verdict = validate(event({"model": "a" * 50_000 + "!"}), plan=plan, received_at=RECEIVED_AT)
    assert isinstance(verdict, Refusal)


@pytest.mark.parametrize(("wrong", "path"), [({"deposit": "jean"}, "deposit"), ({"total": ["10"]}, "total")])
def test_revenue_that_is_no_amount_is_refused_even_where_the_schema_lets_any_text_pass(
    wrong: dict[str, Any], path: str
) -> None:
    declared = DECLARED | {"revenue_property": "deposit"}
    plan = TrackingPlan.from_documents(
        {"test_drive.json": document(**{"x-parcours": declared, "additionalProperties": True})}
    )
    sent = event({"model": "roma", "currency": "EUR"} | wrong)
    refusal = validate(sent, plan=plan, received_at=RECEIVED_AT)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.path) == (RejectCode.SCHEMA_VIOLATION, f"/properties/{path}")
    assert "jean" not in refusal.detail
    right = event({"model": "roma", "currency": "EUR", path: "10.00"})
    assert isinstance(validate(right, plan=plan, received_at=RECEIVED_AT), Accepted)
