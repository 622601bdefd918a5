"""Properties that are plainly valid are those that the class takes; most usual ones are."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.example import example_event
from parcours_schemas.export import touchpoint_schema
from parcours_schemas.plain import plainly_valid

_VALUES = [
    *("", "a", "x" * 256, "x" * 257, "x" * 2048, "x" * 2049, "12.50", "-12.50", "12.12345", "1e3", "EUR", "eur", "799"),
    *("9" * 14, "9" * 15, "\u0661", "2026-11-21", "2026-11-21T10:00:00Z", "web", "\x00", "12.5\n"),
    *(0, 1, -1, 5, 2**31 - 1, 2**31, 1.5, -0.0, float("inf"), True, False, None, [], {}, ["a"]),
    *(
        [{"product_id": "a"}],
        [{"product_id": "a", "price": "1.00", "own": 1}],
        [{"name": "a"}],
        [{"product_id": "a"}] * 501,
    ),
]


_USUAL: dict[str, dict[str, Any]] = {
    name: example_event(touchpoint_schema(touchpoint))["properties"] for name, touchpoint in CATALOGUE.items()
}


def _takes(name: str, properties: dict[str, Any]) -> bool:
    try:
        CATALOGUE[name].__pydantic_validator__.validate_python(properties, extra="allow")
    except ValidationError:
        return False
    return True


def _names_and_properties() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    def properties_of(name: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
        names = st.sampled_from([*CATALOGUE[name].model_fields, "own"])
        usual = _USUAL[name]
        changes = st.dictionaries(names, st.sampled_from([*_VALUES, ...]), max_size=4)
        return st.tuples(
            st.just(name),
            changes.map(lambda changed: {k: v for k, v in (usual | changed).items() if v is not ...}),
        )

    return st.sampled_from(list(CATALOGUE)).flatmap(properties_of)


@settings(max_examples=500)
@given(_names_and_properties())
def test_what_is_plainly_valid_is_valid(drawn: tuple[str, dict[str, Any]]) -> None:
    name, properties = drawn
    if plainly_valid(CATALOGUE[name])(properties):
        assert _takes(name, properties)


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_each_value_of_each_field_that_is_plainly_valid_is_valid(name: str) -> None:
    plainly, usual = plainly_valid(CATALOGUE[name]), _USUAL[name]
    for field in CATALOGUE[name].model_fields:
        for value in _VALUES:
            properties = usual | {field: value}
            if plainly(properties):
                assert _takes(name, properties), (field, value)
        without = {key: value for key, value in usual.items() if key != field}
        assert not plainly(without) or _takes(name, without)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("page_viewed", {"path": "/televisions", "title": "Televisions"}),
        ("product_viewed", {"product_id": "tv-55", "price": "799.00", "currency": "EUR", "quantity": 1}),
        ("order_completed", {"order_id": "o-1", "total": "1.00", "currency": "EUR", "products": [{"product_id": "a"}]}),
    ],
)
def test_the_usual_is_plain(name: str, properties: dict[str, Any]) -> None:
    assert plainly_valid(CATALOGUE[name])(properties)
