"""From a row to a touchpoint by the map: types, times, ids; and maps that are wrong, said by key."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.importing.errors import InvalidMap
from parcours_collector.importing.identity import Occurrences
from parcours_collector.importing.mapper import Mapped, Mapper, Outcome, Skipped, Unmapped
from parcours_collector.importing.mapping import Mapping, check_columns, read_mapping
from parcours_collector.importing.row import Row

BASE = {"dataset": "till", "name": {"constant": "page_viewed"}, "occurred_at": {"column": "at"}}


def outcomes(rows: list[dict[str, object]], **changes: object) -> list[Outcome]:
    with Occurrences() as occurrences:
        mapper = Mapper(Mapping.model_validate({**BASE, **changes}), occurrences)
        return [mapper.map(Row(line, values)) for line, values in enumerate(rows, 2)]


def outcome(row: dict[str, object], /, **changes: object) -> Outcome:
    [only] = outcomes([{"at": "2024-03-01T10:00:00Z", **row}], **changes)
    return only


def event(row: dict[str, object], /, **changes: object) -> dict[str, Any]:
    mapped = outcome(row, **changes)
    assert isinstance(mapped, Mapped), mapped
    return dict(json.loads(mapped.event))


def problem(row: dict[str, object], /, **changes: object) -> tuple[str, str]:
    unmapped = outcome(row, **changes)
    assert isinstance(unmapped, Unmapped), unmapped
    return unmapped.problem.path, unmapped.problem.detail


def test_a_row_becomes_a_touchpoint_in_all_its_parts() -> None:
    mapped = event(
        {"u": "u-1", "mail": "", "os": "ios", "n": "3", "p": "12.50", "ok": "yes", "x": '{"a":[1]}', "r": "0.5"},
        channel={"column": "os", "values": {"ios": "app"}, "otherwise": "web"},
        ids={"user_id": "u", "email": "mail", "device_id": ["u", "os"]},
        properties={
            "quantity": {"column": "n", "type": "integer"},
            "price": {"column": "p", "type": "money", "currency": "EUR"},
            "extra": {"column": "x", "type": "json"},
            "ratio": {"column": "r", "type": "number"},
            "gone": "mail",
            "shop": {"constant": 7},
        },
        context={"campaign.source": "os"},
        consent={"analytics": {"column": "ok"}, "ads": {"constant": False}},
    )
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", mapped.pop("id"))
    assert mapped == {
        "name": "page_viewed",
        "occurred_at": "2024-03-01T10:00:00.000000Z",
        "channel": "app",
        "ids": {"user_id": ["u-1"], "device_id": ["u-1", "ios"]},
        "properties": {
            "quantity": 3,
            "price": "12.50",
            "currency": "EUR",
            "extra": {"a": [1]},
            "ratio": 0.5,
            "shop": 7,
        },
        "context": {"campaign": {"source": "ios"}, "import": {"dataset": "till", "line": 2}},
        "consent": {"analytics": True, "ads": False},
    }


@pytest.mark.parametrize(
    ("time", "held", "wanted"),
    [
        ({"format": "iso"}, "2024-03-01T10:00:00+02:00", "2024-03-01T08:00:00.000000Z"),
        ({"format": "iso", "timezone": "Europe/Paris"}, "2024-07-01 10:00:00", "2024-07-01T08:00:00.000000Z"),
        ({"format": "iso", "timezone": "Europe/Paris"}, "2024-10-27 02:30:00", "2024-10-27T00:30:00.000000Z"),
        ({"format": "%d/%m/%Y %H:%M", "timezone": "UTC"}, "01/03/2024 10:00", "2024-03-01T10:00:00.000000Z"),
        ({"format": "%Y-%m-%dT%H:%M:%S%z"}, "2024-03-01T10:00:00+0100", "2024-03-01T09:00:00.000000Z"),
        ({"format": "unix_seconds"}, "1709287200.25", "2024-03-01T10:00:00.250000Z"),
        ({"format": "unix_milliseconds"}, 1709287200250, "2024-03-01T10:00:00.250000Z"),
    ],
)
def test_times_are_read_by_their_format_and_zone(time: dict[str, str], held: object, wanted: str) -> None:
    assert event({"at": held}, occurred_at={"column": "at", **time})["occurred_at"] == wanted


@pytest.mark.parametrize(
    ("time", "held", "said"),
    [
        ({"format": "iso"}, "2024-03-01 10:00:00", "no offset"),
        ({"format": "iso"}, "yesterday", "not a time of the format iso"),
        ({"format": "iso"}, "", "empty"),
        ({"format": "unix_seconds"}, "nan", "not a time"),
        ({"format": "unix_seconds"}, True, "not a time"),
        ({"format": "unix_milliseconds"}, "1e400", "not a time"),
        ({"format": "unix_seconds"}, "-1", "before 1970"),
        ({"format": "%d/%m/%Y", "timezone": "UTC"}, "2024-03-01", "not a time of the format %d"),
        ({"format": "iso"}, "0001-01-01T00:00:00+14:00", "not a time"),
    ],
)
def test_a_wrong_time_is_a_problem_that_names_the_column_and_not_the_value(
    time: dict[str, str], held: object, said: str
) -> None:
    path, detail = problem({"at": held}, occurred_at={"column": "at", **time})
    assert path == "/at"
    assert said in detail


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("integer", "1.5"),
        ("integer", "1_000"),
        ("integer", "9223372036854775808"),
        ("integer", True),
        ("number", "NaN"),
        ("number", "1e999"),
        ("number", "12,5"),
        ("boolean", "perhaps"),
        ("money", "€ 12"),
        ("money", "0.00001"),
        ("json", "{"),
        ("json", "[" * 600 + "]" * 600),
        ("string", ["a"]),
    ],
)
def test_a_value_of_another_type_is_a_problem_at_its_column(kind: str, held: object) -> None:
    path, detail = problem({"a/b": held}, properties={"p": {"column": "a/b", "type": kind}})
    assert path == "/a~1b"
    assert detail.startswith("this is not ")
    assert len(detail) < 80


def test_money_that_is_missing_brings_no_currency() -> None:
    money = {"price": {"column": "p", "type": "money", "currency": "EUR"}}
    assert "properties" not in event({"p": ""}, properties=money)


def test_rows_without_what_the_map_asks_for_are_left_out_and_other_texts_may_mean_nothing() -> None:
    row = {"skip_if_empty": "u", "empty": ["", "NULL"]}
    assert isinstance(outcome({"u": "NULL"}, row=row), Skipped)
    assert isinstance(outcome({"u": "0"}, row=row), Mapped)


def test_values_of_ndjson_are_found_inside_objects() -> None:
    mapped = event({"user": {"id": 42}, "a.b": "flat"}, ids={"user_id": "user.id", "loyalty_card": "a.b"})
    assert mapped["ids"] == {"user_id": ["42"], "loyalty_card": ["flat"]}


def ids(*rows: dict[str, object], **changes: object) -> list[str]:
    found = []
    for one in outcomes([{"at": "2024-03-01T10:00:00Z", **row} for row in rows], **changes):
        assert isinstance(one, Mapped)
        found.append(str(json.loads(one.event)["id"]))
    return found


def test_like_rows_stay_two_and_the_order_of_rows_and_columns_plays_no_part() -> None:
    first = ids({"u": "1", "v": "2"}, {"u": "3", "v": "4"}, {"u": "1", "v": "2"})
    assert len(set(first)) == 3
    assert set(ids({"v": "4", "u": "3"}, {"v": "2", "u": "1"}, {"u": "1", "v": "2"})) == set(first)
    assert set(ids({"u": "1", "v": "2"}, dataset="another")).isdisjoint(first)
    assert ids({"u": "1", "v": "2"})[0].startswith("018df974-d500-7")  # its first 48 bits are the row's time


def test_a_row_with_an_id_of_its_own_is_known_by_that_alone() -> None:
    row = {"id": ["order"]}
    same = ids({"order": "7", "u": "1"}, {"order": "7", "u": "corrected"}, row=row)
    assert same[0] == same[1]
    assert problem({"order": ""}, row=row)[0] == "/order"


@given(st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3), max_size=12))
def test_as_many_ids_as_rows_whatever_the_rows(rows: list[dict[str, object]]) -> None:
    found = ids(*[{f"c{name}": value for name, value in row.items()} for row in rows])
    assert len(set(found)) == len(rows)


GOOD = """
dataset = "till"
name = { constant = "page_viewed" }
[occurred_at]
column = "at"
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dataset = ", "is not TOML"),
        (GOOD.replace("dataset", "datset"), "'datset' is no key of a map; did you mean dataset?"),
        (GOOD.replace("dataset", "#"), "'dataset' is missing"),
        (GOOD + 'fromat = "iso"', "'occurred_at.fromat' is no key of a map; did you mean format?"),
        (GOOD + 'format = "ISO"', "'occurred_at.format': write iso"),
        (GOOD + 'timezone = "Europe/Pari"', "no such time zone; did you mean Europe/Paris"),
        (GOOD.replace('{ constant = "page_viewed" }', '"page_viewed"'), "'name' must be a table"),
        (GOOD.replace('constant = "page_viewed"', ""), "'name': give either constant"),
        (GOOD.replace("page_viewed", "Page Viewed"), "'name.constant'"),
        (GOOD + '[properties]\nprice = { column = "p", type = "mony" }', "'properties.price.type'"),
        (GOOD + '[properties]\nprice = { column = "p", currency = "EUR" }', "only a column of type"),
        (GOOD + '[properties]\nprice = { column = "p", type = "money", currency = "EURO" }', "ISO 4217"),
        (GOOD + '[properties]\nprice = { colum = "p" }', "did you mean column?"),
        (GOOD + '[context]\nimport = "x"', "context.import is where"),
        (GOOD + '[context]\na = "x"\n"a.b" = "y"', "cannot be both"),
        (GOOD + '[csv]\nencoding = "utf-16"', "'csv.encoding': must be an encoding that contains ASCII"),
        (GOOD + '[csv]\ndelimiter = ";;"', "'csv.delimiter'"),
        (GOOD + '[ids]\nUserId = "u"', "'ids.UserId"),
    ],
)
def test_a_wrong_map_is_refused_by_key_with_the_near_names(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "map.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidMap) as refused:
        read_mapping(file)
    assert said in refused.value.message
    assert refused.value.what_to_do


def test_a_map_of_columns_that_the_file_lacks_or_has_twice_is_refused() -> None:
    mapping = Mapping.model_validate({**BASE, "ids": {"user_id": "user_id"}})
    with pytest.raises(InvalidMap, match=r"ids.user_id reads the column 'user_id'.*did you mean user-id"):
        check_columns(mapping, ("at", "user-id"))
    with pytest.raises(InvalidMap, match="has 2 times"):
        check_columns(mapping, ("at", "user_id", "at"))
