"""Hot columns: the same answers before, meanwhile and after; nothing but a name reaches a statement."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.column_changes import (
    active_parts,
    add_column,
    fill_column,
    remove_column,
    storing_parts,
)
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.hot_columns import (
    ColumnKind,
    HotColumn,
    InvalidColumn,
    record_column,
    recorded_columns,
)
from parcours_collector.warehouse.insert import INSERT_SETTINGS
from parcours_collector.warehouse.migrations import VIEWS, make_columns_and_views, migrate
from parcours_collector.warehouse.sql import read_sql
from tests.touchpoint_rows import row, touch

BRANDS = ("acme", "o'hara \\ 'sons", "", "née")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated engine of this module's own: its views change."""
    with EngineProcess.start(tmp_path_factory.mktemp("columns")) as engine:
        migrate(engine.url)
        yield engine.url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of it; after the test no column is left."""
    with connect(url) as made:
        yield made
        for one in recorded_columns(made):
            record_column(made, one.column, is_wanted=False)
        make_columns_and_views(made)


def store(client: Client, project: str, name: str, properties: list[dict[str, object]], first: int = 0) -> None:
    """Insert touchpoints of this name, as delivery does: one a second, four people in turn."""
    rows = []
    for number, held in enumerate(properties, first):
        rows.append(row(touch(name, number, user_id=f"u-{number % 4}"), project) | {"properties": held})
    lines = b"".join(orjson.dumps(one, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE) for one in rows)
    client.raw_insert("touchpoints", insert_block=lines, fmt="JSONEachRow", settings=dict(INSERT_SETTINGS))


def branded(count: int) -> list[dict[str, object]]:
    """Properties with a brand, or none, and something long beside it."""
    return [{"brand": BRANDS[n % 5], "text": f"{n} " * 200} if n % 5 < 4 else {"text": ""} for n in range(count)]


_BY_JSON = "name = 'product_viewed' AND JSONExtractString(properties, 'brand') = {brand:String}"
_BY_COLUMN = "name = 'product_viewed' AND product_viewed__brand = {brand:String}"
_FILTER = (
    "SELECT count(), uniqExact(person_id), min(occurred_at) FROM touchpoints_resolved "
    "WHERE project = {{project:String}} AND {0}"
)
_FUNNEL = """
SELECT level, count()
FROM
(
    SELECT windowFunnel(3600)(toDateTime(occurred_at), {0}, name = 'order_completed') AS level
    FROM touchpoints_resolved
    WHERE project = {{project:String}}
    GROUP BY person_id
)
GROUP BY level
ORDER BY level
"""


def answers(client: Client, project: str, condition: str) -> list[object]:
    """What a filter and a funnel say of every brand."""
    return [
        client.query(query.format(condition), parameters={"project": project, "brand": brand}).result_rows
        for query in (_FILTER, _FUNNEL)
        for brand in BRANDS
    ]


def test_a_filter_and_a_funnel_answer_alike_before_meanwhile_and_after(client: Client, project: str) -> None:
    column = HotColumn.parse("product_viewed.brand", ColumnKind.WORD)
    store(client, project, "product_viewed", branded(2_000))
    store(client, project, "product_added", branded(500), 2_000)
    store(client, project, "order_completed", [{}, {}], 2_501)
    before = answers(client, project, _BY_JSON)
    assert before[0] != before[1]
    assert add_column(client, column)
    assert answers(client, project, _BY_COLUMN) == before, "computed when it is read"
    assert list(fill_column(client, column))[-1] == 0
    assert storing_parts(client)[column.name] == active_parts(client)
    assert answers(client, project, _BY_COLUMN) == before, "stored"
    assert answers(client, project, _BY_JSON) == before
    store(client, project, "product_viewed", branded(50), 3_000)
    assert answers(client, project, _BY_COLUMN) == answers(client, project, _BY_JSON) != before
    remove_column(client, column)
    with pytest.raises(Exception, match="product_viewed__brand"):
        answers(client, project, _BY_COLUMN)
    assert answers(client, project, _BY_JSON) != before


def test_a_value_that_is_not_of_the_type_is_null_and_stops_no_insert(client: Client, project: str) -> None:
    for kind in ColumnKind:
        record_column(client, HotColumn.parse(f"product_viewed.as_{kind}", kind), is_wanted=True)
    make_columns_and_views(client)
    values: list[object] = ["x", 7, "7.5", True, None, [1], {"a": 1}, "9" * 400, 1e300, "2026-03-01T10:00:00.5Z"]
    store(client, project, "product_viewed", [{f"as_{kind}": value for kind in ColumnKind} for value in values])
    columns = ", ".join(f"product_viewed__as_{kind}" for kind in ColumnKind)
    rows = client.query(
        f"SELECT {columns} FROM touchpoints_resolved WHERE project = {{project:String}} ORDER BY occurred_at",
        parameters={"project": project},
    ).result_rows
    text = ["x", "7", "7.5", "true", "", "[1]", '{"a":1}', "9" * 400]
    assert [held[0] for held in rows][:8] == text
    assert [held[1] for held in rows][:8] == text
    assert [held[2] for held in rows][:3] == [None, 7, 7]
    assert [held[3] for held in rows][:3] == [None, 7.0, 7.5]
    amounts = [None, Decimal(7), Decimal("7.5"), None, None, None, None, None, None, None]
    assert [held[4] for held in rows] == amounts
    assert [held[5] for held in rows][3:7] == [True, None, None, None]
    assert [held[6] for held in rows] == [None] * 9 + [datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)]


def test_a_column_is_of_one_touchpoint_only(client: Client, project: str) -> None:
    add_column(client, HotColumn.parse("product_viewed.brand"))
    store(client, project, "product_viewed", [{"brand": "acme"}])
    store(client, project, "product_added", [{"brand": "acme"}], 1)
    rows = client.query(
        "SELECT name, product_viewed__brand FROM touchpoints_unique WHERE project = {project:String} ORDER BY name",
        parameters={"project": project},
    ).result_rows
    assert rows == [("product_added", ""), ("product_viewed", "acme")]


def test_what_a_crash_left_half_done_a_migration_finishes(url: str, client: Client) -> None:
    column = HotColumn.parse("product_viewed.brand", ColumnKind.WORD)
    record_column(client, column, is_wanted=True)
    migrate(url)
    assert client.query("SELECT product_viewed__brand FROM touchpoints_resolved LIMIT 1").column_names
    record_column(client, column, is_wanted=False)
    migrate(url)
    query = "SELECT count() FROM system.columns WHERE database = 'parcours' AND name = 'product_viewed__brand'"
    assert client.query(query).result_rows == [(0,)]
    # A removal that was recorded only, and the column again with another type: the new one counts.
    add_column(client, column)
    record_column(client, column, is_wanted=False)
    add_column(client, HotColumn.parse("product_viewed.brand", ColumnKind.INTEGER))
    kinds = client.query(query.replace("count()", "DISTINCT type")).result_rows
    assert kinds == [("Nullable(Int64)",)]


def test_a_second_type_and_a_column_that_is_not_there_are_refused_and_the_same_again_is_no_change(
    client: Client,
) -> None:
    assert add_column(client, HotColumn.parse("product_viewed.brand", ColumnKind.TEXT))
    assert not add_column(client, HotColumn.parse("product_viewed.brand", ColumnKind.TEXT))
    with pytest.raises(InvalidColumn, match=r"is a column of type text.*remove product_viewed\.brand"):
        add_column(client, HotColumn.parse("product_viewed.brand", ColumnKind.WORD))
    with pytest.raises(InvalidColumn, match="no column product_viewed__colour"):
        remove_column(client, HotColumn.parse("product_viewed.colour"))


def test_a_search_for_a_forgotten_person_looks_into_hot_columns(client: Client) -> None:
    add_column(client, HotColumn.parse("product_viewed.brand", ColumnKind.WORD))
    searched = client.query(read_sql("forgetting/text_columns")).result_rows
    assert ("touchpoints", "product_viewed__brand") in searched


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_without_hot_columns_is_the_file_as_it_stands(view: str) -> None:
    assert read_sql(f"views/{view}").count("/* hot columns */") == (
        1 if view in {"touchpoints_unique", "touchpoints_resolved"} else 0
    )


@pytest.mark.parametrize(
    "path",
    [
        *("product_viewed", "product_viewed.", ".brand", "product_viewed.a.b", "Product.brand", "a__b.c", "a.1b"),
        *("a.b`", "a.b'", "a.b\\", "a.b, c", "a') OR 1 --.b", "a.b\n", "a.é", f"a.{'b' * 65}", f"{'a' * 65}.b"),
    ],
)
def test_what_is_no_name_is_refused(path: str) -> None:
    with pytest.raises(InvalidColumn):
        HotColumn.parse(path)


@given(st.text(max_size=20), st.sampled_from(ColumnKind))
def test_nothing_but_letters_digits_and_underscores_reaches_a_statement(path: str, kind: ColumnKind) -> None:
    for tried in (path, f"product_viewed.{path}", f"{path}.brand"):
        try:
            column = HotColumn.parse(tried, kind)
        except InvalidColumn:
            continue
        assert re.fullmatch(r"[A-Za-z0-9_]+\.[A-Za-z0-9_]+", tried, re.ASCII)
        harmless = HotColumn.parse("name.value", kind)
        for made, same in ((column.add, harmless.add), (column.fill, harmless.fill), (column.drop, harmless.drop)):
            said = re.sub(r"\bname__value\b", column.name, same)
            said = re.sub(r"(?<=name = ')name(?=')|(?<= of )name(?=')", column.touchpoint, said)
            said = re.sub(r"(?<=')value(?=')|(?<=\$\.)value|(?<=properties\.)value", column.key, said)
            assert made == said
