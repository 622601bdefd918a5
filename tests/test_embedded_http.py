"""The HTTP interface by hand: names, headers, statuses, compression, sessions, and what the door refuses."""

import base64
import gzip
import http.client
import json
import threading
import time
import zlib

import lz4.frame
import pytest
from backports import zstd

from parcours_collector.warehouse.embedded.compression import ENCODINGS
from tests.embedded_fixtures import Door, door, engine

__all__ = ["door", "engine"]

PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress, "zstd": zstd.decompress, "lz4": lz4.frame.decompress}


def test_the_paths_of_a_server_are_there(door: Door) -> None:
    assert door.ask(path="/ping", method="GET", signed=False).text == "Ok.\n"
    assert door.ask(path="/replicas_status", method="GET", signed=False).text == "Ok.\n"
    assert door.ask(path="/", method="GET", signed=False).text == "Ok.\n"
    assert door.ask(path="/nothing", method="GET", signed=False).status == 404
    assert door.ask("SELECT 1", method="PUT").status == 405


def test_a_statement_may_stand_in_the_url_in_the_body_or_in_both(door: Door) -> None:
    assert door.ask(method="GET", query="SELECT 1").text == "1\n"
    assert door.ask("SELECT 1").text == "1\n"
    assert door.ask("+ 1", query="SELECT 1").text == "2\n"
    assert door.ask("SELECT 1", path="/query").text == "1\n"
    assert door.ask(b"", query="SELECT '" + "x" * 100_000 + "'").text == "x" * 100_000 + "\n"


def test_every_way_to_sign_in_works_and_wrong_passwords_do_not(door: Door) -> None:
    basic = base64.b64encode(f"{door.user}:{door.password}".encode()).decode()
    assert door.ask("SELECT 1", signed=False, user=door.user, password=door.password).text == "1\n"
    assert door.ask("SELECT 1", signed=False, password=door.password).text == "1\n"
    assert door.ask("SELECT 1", signed=False, headers={"Authorization": f"Basic {basic}"}).text == "1\n"
    for headers, params in (
        ({}, {}),
        ({}, {"user": "default", "password": "guess"}),
        ({}, {"user": "analyst", "password": door.password}),
        ({"X-ClickHouse-User": "default"}, {}),
        ({"X-ClickHouse-User": "default", "X-ClickHouse-Key": "é"}, {}),
        ({"Authorization": "Basic !!"}, {}),
        ({"Authorization": "Bearer " + door.password}, {}),
    ):
        answer = door.ask("SELECT 1", signed=False, headers=headers, **params)
        assert (answer.status, answer.code) == (403, 516)
        assert door.password not in answer.text
        said = answer.text.split("DB::Exception: ", 1)[1].split(" (AUTHENTICATION_FAILED)")[0]
        assert ". " not in said
        assert len(said) <= 120


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example.org"},
        {"Host": "rebound.example.org:8123"},
        {"Host": "127.0.0.1.example.org"},
        {"Host": ""},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_web_page_is_not_served_even_with_the_password(door: Door, headers: dict[str, str]) -> None:
    answer = door.ask("SELECT 1", headers=headers)
    assert (answer.status, answer.code) == (403, 497)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:8123", "192.0.2.1:8123"])
def test_addresses_and_localhost_are_served(door: Door, host: str) -> None:
    assert door.ask("SELECT 1", headers={"Host": host}).text == "1\n"


def test_answers_carry_clickhouse_headers(door: Door) -> None:
    answer = door.ask("SELECT number FROM numbers(3) FORMAT JSON", query_id="my-query")
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-query"
    assert answer.headers["X-ClickHouse-Format"] == "JSON"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.summary["result_rows"] == "3"
    assert json.loads(answer.body)["rows"] == 3
    assert len(door.ask("SELECT 1").headers["X-ClickHouse-Query-Id"]) == 36
    assert door.ask("SELECT 1", query_id="with space").code == 36
    assert door.ask("SELECT 1", default_format="JSONEachRow").text == '{"1":1}\n'
    assert door.ask("SELECT 1", headers={"X-ClickHouse-Format": "CSVWithNames"}).text == '"1"\n1\n'
    assert door.ask("SELECT 1 FORMAT CSV", default_format="JSON").text == "1\n"


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC", 400, 62),
        ("SELECT * FROM nothing", 404, 60),
        ("SELECT * FROM nothing.nothing", 404, 81),
        ("SELECT nothing", 404, 47),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT toUInt8('x')", 400, 6),
        ("SELECT 1 SETTINGS nothing = 1", 400, 115),
        ("SELECT {x:UInt8}", 400, 456),
        ("SYSTEM SHUTDOWN", 403, 497),
        ("CREATE USER x", 501, 48),
        ("INSERT INTO nothing FORMAT CSV\n1", 404, 60),
    ],
)
def test_errors_have_the_status_and_text_of_a_server(door: Door, sql: str, status: int, code: int) -> None:
    for hold in (0, 1):
        answer = door.ask(sql, wait_end_of_query=hold)
        assert (answer.status, answer.code) == (status, code), answer.text
        assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
        assert answer.text.count("DB::Exception") == 1
        assert "parseQueryToJSON" not in answer.text
        assert "(version 26." in answer.text


def test_what_is_not_done_here_is_said(door: Door) -> None:
    for params in ({"compress": 1}, {"decompress": 1}, {"role": "x"}, {"framing": "x"}):
        answer = door.ask("SELECT 1", **params)
        assert (answer.status, answer.code) == (501, 48)
    assert door.ask("SELECT 1", session_timeout=99999, session_id="a").code == 374
    assert door.ask("SELECT 1", headers={"Content-Encoding": "br"}).code == 89


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_answers_are_compressed_when_asked_for(door: Door, encoding: str) -> None:
    sql = "SELECT number FROM numbers(100000)"
    plain = door.ask(sql, headers={"Accept-Encoding": encoding})
    packed = door.ask(sql, headers={"Accept-Encoding": f"br, {encoding};q=0.5"}, enable_http_compression=1)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == encoding
    assert len(packed.body) < len(plain.body)
    assert UNPACK[encoding](packed.body) == plain.body


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bodies_are_taken_compressed(door: Door, encoding: str) -> None:
    door.ask("CREATE TABLE IF NOT EXISTS packed (n UInt64) ENGINE = Memory")
    door.ask("TRUNCATE TABLE packed")
    statement = b"INSERT INTO packed FORMAT CSV\n" + b"".join(b"%d\n" % n for n in range(300_000))
    answer = door.ask(PACK[encoding](statement), headers={"Content-Encoding": encoding})
    assert answer.summary["written_rows"] == "300000"
    assert door.rows("SELECT sum(n) FROM packed") == [str(sum(range(300_000)))]
    broken = PACK[encoding](statement)[:-7]
    assert door.ask(broken, headers={"Content-Encoding": encoding}).code == 271
    assert door.ask(b"not packed at all", headers={"Content-Encoding": encoding}).code == 271


def test_an_insert_reports_its_rows_and_refuses_a_bad_one_whole(door: Door) -> None:
    door.ask("CREATE TABLE rows_in (n UInt64) ENGINE = MergeTree ORDER BY n")
    assert door.ask('{"n":1}\n{"n":2}', query="INSERT INTO rows_in FORMAT JSONEachRow").summary["written_rows"] == "2"
    assert door.ask("INSERT INTO rows_in FORMAT JSONEachRow").summary["written_rows"] == "0"
    refused = door.ask('{"n":3}\n{"n":"x"}\n', query="INSERT INTO rows_in FORMAT JSONEachRow")
    assert refused.code == 27
    assert "(at row 2)" in refused.text
    assert door.rows("SELECT groupArray(n) FROM rows_in") == ["[1,2]"]
    assert door.ask("INSERT INTO rows_in SELECT 9").summary["written_rows"] == "1"


def test_deduplication_tokens_are_honoured(door: Door) -> None:
    door.ask(
        "CREATE TABLE once (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10"
    )
    for _ in range(3):
        assert door.ask("1\n", query="INSERT INTO once FORMAT CSV", insert_deduplication_token="a").status == 200
    assert door.ask("1\n", query="INSERT INTO once FORMAT CSV", insert_deduplication_token="b").status == 200
    assert door.rows("SELECT count() FROM once") == ["2"]


def test_an_error_in_mid_stream_is_marked_and_cuts_the_connection(door: Door) -> None:
    connection = http.client.HTTPConnection(door.host, door.port, timeout=30)
    sql = "SELECT throwIf(number = 400000, 'boom'), number FROM numbers(1000000)"
    connection.request("POST", "/", sql, {"X-ClickHouse-Key": door.password})
    response = connection.getresponse()
    assert response.status == 200
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.read()
    tag = response.headers["X-ClickHouse-Exception-Tag"]
    tail = cut.value.partial[-2000:].decode(errors="replace")
    assert f"__exception__\r\n{tag}\r\nCode: 395. DB::Exception: boom" in tail
    assert tail.endswith(f" {tag}\r\n__exception__\r\n")
    connection.close()
    held = door.ask(sql, wait_end_of_query=1)
    assert (held.status, held.code) == (500, 395)


@pytest.mark.parametrize(
    "name",
    [
        "TSV",
        "CSV",
        "CSVWithNames",
        "TSVWithNamesAndTypes",
        "JSONEachRow",
        "JSONCompactEachRowWithNames",
        "JSON",
        "Values",
        "XML",
    ],
)
def test_results_of_many_blocks_are_the_same_as_of_one(door: Door, name: str) -> None:
    columns = "number, concat('a\\n\"', toString(number)) AS `x\ny\"`"
    sql = f"SELECT {columns} FROM numbers(20000) ORDER BY number FORMAT {name}"
    many = door.ask(sql, max_block_size=1000, output_format_write_statistics=0).text
    one = door.ask(sql, max_block_size=100_000, output_format_write_statistics=0).text
    assert many == one
    assert many.count("19999") == 2
    empty = door.ask(f"SELECT 1 AS a WHERE 0 FORMAT {name}").text
    assert ("a" in empty) == ("Names" in name or name in {"JSON", "XML"})


def test_sessions_are_kept_locked_and_forgotten(door: Door) -> None:
    assert door.ask("SELECT 1", session_id="s1", session_check=1).code == 372
    assert door.ask("CREATE TEMPORARY TABLE mine (a UInt8)", session_id="s1").status == 200
    assert door.ask("INSERT INTO mine VALUES (1)", session_id="s1").status == 200
    assert door.rows("SELECT a FROM mine", session_id="s1", session_check=1) == ["1"]
    assert door.ask("SELECT a FROM mine").code == 60
    assert door.ask("SELECT a FROM mine", session_id="s2").code == 60
    assert door.ask("USE system", session_id="s1").status == 200
    assert door.rows("SELECT currentDatabase()", session_id="s1") == ["system"]
    assert door.rows("SELECT currentDatabase()", session_id="s1", database="default") == ["default"]
    assert door.rows("SELECT currentDatabase()", session_id="s1") == ["system"]
    assert door.rows("SELECT 1", session_id="short", session_timeout=0) == ["1"]
    deadline = time.monotonic() + 10
    while door.ask("SELECT 1", session_id="short", session_check=1, session_timeout=0).code != 372:
        assert time.monotonic() < deadline
    slow = threading.Thread(target=door.ask, args=("SELECT sleep(2)",), kwargs={"session_id": "s1", "query_id": "slow"})
    slow.start()
    door.wait_until("slow", running=True)
    assert (locked := door.ask("SELECT 1", session_id="s1")).code == 373, locked.text
    slow.join()


def test_the_database_can_be_named(door: Door) -> None:
    assert door.rows("SELECT currentDatabase()") == ["default"]
    assert door.rows("SELECT currentDatabase()", database="system") == ["system"]
    answer = door.ask("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "system"})
    assert answer.text == "system\n"
    assert door.ask("SELECT 1", database="nothing").code == 81


def test_a_values_list_computes_reviewed_functions_and_maps(door: Door) -> None:
    door.ask("CREATE TABLE listed (a String, m Map(String, UInt8)) ENGINE = Memory")
    assert (
        door.ask("INSERT INTO listed VALUES (upper('x'), {'a': 1}), ('it''s; \"q\"', {}), ('fil(', map())").status
        == 200
    )
    assert door.rows("SELECT a, m['a'] FROM listed ORDER BY a") == ["X\t1", "fil(\t0", 'it\\\'s; "q"\t0']
