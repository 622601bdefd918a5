"""Values of every parameterized type, zones above all, come through clickhouse-connect as a server sends them."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from ipaddress import IPv6Address
from zoneinfo import ZoneInfo

import clickhouse_connect
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

from tests.embedded_fixtures import Door, arguments, async_client, client, door, engine

__all__ = ["async_client", "client", "door", "engine"]

AT = dt.datetime(2026, 11, 21, 10, 0, tzinfo=dt.UTC)
PARIS, TOKYO = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Tokyo")
LOCAL = AT.astimezone(PARIS)
FINE = AT.replace(microsecond=123_456)
TYPED: tuple[tuple[str, object], ...] = (
    ("DateTime('Europe/Paris')", LOCAL),
    ("Nullable(DateTime('Asia/Tokyo'))", None),
    ("DateTime('Asia/Tokyo')", AT.astimezone(TOKYO)),
    ("String", "DateTime('UTC')"),
    ("DateTime", AT.replace(tzinfo=None)),
    ("DateTime('UTC')", AT.replace(tzinfo=None)),
    ("DateTime64(6, 'Europe/Paris')", FINE.astimezone(PARIS)),
    ("DateTime64(3)", AT.replace(tzinfo=None)),
    ("Nullable(DateTime('Europe/Paris'))", LOCAL),
    ("Array(DateTime('Europe/Paris'))", [LOCAL]),
    ("Tuple(DateTime('Europe/Paris'), Nullable(DateTime64(6, 'Asia/Tokyo')))", (LOCAL, FINE.astimezone(TOKYO))),
    ("Map(String, DateTime('Europe/Paris'))", {"k": LOCAL}),
    (
        "Map(LowCardinality(String), Array(Tuple(UInt8, DateTime64(3, 'Asia/Tokyo'))))",
        {"k": [(1, AT.astimezone(TOKYO))]},
    ),
    ("SimpleAggregateFunction(max, DateTime('Europe/Paris'))", LOCAL),
    ("LowCardinality(Nullable(String))", None),
    ("LowCardinality(String)", "low"),
    ("LowCardinality(FixedString(3))", b"low"),
    ("Array(LowCardinality(Nullable(String)))", ["a", None, "a"]),
    ("Decimal(38, 10)", Decimal("1.5000000000")),
    ("Nullable(Decimal(9, 2))", Decimal("-1.25")),
    ("FixedString(4)", b"four"),
    ("Enum8('b' = -2, 'a' = 1)", "b"),
    ("Nullable(UUID)", uuid.UUID(int=7)),
    ("IPv6", IPv6Address("::1")),
    ("Array(Array(Nullable(Int64)))", [[1, None], []]),
    ("DateTime('Europe/Paris')", LOCAL),
)
"""Every parameterized type, and a value that must come back equal, of the same type and in its column's zone."""


def told(row: Sequence[object]) -> list[tuple[object, str]]:
    """Values beside their text, in which aware and naive instants, and zones, differ."""
    return [(value, repr(value)) for value in row]


@pytest.fixture
def typed_table(door: Door) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    columns = ", ".join(f"c{number} {kind}" for number, (kind, _) in enumerate(TYPED))
    created = door.ask(f"CREATE TABLE {name} (id UInt32, {columns}) ENGINE = MergeTree ORDER BY id")
    assert created.status == 200, created.text
    yield name
    door.ask(f"DROP TABLE {name}")


def test_every_parameterized_type_comes_back_as_it_went(client: Client, typed_table: str) -> None:
    values = [value for _, value in TYPED]
    client.insert(typed_table, [[number, *values] for number in range(3000)])
    result = client.query(f"SELECT * FROM {typed_table} ORDER BY id", settings={"max_block_size": 1000})
    assert [kind.name for kind in result.column_types[1:]] == [kind for kind, _ in TYPED]
    assert len(result.result_rows) == 3000
    assert told(result.result_rows[0][1:]) == told(values)
    assert all(row[1:] == result.result_rows[0][1:] for row in result.result_rows)


async def test_the_async_client_reads_every_parameterized_type(async_client: AsyncClient, typed_table: str) -> None:
    values = [value for _, value in TYPED]
    await async_client.insert(typed_table, [[0, *values]])
    result = await async_client.query(f"SELECT * FROM {typed_table}")
    assert told(result.result_rows[0][1:]) == told(values)


@pytest.mark.parametrize("session", [False, True], ids=["alone", "session"])
def test_computed_columns_have_their_zone(door: Door, session: bool) -> None:
    with clickhouse_connect.get_client(**arguments(door), autogenerate_session_id=session) as client:
        row = client.query(
            "WITH toDateTime({at:String}, 'UTC') AS t SELECT toTimeZone(t, {zone:String}) AS `a b`, 1, 'x' AS s, "
            "toTimeZone(t, 'Asia/Tokyo'), {zone:String} SETTINGS max_threads = 1",
            parameters={"at": "2026-11-21 10:00:00", "zone": "Europe/Paris"},
        ).first_row
    assert told(row) == told((LOCAL, 1, "x", AT.astimezone(TOKYO), "Europe/Paris"))


@pytest.mark.parametrize("session", [False, True], ids=["alone", "session"])
def test_a_statement_whose_columns_change_has_the_zones_of_today(door: Door, session: bool) -> None:
    name = f"t_{uuid.uuid4().hex}"
    with clickhouse_connect.get_client(**arguments(door), autogenerate_session_id=session) as client:
        for kind, value in (("String", "\x08DateTime"), ("DateTime('Europe/Paris')", LOCAL), ("UInt8", 7)):
            client.command(f"CREATE TABLE {name} (at {kind}) ENGINE = MergeTree ORDER BY ()")
            client.insert(name, [[value]] * 3)
            for _ in range(3):
                rows = client.query(f"SELECT at FROM {name} LIMIT 2", settings={"max_block_size": 1}).result_rows
                assert [told(row) for row in rows] == [told((value,))] * 2
            client.command(f"DROP TABLE {name}")
