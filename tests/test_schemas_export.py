"""The exported JSON Schema: committed, and in agreement with the validation."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.currencies import CURRENCIES
from parcours_schemas.example import example_event
from parcours_schemas.export import envelope_schema, export_catalogue, touchpoint_schema
from parcours_schemas.known import known_catalogue
from parcours_schemas.validation import Accepted, validate

COMMITTED = Path(__file__).parent.parent / "schemas" / "catalogue"
VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator(touchpoint_schema(touchpoint), validate_formats=True)
    for name, touchpoint in CATALOGUE.items()
}
ENVELOPE = jsonschema_rs.Draft202012Validator(envelope_schema(), validate_formats=True)


def test_the_committed_export_is_what_the_code_says() -> None:
    committed = {file.name: file.read_bytes() for file in COMMITTED.glob("*.json")}
    exported = export_catalogue()
    assert committed.keys() == exported.keys(), "run `make schemas` and commit what it writes"
    for filename, content in exported.items():
        assert committed[filename] == content, f"{filename} drifts: run `make schemas` and commit what it writes"


def test_the_export_is_the_same_each_time() -> None:
    assert export_catalogue() == export_catalogue()


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_document_accepts_the_example_of_its_touchpoint(name: str) -> None:
    example = example_event(touchpoint_schema(CATALOGUE[name]))
    assert VALIDATORS[name].is_valid(example["properties"])
    assert ENVELOPE.is_valid(example)


def test_the_rules_between_properties_stand_in_the_documents_too() -> None:
    assert not VALIDATORS["product_viewed"].is_valid({"product_id": "p", "price": 5})
    assert VALIDATORS["product_viewed"].is_valid({"product_id": "p", "price": None})
    assert not VALIDATORS["order_completed"].is_valid({"order_id": "o", "currency": "EUR"})
    assert VALIDATORS["order_completed"].is_valid({"order_id": "o", "currency": "EUR", "total": "1.00"})
    assert not VALIDATORS["product_viewed"].is_valid({"product_id": "p", "price": "1,00", "currency": "EUR"})


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2**32)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "x", "10", "10.50", "-1", "1e3", "eur", "EURO", "2026-11-21", "2026-11-21T10:00:00Z", "x" * 300]
    )
    | st.sampled_from(sorted(CURRENCIES))
    | st.lists(
        st.fixed_dictionaries({}, optional={"product_id": st.just("p"), "price": st.just("1"), "type": st.just("t")}),
        max_size=2,
    )
)


@st.composite
def name_and_properties(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(CATALOGUE)))
    fields = sorted(CATALOGUE[name].model_fields)
    base = example_event(touchpoint_schema(CATALOGUE[name]))["properties"] if draw(st.booleans()) else {}
    changes = draw(st.dictionaries(st.sampled_from([*fields, "other"]), VALUES, max_size=4))
    return name, {**base, **changes}


@settings(max_examples=400)
@given(name_and_properties())
def test_what_the_validation_accepts_the_exported_document_accepts(drawn: tuple[str, dict[str, Any]]) -> None:
    name, properties = drawn
    if known_catalogue()[name].check(properties) is None:
        assert VALIDATORS[name].is_valid(properties), properties


@given(
    st.dictionaries(
        st.sampled_from(["id", "name", "occurred_at", "channel", "schema", "ids", "context", "properties", "consent"]),
        VALUES | st.dictionaries(st.sampled_from(["user_id", "url", "A"]), VALUES, max_size=2),
        max_size=2,
    )
)
def test_what_the_envelope_check_accepts_its_document_accepts(changes: dict[str, Any]) -> None:
    sent = example_event(touchpoint_schema(CATALOGUE["identified"])) | changes
    received_at = datetime(2026, 11, 22, tzinfo=UTC)
    if isinstance(validate(sent, plan=None, received_at=received_at, unknown_names="allow"), Accepted):
        assert ENVELOPE.is_valid(orjson.loads(orjson.dumps(sent))), sent
