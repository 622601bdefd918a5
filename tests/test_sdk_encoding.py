"""How Python values become JSON: by rule, and never silently wrong."""

from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parcours import Touchpoint
from parcours.contents import typed_properties
from parcours.encoding import NotEncodable, encode, utc_text
from parcours.touchpoints import Channel, Need, Stage

NAIVE_1990 = datetime(1990, 1, 1, tzinfo=UTC).replace(tzinfo=None)
NAIVE_2100 = datetime(2100, 1, 1, tzinfo=UTC).replace(tzinfo=None)


class Colour(Enum):
    RED = "red"


class Size(StrEnum):
    LARGE = "large"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("799.00"), '"799.00"'),
        (Decimal("1E+3"), '"1000"'),
        (datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=2))), '"2026-11-21T10:00:00Z"'),
        (datetime(2026, 11, 21, 10, 0, 0, 5, UTC), '"2026-11-21T10:00:00.000005Z"'),
        (date(2026, 11, 21), '"2026-11-21"'),
        (time(9, 30), '"09:30:00"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Colour.RED, '"red"'),
        (Size.LARGE, '"large"'),
        (Level.HIGH, "3"),
        (PurePosixPath("/shop/tv"), '"/shop/tv"'),
        ({"b", "a"}, '["a","b"]'),
        ((1, 2), "[1,2]"),
        (OrderedDict(a=1), '{"a":1}'),
        (float("nan"), "null"),
        ("é 😀", '"é 😀"'),
    ],
)
def test_a_value_has_its_declared_form(value: object, text: str) -> None:
    assert encode(value).decode() == text
    assert encode({"in": [value]}).decode() == f'{{"in":[{text}]}}'


class Everything(Touchpoint, stage=Stage.USE, need=Need.USE, channel=Channel.WEB):
    """Every type that has a rule, as a typed property."""

    amount: Decimal | None = None
    at: datetime | None = None
    day: date | None = None
    of_day: time | None = None
    one: UUID | None = None
    colour: Colour | None = None
    size: Size | None = None
    level: Level | None = None
    path: PurePosixPath | None = None
    tags: set[str] | None = None
    pair: tuple[int, int] | None = None
    measure: float | None = None
    text: str | None = None
    amounts: list[Decimal] | None = None
    moments: dict[str, datetime] | None = None


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("amount", Decimal("799.00"), '"799.00"'),
        ("amount", Decimal("1E+3"), '"1000"'),
        ("amount", Decimal("1E-7"), '"0.0000001"'),
        ("amounts", [Decimal("1E+3")], '["1000"]'),
        ("at", datetime(2026, 11, 21, 10, 0, 0, 5, UTC), '"2026-11-21T10:00:00.000005Z"'),
        ("day", date(2026, 11, 21), '"2026-11-21"'),
        ("of_day", time(9, 30), '"09:30:00"'),
        ("one", UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ("colour", Colour.RED, '"red"'),
        ("size", Size.LARGE, '"large"'),
        ("level", Level.HIGH, "3"),
        ("path", PurePosixPath("/shop/tv"), '"/shop/tv"'),
        ("tags", {"a"}, '["a"]'),
        ("pair", (1, 2), "[1,2]"),
        ("measure", float("nan"), "null"),
        ("text", "é 😀", '"é 😀"'),
    ],
)
def test_a_typed_property_has_the_form_of_an_untyped_one(name: str, value: Any, text: str) -> None:
    properties = typed_properties(Everything(**{name: value}))
    assert properties == f'{{"{name}":{text}}}'.encode()
    assert encode({name: value}) == properties


@pytest.mark.parametrize("arguments", [{"at": NAIVE_2100}, {"moments": {"a": NAIVE_2100}}, {"amount": "NaN"}])
def test_a_typed_property_without_a_form_is_refused_where_the_touchpoint_is_made(arguments: Any) -> None:
    with pytest.raises(ValidationError, match=r"timezone|finite"):
        Everything(**arguments)


class Secretive:
    def __repr__(self) -> str:
        return "canary-in-repr"


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "value",
    [
        NAIVE_2100,
        time(10, tzinfo=UTC),
        Decimal("NaN"),
        2**64,
        b"bytes",
        {1: "key"},
        "\ud800",
        Secretive(),
        CYCLE,
    ],
    ids=["naive", "aware-time", "nan", "large", "bytes", "key", "surrogate", "object", "cycle"],
)
def test_what_has_no_form_is_refused_without_showing_the_value(value: object) -> None:
    with pytest.raises(NotEncodable) as refused:
        encode({"property": value})
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None or "canary" not in repr(refused.value.__cause__)


def test_a_naive_time_says_what_to_do() -> None:
    with pytest.raises(NotEncodable, match="aware"):
        utc_text(NAIVE_2100)


@given(st.datetimes(NAIVE_1990, NAIVE_2100, timezones=st.timezones(), allow_imaginary=False))
def test_an_instant_reads_back_as_the_same_instant(instant: datetime) -> None:
    text = utc_text(instant)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == instant.astimezone(UTC)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_decimal_keeps_its_value_and_never_an_exponent(amount: Decimal) -> None:
    text = orjson.loads(encode(amount))
    assert Decimal(text) == amount
    assert "e" not in text.lower()
