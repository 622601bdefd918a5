"""clickhouse-connect's sync and async clients find a ClickHouse server behind the embedded engine's door."""

import asyncio
import datetime as dt
import gzip
import uuid
from collections.abc import Iterator, Sequence

import clickhouse_connect
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from parcours_collector.warehouse.embedded.process import EngineProcess
from tests.embedded_fixtures import Door, arguments, async_client, client, door, engine

__all__ = ["async_client", "client", "door", "engine"]

AT = dt.datetime(2026, 11, 21, 10, 0, tzinfo=dt.UTC)


@pytest.fixture
def table(door: Door) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    columns = (
        "id UInt64, name LowCardinality(String), at DateTime64(6, 'UTC'), day DateTime('Europe/Paris'), "
        "tags Map(String, Array(String))"
    )
    assert (
        door.ask(f"CREATE TABLE {name} ({columns}, note Nullable(String)) ENGINE = MergeTree ORDER BY id").status == 200
    )
    yield name
    door.ask(f"DROP TABLE {name}")


ROWS = [
    [number, f"n{number % 3}", AT, AT.replace(microsecond=0), {"k": ["v", "w"]}, None if number % 2 else "x"]
    for number in range(500)
]
NAMES = ["id", "name", "at", "day", "tags", "note"]


def in_utc(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Rows whose instants are aware UTC: the client gives a column of UTC as naive, another zone as it is told."""

    def aware(value: object) -> object:
        if not isinstance(value, dt.datetime):
            return value
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)

    return [[aware(value) for value in row] for row in rows]


def test_rows_inserted_natively_come_back_as_they_were(client: Client, table: str) -> None:
    summary = client.insert(table, ROWS, column_names=NAMES)
    assert summary.written_rows == 500
    result = client.query(f"SELECT * FROM {table} ORDER BY id")
    assert in_utc(result.result_rows) == ROWS
    assert result.summary["query_id"]
    assert result.column_names == tuple(NAMES)


@pytest.mark.parametrize("compression", [None, "gzip", "zstd", "lz4"])
def test_raw_inserts_are_taken_in_every_compression(client: Client, table: str, compression: str | None) -> None:
    import lz4.frame
    from backports import zstd

    lines = b"".join(b'{"id":%d,"name":"a"}\n' % number for number in range(20_000))
    pack = {None: bytes, "gzip": gzip.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}[compression]
    summary = client.raw_insert(table, ["id", "name"], pack(lines), fmt="JSONEachRow", compression=compression)
    assert summary.written_rows == 20_000
    assert client.command(f"SELECT sum(id) FROM {table}") == sum(range(20_000))


def test_parameters_are_bound_by_the_server(client: Client) -> None:
    row = client.query(
        "SELECT {n:UInt8}, {s:String}, {a:Array(String)}, {d:DateTime64(3)}, {z:Nullable(String)}, {i:Identifier} "
        "FROM numbers(1)",
        parameters={"n": 7, "s": "it's\ta\\b\nc", "a": ["x", "y'z"], "d": AT, "z": None, "i": "number"},
    ).first_row
    assert row[:3] == (7, "it's\ta\\b\nc", ["x", "y'z"])
    assert row[4:] == (None, 0)
    assert client.command("SELECT {n:UInt8} + 1", parameters={"n": 1}) == 2


def test_long_parameters_travel_in_a_form(client: Client) -> None:
    ids = [str(number) * 5 for number in range(20_000)]
    assert client.query("SELECT length({ids:Array(String)})", parameters={"ids": ids}).first_row == (20_000,)


def test_settings_apply_to_one_query(client: Client) -> None:
    sql = "SELECT getSetting('max_block_size')"
    assert client.query(sql, settings={"max_block_size": 777}).first_row == (777,)
    assert client.query(sql).first_row != (777,)
    with pytest.raises(DatabaseError, match=r"UNKNOWN_SETTING|Unknown setting"):
        client.raw_query("SELECT 1", settings={"max_block_sizes": 1})


def test_large_results_stream_in_blocks(client: Client) -> None:
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(300000)") as blocks:
        sizes = [len(block) for block in blocks]
    assert sum(sizes) == 300_000
    assert len(sizes) > 1
    with client.query_rows_stream("SELECT number FROM numbers(200000)") as rows:
        assert sum(row[0] for row in rows) == sum(range(200_000))
    with client.raw_stream("SELECT number FROM numbers(200000)", fmt="CSV") as raw:
        assert len(raw.read().split()) == 200_000


def test_frames_and_arrow_tables_are_filled(client: Client) -> None:
    frame = client.query_df("SELECT number AS n, toString(number) AS s FROM numbers(1000)")
    assert list(frame.columns) == ["n", "s"]
    assert int(frame["n"].sum()) == sum(range(1000))
    assert client.query_arrow("SELECT number AS n FROM numbers(10)").num_rows == 10
    assert client.query_df("SELECT number FROM numbers(1) WHERE 0").empty
    assert client.query("SELECT number FROM numbers(1) WHERE 0").result_rows == []
    assert client.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")


def test_frames_can_be_inserted(client: Client, table: str) -> None:
    frame = client.query_df("SELECT number AS id, 'f' AS name FROM numbers(100)")
    client.insert_df(table, frame)
    assert client.command(f"SELECT count() FROM {table} WHERE name = 'f'") == 100


def test_errors_carry_clickhouse_codes(client: Client) -> None:
    for sql, code, name in (
        ("SELECT * FROM nothing_there", 60, "UNKNOWN_TABLE"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT no_such_function(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT throwIf(1, 'boom')", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT * FROM file('x')", 497, "ACCESS_DENIED"),
    ):
        with pytest.raises(DatabaseError) as caught:
            client.query(sql)
        assert (caught.value.code, caught.value.name) == (code, name)
    with pytest.raises(DatabaseError) as wrong_password:
        clickhouse_connect.get_client(
            host=client.uri.split("//")[1].split(":")[0], port=int(client.uri.rsplit(":", 1)[1]), password="no"
        )
    assert wrong_password.value.code == 516


def test_an_error_in_mid_stream_reaches_the_reader(client: Client) -> None:
    sql = "SELECT number, throwIf(number = 400000, 'boom in mid-stream') FROM numbers(1000000)"
    with pytest.raises(StreamFailureError, match="boom in mid-stream"), client.query_row_block_stream(sql) as blocks:
        for _ in blocks:
            pass


def test_external_tables_can_be_sent_along(client: Client) -> None:
    data = ExternalData(data=b"1,one\n2,two\n", file_name="words.csv", fmt="CSV", structure="n UInt8, word String")
    rows = client.query(
        "SELECT word FROM words JOIN numbers(3) AS m ON words.n = m.number ORDER BY n", external_data=data
    ).result_rows
    assert rows == [("one",), ("two",)]
    evil = ExternalData(data=b"1\n", file_name="x.csv", fmt="CSV", structure="a String) ENGINE = File('CSV', '/x') --")
    with pytest.raises(DatabaseError):
        client.query("SELECT * FROM x", external_data=evil)


def test_a_session_keeps_settings_database_and_temporary_tables(door: Door) -> None:
    with clickhouse_connect.get_client(**arguments(door), session_id=str(uuid.uuid4())) as client:
        client.command("CREATE TEMPORARY TABLE scratch (a UInt8)")
        client.insert("scratch", [[1], [2]], column_names=["a"])
        assert client.query("SELECT sum(a) FROM scratch").first_row == (3,)
        client.command("SET max_block_size = 555")
        assert client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 666}).first_row == (666,)
        assert client.query("SELECT getSetting('max_block_size')").first_row == (555,)
    with clickhouse_connect.get_client(**arguments(door)) as other, pytest.raises(DatabaseError, match="scratch"):
        other.query("SELECT * FROM scratch")


def test_ping_version_and_timezone(client: Client) -> None:
    assert client.ping()
    assert client.server_version.startswith("26.")
    assert str(client.server_tz) == "UTC"
    assert client.min_version("25.8")


async def test_the_async_client_does_the_same(async_client: AsyncClient, table: str) -> None:
    assert await async_client.ping()
    await async_client.insert(table, ROWS, column_names=NAMES)
    result = await async_client.query(f"SELECT * FROM {table} ORDER BY id")
    assert in_utc(result.result_rows) == ROWS
    lines = b'{"id":1000}\n' * 10
    await async_client.raw_insert(table, ["id"], gzip.compress(lines), fmt="JSONEachRow", compression="gzip")
    assert await async_client.command(f"SELECT count() FROM {table}") == 510
    ids = [str(number) * 5 for number in range(5000)]
    assert (await async_client.query("SELECT length({ids:Array(String)})", parameters={"ids": ids})).first_row == (
        5000,
    )
    counted = 0
    async with await async_client.query_row_block_stream("SELECT number FROM numbers(300000)") as blocks:
        async for block in blocks:
            counted += len(block)
    assert counted == 300_000
    with pytest.raises(DatabaseError) as caught:
        await async_client.query("SELECT * FROM nothing_there")
    assert caught.value.code == 60


async def test_async_queries_run_at_the_same_time(async_client: AsyncClient) -> None:
    results = await asyncio.gather(*(async_client.query("SELECT sleep(0.3)") for _ in range(8)))
    assert [result.first_row for result in results] == [(0,)] * 8


async def test_an_error_in_mid_stream_reaches_the_async_reader(async_client: AsyncClient) -> None:
    sql = "SELECT number, throwIf(number = 400000, 'boom in mid-stream') FROM numbers(1000000)"

    async def read() -> None:
        async with await async_client.query_row_block_stream(sql) as blocks:
            async for _ in blocks:
                pass

    with pytest.raises((StreamFailureError, OperationalError), match="boom in mid-stream"):
        await read()


def test_an_analyst_connects_and_reads(engine: EngineProcess, table: str) -> None:
    analyst = Door(engine.analyst_url)
    with clickhouse_connect.get_client(**arguments(analyst)) as client:
        assert client.query(f"SELECT count() FROM {table}", settings={"max_threads": 1}).first_row == (0,)
        with pytest.raises(DatabaseError, match="READONLY"):
            client.insert(table, ROWS, column_names=NAMES)
