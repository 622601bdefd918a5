"""Versions, and what a change of a schema asks for."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.compatibility import ChangeKind, compatibility, declaration_changes, needed_version
from parcours_schemas.errors import InvalidVersion
from parcours_schemas.export import touchpoint_schema
from parcours_schemas.plan import read_document
from parcours_schemas.versions import SchemaVer, model_of

OLD: dict[str, Any] = {
    "type": "object",
    "title": "Test drive",
    "required": ["model"],
    "properties": {
        "model": {"type": "string", "maxLength": 100},
        "minutes": {"type": "integer", "minimum": 1, "maximum": 60},
        "trim": {"enum": ["base", "sport"]},
        "note": {"anyOf": [{"type": "string", "maxLength": 10}, {"type": "null"}]},
        "extras": {"type": "array", "items": {"$ref": "#/$defs/Extra"}},
    },
    "$defs": {"Extra": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
}
ADDITION, REVISION, BREAKING = ChangeKind.ADDITION, ChangeKind.REVISION, ChangeKind.BREAKING


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the old schema with the value at a `/`-separated path replaced, or removed where it is `...`."""
    new = deepcopy(OLD)
    *parents, last = path.split("/")
    at: Any = new
    for parent in parents:
        at = at[int(parent)] if isinstance(at, list) else at[parent]
    key: Any = int(last) if isinstance(at, list) else last
    if value is ...:
        del at[key]
    else:
        at[key] = value
    return new


@pytest.mark.parametrize(
    ("path", "value", "kind", "where"),
    [
        ("properties/colour", {"type": "string"}, ADDITION, "/colour"),
        ("properties/model/maxLength", 200, REVISION, "/model"),
        ("properties/model/maxLength", ..., REVISION, "/model"),
        ("properties/model/maxLength", 50, BREAKING, "/model"),
        ("properties/model/minLength", 1, BREAKING, "/model"),
        ("properties/model/pattern", "^a", BREAKING, "/model"),
        ("properties/model/format", "date", BREAKING, "/model"),
        ("properties/model/type", "integer", BREAKING, "/model"),
        ("properties/model/type", ["string", "null"], REVISION, "/model"),
        ("properties/minutes/type", "number", REVISION, "/minutes"),
        ("properties/minutes/type", ..., REVISION, "/minutes"),
        ("properties/minutes/minimum", 0, REVISION, "/minutes"),
        ("properties/minutes/minimum", 5, BREAKING, "/minutes"),
        ("properties/minutes/maximum", 50, BREAKING, "/minutes"),
        ("properties/minutes/multipleOf", 5, BREAKING, "/minutes"),
        ("properties/minutes", ..., BREAKING, "/minutes"),
        ("properties/trim/enum", ["base", "sport", "eco"], REVISION, "/trim"),
        ("properties/trim/enum", ["base"], BREAKING, "/trim"),
        ("properties/trim", {"const": "base"}, BREAKING, "/trim"),
        ("properties/trim", {}, REVISION, "/trim"),
        ("properties/model/enum", ["a"], BREAKING, "/model"),
        ("properties/note/anyOf/0/maxLength", 20, REVISION, "/note"),
        ("properties/note/anyOf/0/maxLength", 5, BREAKING, "/note"),
        ("properties/note/anyOf/1", ..., BREAKING, "/note"),
        ("properties/note/anyOf/2", {"type": "integer"}, REVISION, "/note"),
        ("$defs/Extra/properties/size", {"type": "string"}, ADDITION, "/extras/*/size"),
        ("$defs/Extra/required", ["sku", "size"], BREAKING, "/extras/*/size"),
        ("$defs/Extra/properties/sku/type", "integer", BREAKING, "/extras/*/sku"),
        ("properties/extras/items", ..., REVISION, "/extras/*"),
        ("properties/extras/maxItems", 5, BREAKING, "/extras"),
        ("required", ["model", "minutes"], BREAKING, "/minutes"),
        ("required", [], REVISION, "/model"),
        ("additionalProperties", False, BREAKING, "/*"),
        ("anyOf", [{"required": ["trim"]}], BREAKING, ""),
        ("not", {"required": ["trim"]}, BREAKING, ""),
        ("dependentRequired", {"trim": ["minutes"]}, BREAKING, ""),
    ],
)
def test_a_change_is_told_where_it_is_and_what_it_asks_for(path: str, value: Any, kind: ChangeKind, where: str) -> None:
    if path.endswith("anyOf/2"):
        new = deepcopy(OLD)
        new["properties"]["note"]["anyOf"].append(value)
    else:
        new = changed(path, value)
    changes = compatibility(OLD, new)
    assert changes
    assert max(change.kind for change in changes) is kind, changes
    assert where in {change.path for change in changes if change.kind is kind}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "Drive"),
        ("description", "x"),
        ("x-owner", "team"),
        ("properties/model/examples", ["a"]),
        ("$comment", "x"),
    ],
)
def test_words_about_a_schema_are_no_change_of_it(path: str, value: Any) -> None:
    assert compatibility(OLD, changed(path, value)) == []


def test_adding_a_required_property_breaks() -> None:
    new = changed("properties/colour", {"type": "string"})
    new["required"] = ["model", "colour"]
    assert [change.kind for change in compatibility(OLD, new)] == [BREAKING]


def test_a_schema_that_refers_to_itself_is_compared_to_an_end() -> None:
    old = {"type": "object", "properties": {"child": {"$ref": "#"}, "size": {"type": "integer", "maximum": 9}}}
    new = {"type": "object", "properties": {"child": {"$ref": "#"}, "size": {"type": "integer", "maximum": 5}}}
    assert {change.kind for change in compatibility(old, new)} == {BREAKING}
    assert compatibility(old, deepcopy(old)) == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_touchpoint_is_compatible_with_itself(name: str) -> None:
    schema = touchpoint_schema(CATALOGUE[name])
    assert compatibility(schema, deepcopy(schema)) == []


@given(st.sampled_from(sorted(CATALOGUE)), st.data())
def test_losing_any_property_of_any_touchpoint_breaks(name: str, data: st.DataObject) -> None:
    old = touchpoint_schema(CATALOGUE[name])
    if not old["properties"]:
        return
    new = deepcopy(old)
    del new["properties"][data.draw(st.sampled_from(sorted(old["properties"])))]
    assert BREAKING in {change.kind for change in compatibility(old, new)}


def test_the_version_that_is_needed_follows_from_the_greatest_change() -> None:
    old = SchemaVer.parse("1-2-3")
    assert needed_version(old, []) == old
    assert str(needed_version(old, compatibility(OLD, changed("properties/colour", {})))) == "1-2-4"
    assert str(needed_version(old, compatibility(OLD, changed("required", [])))) == "1-3-0"
    assert str(needed_version(old, compatibility(OLD, changed("properties/trim", ...)))) == "2-0-0"


def test_what_a_touchpoint_declares_is_part_of_its_meaning() -> None:
    old = CATALOGUE["order_completed"].__touchpoint__
    new = CATALOGUE["receipt_issued"].__touchpoint__
    assert {change.kind for change in declaration_changes(old, new)} == {REVISION}
    assert declaration_changes(old, old) == []


def test_versions_compare_by_number_and_not_by_text() -> None:
    assert SchemaVer.parse("1-0-10") > SchemaVer.parse("1-0-9")
    assert SchemaVer.parse("2-0-0") > SchemaVer.parse("1-99-99")
    assert str(SchemaVer.parse("1-0-10")) == "1-0-10"


@pytest.mark.parametrize(
    "text", ["", "1", "1-0", "1.0.0", "0-0-1", "1-00-0", "1-0-0-0", "v1-0-0", "1-0-0 ", "１-0-0", "1-0-99999"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    assert model_of(text) is None
    with pytest.raises(InvalidVersion, match="1-0-0"):
        SchemaVer.parse(text)


def test_an_exported_document_can_be_read_back_with_what_it_declares() -> None:
    import orjson

    touchpoint = CATALOGUE["order_completed"]
    _, declared = read_document("order_completed.json", orjson.dumps(touchpoint_schema(touchpoint)))
    assert declared == touchpoint.__touchpoint__
