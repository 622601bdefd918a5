"""The catalogue as a whole: enough, complete, valid by its own rules."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from parcours_schemas import catalogue
from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.example import EXAMPLE_TIME, example_event
from parcours_schemas.export import touchpoint_schema
from parcours_schemas.known import known_catalogue
from parcours_schemas.money import revenue_of
from parcours_schemas.touchpoint import SNAKE_CASE, Channel, Need, Stage, Touchpoint, Valence
from parcours_schemas.validation import Accepted, validate

RECEIVED_AT = datetime.fromisoformat(EXAMPLE_TIME).astimezone(UTC)


def _declared_below(touchpoint: type[Touchpoint]) -> Iterator[type[Touchpoint]]:
    for below in touchpoint.__subclasses__():
        if below.__module__.startswith("parcours_schemas.catalogue.") and "__touchpoint__" in vars(below):
            yield below
        yield from _declared_below(below)


def test_there_are_at_least_forty_touchpoints_over_all_stages_channels_needs_and_valences() -> None:
    declared = [touchpoint.__touchpoint__ for touchpoint in CATALOGUE.values()]
    assert len(declared) >= 40
    assert {each.stage for each in declared} == set(Stage)
    assert {each.channel for each in declared} == set(Channel)
    assert {each.need for each in declared} == set(Need)
    assert {each.valence for each in declared} == set(Valence)


def test_every_class_that_declares_a_touchpoint_is_exported_and_listed_under_its_name() -> None:
    declared = {each.__touchpoint__.name: each for each in _declared_below(Touchpoint)}
    assert declared == dict(CATALOGUE)
    assert {each.__name__ for each in declared.values()} | {"CATALOGUE"} == set(catalogue.__all__)


def test_names_are_snake_case_and_no_two_classes_share_one() -> None:
    declared = [each.__touchpoint__.name for each in _declared_below(Touchpoint)]
    assert len(declared) == len(set(declared))
    assert all(SNAKE_CASE.fullmatch(name) for name in declared)


def test_a_conversion_says_where_its_revenue_stands() -> None:
    for touchpoint in CATALOGUE.values():
        declared = touchpoint.__touchpoint__
        assert declared.conversion == (declared.revenue_property is not None), declared.name


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_example_of_each_touchpoint_is_accepted_as_a_class_and_on_the_wire(name: str) -> None:
    touchpoint = CATALOGUE[name]
    event = example_event(touchpoint_schema(touchpoint))
    accepted = validate(event, plan=None, received_at=RECEIVED_AT)
    assert isinstance(accepted, Accepted)
    typed = touchpoint(**event["properties"])
    again = {**event, "properties": orjson.loads(orjson.dumps(typed.properties()))}
    assert isinstance(validate(again, plan=None, received_at=RECEIVED_AT), Accepted)
    if touchpoint.__touchpoint__.conversion:
        revenue = revenue_of(touchpoint.__touchpoint__, accepted.properties)
        assert revenue is not None
        assert revenue[0] > Decimal(0)


def test_the_touchpoint_of_identify_requires_no_property() -> None:
    assert CATALOGUE["identified"]().properties() == {}


def test_each_touchpoint_has_a_sentence_that_says_what_happened() -> None:
    for name, touchpoint in CATALOGUE.items():
        assert touchpoint.__doc__, name
        assert touchpoint.__doc__.strip().endswith("."), name


def test_the_compiled_catalogue_holds_what_the_catalogue_holds() -> None:
    assert known_catalogue().keys() == CATALOGUE.keys()


def test_importing_the_package_loads_neither_pydantic_nor_the_optional_libraries() -> None:
    program = (
        "import sys, parcours_schemas; "
        "print(sorted({'pydantic', 'orjson', 'phonenumbers', 'jsonschema_rs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_catalogue_loads_no_optional_library() -> None:
    program = (
        "import sys, parcours_schemas.validation, parcours_schemas.catalogue; "
        "print(sorted({'phonenumbers', 'jsonschema_rs', 'aiohttp', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_of_the_package_can_be_reached() -> None:
    import parcours_schemas

    for name in parcours_schemas.__all__:
        assert getattr(parcours_schemas, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = parcours_schemas.nothing
