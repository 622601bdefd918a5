"""Typed classes from a tracking plan: they say what the plan says, and stay as they were written."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from parcours_schemas.codegen import generate
from parcours_schemas.codegen.types import same_pattern
from parcours_schemas.errors import InvalidPlan
from parcours_schemas.export import export_catalogue
from parcours_schemas.plan import DIALECT, TrackingPlan
from parcours_schemas.touchpoint import Touchpoint

ROOT = Path(__file__).resolve().parents[1]
DECLARED = {"name": "test_drive_taken", "stage": "consideration", "need": "decide", "channel": "store"}


def document(declared: dict[str, Any] | None = None, **schema: Any) -> bytes:
    return orjson.dumps({"$schema": DIALECT, "type": "object", "x-parcours": DECLARED | (declared or {}), **schema})


def loaded(documents: dict[str, bytes]) -> ModuleType:
    module = ModuleType("planned_by_a_test")
    exec(compile(generate(documents), "planned_by_a_test", "exec"), module.__dict__)  # noqa: S102 - our own writing
    return module


def class_of(**schema: Any) -> type[Touchpoint]:
    found: type[Touchpoint] = loaded({"drive.json": document(**schema)}).TestDriveTaken
    return found


def class_with(described: Any, **schema: Any) -> type[Touchpoint]:
    return class_of(properties={"it": described}, **schema)


AWKWARD = {
    "drive.json": document(
        {"conversion": True, "revenue_property": "pay ment", "valence": "delight", "version": "2-1-0"},
        description='Someone "drove" \\ it. ' + "word " * 40 + '"""; import os\u2028',
        properties={
            "model": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 10, "description": "The model."},
            "pay ment": {"type": "string"},
            "class": {"type": "string", "maxLength": 123456},
            "1st": {"type": "boolean"},
            "_x": {"type": "integer"},
            "x": {"type": "string"},
            "p_x": {"type": "string"},
            "": {"type": "string"},
            "é-mail": {"type": "string"},
            "copy": {"type": "string"},
            "mro": {"type": "string"},
            "str": {"type": ["string", "null"]},
            "model_dump_x": {"type": "string"},
            "Day": {"type": "string", "format": "date"},
            "TestDriveTakenCar": {"type": "string"},
            "car": {"type": "object", "properties": {"doors": {"type": ["integer", "null"]}}, "required": ["doors"]},
            "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "maxItems": 20},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{1,20}(?:-[a-z]{1,20})*$"}},
            "words": {"enum": [f"value number {n}" for n in range(12)] + ['l\'été "x" \u2028', "电视", None]},
            "mixed": {
                "anyOf": [{"type": "string", "pattern": "^" + "long " * 20}, {"type": "integer"}, {"type": "null"}]
            },
            "many": {"type": "array", "items": {"type": ["string", "integer", "null"], "pattern": "^" + "x" * 100}},
            "n" * 90: {"type": "string", "maxLength": 3},
            "o" * 90 + "/": {"type": "string"},
        },
        required=["model", "str"],
        **{"$defs": {"stop": {"type": "object", "properties": {"place": {"type": "string"}}}}},
    ),
    "b.json": document({"name": "tv_4k_seen"}, **{"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    "a.json": document({"name": "tv4k_seen"}, description="\\"),
    "c.json": document({"name": "field"}),
    "d.json": document({"name": "a" * 64}, properties={"x": {"type": "string"}}, required=["x"]),
}
"""A plan with every trouble a name or a text can make."""


def exported() -> dict[str, bytes]:
    """The catalogue as a plan of other names: documents that nobody wrote for this."""
    documents = {}
    for filename, content in export_catalogue().items():
        schema = orjson.loads(content)
        if "x-parcours" in schema:
            schema["x-parcours"]["name"] = "own_" + schema["x-parcours"]["name"]
            documents[filename] = orjson.dumps(schema)
    return documents


def example_plan() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (ROOT / "examples/ecom/plan").glob("*.json")}


PLANS = {"awkward": AWKWARD, "catalogue": exported(), "example": example_plan()}


@pytest.mark.parametrize("line_length", [88, 120, 200])
def test_ruff_leaves_a_generated_module_as_it_is(tmp_path: Path, line_length: int) -> None:
    for name, documents in PLANS.items():
        (tmp_path / f"{name}.py").write_text(generate(documents), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--diff"]
    command += [f"--line-length={line_length}", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PLANS)
def test_equal_documents_give_equal_bytes_whatever_their_order(name: str) -> None:
    documents = PLANS[name]
    text = generate(documents)
    assert generate(dict(reversed(documents.items()))) == text
    assert ast.get_docstring(ast.parse(text))
    assert all(f"  {filename}\n" in text for filename in documents)


def test_another_byte_in_a_document_changes_the_header() -> None:
    documents = example_plan()
    changed = documents | {"home.json": documents["home.json"] + b"\n"}
    difference = set(generate(documents).splitlines()) ^ set(generate(changed).splitlines())
    assert len(difference) == 2
    assert all(line.startswith("# sha256 ") and line.endswith("  home.json") for line in difference)


@pytest.mark.parametrize("name", PLANS)
def test_every_class_declares_what_its_document_declares(name: str) -> None:
    module = loaded(PLANS[name])
    declared = {
        each.__touchpoint__.name: each.__touchpoint__ for each in (getattr(module, one) for one in module.__all__)
    }
    assert declared == TrackingPlan.from_documents(PLANS[name]).declarations


def test_names_that_python_has_no_place_for_get_another_and_the_wire_keeps_its_own() -> None:
    module = loaded(AWKWARD)
    car = module.TestDriveTakenCar(doors=None)
    taken = module.TestDriveTaken(
        model="roma", str_=None, class_="c", p_1st=True, p_x_2=1, x="x", p_x="y", p_="e", p_mail="m", copy_="k",
        mro_="r", p_model_dump_x="d", TestDriveTakenCar_="t", car=car, pay_ment="10.50",
    )  # fmt: skip
    assert taken.properties() == {
        "model": "roma", "str": None, "class": "c", "1st": True, "_x": 1, "x": "x", "p_x": "y", "": "e", "é-mail": "m",
        "copy": "k", "mro": "r", "model_dump_x": "d", "TestDriveTakenCar": "t", "car": {"doors": None},
        "pay ment": "10.50",
    }  # fmt: skip
    assert module.TestDriveTaken.model_validate_json(orjson.dumps(taken.properties())) == taken
    assert module.TestDriveTaken.__doc__.startswith("Someone 'drove' \\ it.")
    assert {"Field_2", "Tv4kSeen", "Tv4kSeen_2"} <= set(module.__all__)


@pytest.mark.parametrize("word", ["patternProperties", "additionalProperties", "unevaluatedProperties"])
def test_properties_without_names_are_refused_with_the_file_and_the_way_out(word: str) -> None:
    with pytest.raises(InvalidPlan, match=rf"drive\.json: /{word}: .* with track"):
        generate({"drive.json": document(**{word: {"^x_": {"type": "string"}}})})


def test_an_empty_plan_is_refused() -> None:
    with pytest.raises(InvalidPlan, match=r"no \.json file"):
        generate({})


RULES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1, "b": 2}, {"a": 1}),
    ({"dependentRequired": {"a": ["b"]}, "properties": {"a": {}, "b": {}}}, {"a": 1, "b": 2}, {"a": 1}),
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}, {"a": 1, "b": 2}),
    ({"minProperties": 1, "properties": {"a": {}}}, {"a": 1}, {}),
    ({"properties": {"a": {"type": "array", "uniqueItems": True}}}, {"a": [1, 2]}, {"a": [1, 1]}),
    ({"properties": {"a": {"type": "string", "format": "email"}}}, {"a": "a@b.fr"}, {"a": "a"}),
    ({"properties": {"a": {"type": "string", "pattern": r"^\S+$"}}}, {"a": "x"}, {"a": "x y"}),
    ({"properties": {"a": {"type": "number", "multipleOf": 0.5}}}, {"a": 1.5}, {"a": 1.2}),
    ({"properties": {"a": {"not": {"const": "x"}}}}, {"a": "y"}, {"a": "x"}),
    ({"properties": {"a": {"enum": [1.5, {"b": 1}]}}}, {"a": {"b": 1}}, {"a": {"b": 2}}),
    ({"properties": {"a": {"prefixItems": [{"type": "string"}]}}}, {"a": ["x"]}, {"a": [1]}),
    ({"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a"]}]}, {"a": "x"}, {}),
    (
        {"properties": {"a": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"items": {"$ref": "#/$defs/t"}, "type": "array"}}},
        {"a": [[], [[]]]},
        {"a": [[1]]},
    ),
]


@pytest.mark.parametrize(("schema", "good", "bad"), RULES)
def test_what_types_cannot_say_is_checked_when_an_object_is_made(
    schema: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    made = class_of(**schema)
    assert made.model_validate_json(orjson.dumps(good)).properties() == good
    with pytest.raises(ValidationError):
        made.model_validate_json(orjson.dumps(bad))


def test_a_rule_that_is_broken_says_where_and_holds_no_value() -> None:
    made = class_with({"type": "string", "format": "email"})
    with pytest.raises(ValidationError, match="/it breaks a rule of the plan") as refused:
        made(it="jean-canary")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        (r"^\d{4}-\d{2}$", "^[0-9]{4}-[0-9]{2}$"),
        (r"^[\w.]+\.fr$", r"^[A-Za-z0-9_.]+\.fr$"),
        (r"^(?:a|b)$", "^(?:a|b)$"),
        (r"^\p{L}$", None),
        (r"\bword", None),
        ("(?i)a", None),
        ("[[a]]", None),
        ("a\\", None),
        ("(", None),
    ],
)
def test_a_pattern_is_a_type_only_where_both_readers_agree_on_it(pattern: str, same: str | None) -> None:
    assert same_pattern(pattern) == same


TEXTS = st.sampled_from(["", "a", "abc", "ABC", "abc-def", "2026-11-21", "12.50", "x" * 12, "é", "٣", "a@b.fr", "a\nb"])
TIMES = st.sampled_from(
    ["2026-11-21", "2026-02-30", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456+02:00", "2026-11-21T10:00:00"]
)
IDS = st.sampled_from(["0199a1b2-0000-7000-8000-000000000001", "0199A1B2-0000-7000-8000-000000000001", "0199a1b2"])
NUMBERS = st.one_of(st.integers(-5, 700), st.sampled_from([0.5, 2.25, -1.5, 1e-7]))
SCALARS = st.one_of(TEXTS, TIMES, IDS, NUMBERS, st.booleans(), st.none())

LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 1, "maxLength": 3},
        {"type": "string", "pattern": "^[a-z]+(?:-[a-z]+)*$", "maxLength": 10},
        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        {"type": "string", "pattern": r"^\w*$"},
        {"type": "string", "pattern": r"^\S*$"},
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {"type": "string", "format": "email"},
        {"type": "string", "format": "date", "maxLength": 9},
        {"type": "integer"},
        {"type": "integer", "minimum": 1, "maximum": 600, "multipleOf": 2},
        {"type": "integer", "exclusiveMinimum": 0.5},
        {"type": "number", "exclusiveMinimum": -1, "maximum": 100.5},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"], "maxLength": 3},
        {"type": ["string", "integer", "boolean"]},
        {"enum": ["a", "abc", 1, None]},
        {"enum": [1, True]},
        {"enum": [0, 2]},
        {"type": "string", "enum": ["a", 5]},
        {"const": False},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 1}]},
        {"oneOf": [{"type": "string"}, {"maxLength": 1}]},
        {"minimum": 3},
        {"not": {"type": "string"}},
        {},
        True,
        False,
    ]
)
NAMES = st.sampled_from(["a", "b", "class", "é x"])


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda described, required, more: {"type": "object", "properties": described, "required": required, **more},
        st.dictionaries(NAMES, inner, min_size=1, max_size=3),
        st.lists(NAMES, unique=True, max_size=2),
        st.sampled_from(
            [{}, {"additionalProperties": False}, {"maxProperties": 2}, {"dependentRequired": {"a": ["b"]}}]
        ),
    )


def arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    more = st.sampled_from([{}, {"minItems": 1}, {"maxItems": 2}, {"uniqueItems": True}])
    return st.builds(lambda items, bounds: {"type": "array", "items": items, **bounds}, inner, more)


SCHEMAS = st.recursive(LEAVES, lambda inner: objects(inner) | arrays(inner), max_leaves=5)
ROOTS = st.dictionaries(NAMES, SCHEMAS, min_size=1, max_size=3)


def as_json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def values_of(schema: Any) -> st.SearchStrategy[Any]:
    """Values for a schema, right and wrong, of its shape."""
    match schema:
        case {"type": "object", "properties": described}:
            return st.fixed_dictionaries({}, optional={name: values_of(each) for name, each in described.items()})
        case {"type": "array", "items": items}:
            return st.lists(values_of(items), max_size=3)
        case {"enum": members}:
            return st.sampled_from(members) | SCALARS
        case {"type": "integer" | "number"}:
            return NUMBERS | SCALARS
        case {"type": "string", "format": _}:
            return TIMES | IDS | TEXTS
        case {"type": "string"}:
            return TEXTS | SCALARS
        case _:
            return SCALARS | st.lists(SCALARS, max_size=2)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_class_and_the_plan_accept_the_same(data: st.DataObject) -> None:
    described = data.draw(ROOTS, "properties")
    required = data.draw(st.lists(st.sampled_from(sorted(described)), unique=True, max_size=1), "required")
    content = document(properties=described, required=required)
    known = TrackingPlan.from_documents({"drive.json": content}).get("test_drive_taken")
    assert known is not None
    made = loaded({"drive.json": content}).TestDriveTaken
    values = st.fixed_dictionaries(
        {name: values_of(described[name]) for name in required},
        optional={name: values_of(each) for name, each in described.items() if name not in required},
    )
    for _ in range(8):
        sent = data.draw(values, "sent")
        try:
            properties = made.model_validate_json(orjson.dumps(sent)).properties()
        except ValidationError:
            assert known.check(sent) is not None, "the plan takes it, the class does not"
        else:
            assert known.check(orjson.loads(orjson.dumps(properties))) is None, "the class takes it, the plan does not"
            # As JSON: for Python False is 0.
            assert known.check(sent) is None or as_json(properties) != as_json(sent)


SCRIPT = """\
from datetime import date
from decimal import Decimal
from uuid import UUID

from my_touchpoints import TestDriveTaken, TestDriveTakenCar

car = TestDriveTakenCar(doors=None)
right = TestDriveTaken(model="roma", str_=None, car=car, pay_ment=Decimal("10.00"), Day_=date(2026, 11, 21))
wrong_name = TestDriveTaken(modell="roma", str_=None)
missing = TestDriveTaken(model="roma")
wrong_type = TestDriveTaken(model=UUID(int=1), str_=None)
wrong_word = TestDriveTaken(model="roma", str_=None, words="value number 99")
wrong_part = TestDriveTakenCar(doors="four")
changed = right.modell
"""
ERRORS = [
    (9, 'Unexpected keyword argument "modell" for "TestDriveTaken"; did you mean "model"?  [call-arg]'),
    (10, 'Missing named argument "str_" for "TestDriveTaken"  [call-arg]'),
    (11, 'Argument "model" to "TestDriveTaken" has incompatible type "UUID"; expected "str"  [arg-type]'),
    (12, 'Argument "words" to "TestDriveTaken" has incompatible type "Literal[\'value number 99\']"; expected'),
    (13, 'Argument "doors" to "TestDriveTakenCar" has incompatible type "str"; expected "int | None"  [arg-type]'),
    (14, '"TestDriveTaken" has no attribute "modell"; maybe "model"?  [attr-defined]'),
]


def test_mypy_takes_the_generated_module_and_finds_each_wrong_name_and_type_in_its_use(tmp_path: Path) -> None:
    (tmp_path / "my_touchpoints.py").write_text(generate(AWKWARD), encoding="utf-8")
    (tmp_path / "the_catalogue.py").write_text(generate(exported()), encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = True\nplugins = pydantic.mypy\n[pydantic-mypy]\ninit_typed = True\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir=.cache", "."],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert not done.stderr
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(found) == len(ERRORS), done.stdout
    for line, (number, message) in zip(found, ERRORS, strict=True):
        assert line.startswith(f"script.py:{number}: error: {message}"), line
