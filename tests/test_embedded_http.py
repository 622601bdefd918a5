"""The HTTP interface by hand: names, headers, statuses, compression, sessions, and what the door refuses."""

import base64
import gzip
import http.client
import json
import socket
import threading
import time
import zlib

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.warehouse.embedded import formats
from parcours_collector.warehouse.embedded.compression import ENCODINGS, Decompressor, accepted, compressor
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.guard.split import split_insert
from parcours_collector.warehouse.embedded.process import EngineProcess
from tests.embedded_fixtures import Door, door, engine

__all__ = ["door", "engine"]

PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress, "zstd": zstd.decompress, "lz4": lz4.frame.decompress}


def wait_until_gone(door: Door, query_id: str, seconds: float = 15.0) -> None:
    """Wait for the engine to have no query of this id."""
    deadline = time.monotonic() + seconds
    sql = "SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], {id:String})"
    while door.rows(sql, param_id=query_id) != ["0"]:
        assert time.monotonic() < deadline, f"query {query_id} still runs"
        time.sleep(0.05)


def wait_until_running(door: Door, query_id: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    sql = "SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], {id:String})"
    while door.rows(sql, param_id=query_id) == ["0"]:
        assert time.monotonic() < deadline, f"query {query_id} never ran"
        time.sleep(0.05)


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
    wait_until_running(door, "slow")
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


@pytest.mark.parametrize("finish", ["close", "reset"])
def test_a_client_that_goes_away_has_its_query_killed(door: Door, finish: str) -> None:
    for number, sql in enumerate(
        (
            "SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1",
            "SELECT number FROM numbers(1000000000000)",
            "SELECT count() FROM numbers(1000000000000) FORMAT JSON",
        )
    ):
        query_id = f"gone-{finish}-{number}"
        connection = socket.create_connection((door.host, door.port))
        body = sql.encode()
        head = (
            f"POST /?query_id={query_id} HTTP/1.1\r\nHost: localhost\r\n"
            f"X-ClickHouse-Key: {door.password}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        wait_until_running(door, query_id)
        if finish == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
        wait_until_gone(door, query_id)


def test_an_insert_whose_client_goes_away_leaves_nothing(door: Door) -> None:
    door.ask("CREATE TABLE half (n UInt64) ENGINE = MergeTree ORDER BY n")
    connection = socket.create_connection((door.host, door.port))
    connection.sendall(
        f"POST /?query_id=half HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-Key: {door.password}\r\n"
        f"Content-Length: 9999999\r\n\r\nINSERT INTO half FORMAT CSV\n".encode()
    )
    connection.sendall(b"1\n" * 1_000_000)
    wait_until_running(door, "half")
    connection.close()
    wait_until_gone(door, "half")
    assert door.rows("SELECT count() FROM half") == ["0"]


def test_a_query_can_be_killed_by_the_id_its_client_gave(door: Door) -> None:
    answers = []
    sql = "SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1"
    running = threading.Thread(target=lambda: answers.append(door.ask(sql, query_id="kill-me")))
    running.start()
    wait_until_running(door, "kill-me")
    assert door.ask("KILL QUERY WHERE query_id = 'kill-me' ASYNC").status == 200
    running.join(20)
    assert (answers[0].status, answers[0].code) == (500, 394)


def test_a_slow_reader_holds_the_query_back(door: Door) -> None:
    connection = http.client.HTTPConnection(door.host, door.port, timeout=30)
    sql = "SELECT number, randomPrintableASCII(100) FROM numbers(100000000) FORMAT TSV"
    connection.request("POST", "/?query_id=held-back", sql, {"X-ClickHouse-Key": door.password})
    response = connection.getresponse()
    assert len(response.read(1000)) == 1000
    read = "SELECT max(read_rows) FROM system.processes WHERE startsWith(Settings['log_comment'], 'held-back')"
    before = -1
    while (now := int(door.rows(read)[0])) != before:
        before = now
        time.sleep(0.5)
    assert now < 20_000_000
    connection.close()
    response.close()
    wait_until_gone(door, "held-back")


@given(data=st.lists(st.binary(max_size=200), max_size=5), encoding=st.sampled_from(ENCODINGS), cut=st.integers(1, 40))
def test_what_is_compressed_in_pieces_is_decompressed_in_pieces(data: list[bytes], encoding: str, cut: int) -> None:
    packing = compressor(encoding)
    packed = b"".join(packing.compress(piece) for piece in data) + packing.flush()
    unpacking = Decompressor(encoding)
    out = b"".join(piece for at in range(0, len(packed), cut) for piece in unpacking.feed(packed[at : at + cut]))
    unpacking.finish()
    assert out == b"".join(data)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_comes_out_in_bounded_pieces(encoding: str) -> None:
    bomb = PACK[encoding](bytes(100 << 20))
    assert max(len(piece) for piece in Decompressor(encoding).feed(bomb)) <= 1 << 20


def test_accept_encoding_is_read_as_http_means_it() -> None:
    assert accepted("gzip, deflate") == "gzip"
    assert accepted("zstd;q=0, gzip;q=0.1") == "gzip"
    assert accepted("br, identity") is None
    assert accepted("") is None


@pytest.mark.parametrize(
    ("text", "head", "input_format", "data"),
    [
        (b"INSERT INTO t VALUES (1)", b"INSERT INTO t ", "Values", b"(1)"),
        (b"insert into t(a) values(1)", b"insert into t(a) ", "Values", b"(1)"),
        (b"INSERT INTO values VALUES (1)", b"INSERT INTO values ", "Values", b"(1)"),
        (b"INSERT INTO db.format FORMAT CSV\n1", b"INSERT INTO db.format ", "CSV", b"1"),
        (b"INSERT INTO `FORMAT x` FORMAT CSV  \r\n1", b"INSERT INTO `FORMAT x` ", "CSV", b"1"),
        (
            b"/* VALUES */ INSERT INTO t -- FORMAT\n FORMAT TSV\n\n",
            b"/* VALUES */ INSERT INTO t -- FORMAT\n ",
            "TSV",
            b"\n",
        ),
        (
            b"INSERT INTO t SETTINGS a = 'VALUES' FORMAT Native\n\x00",
            b"INSERT INTO t SETTINGS a = 'VALUES' ",
            "Native",
            b"\x00",
        ),
    ],
)
def test_an_insert_is_cut_where_its_data_begins(text: bytes, head: bytes, input_format: str, data: bytes) -> None:
    cut = split_insert(text)
    assert cut is not None
    assert (cut.head, cut.input_format, text[cut.data_at :]) == (head, input_format, data)


@pytest.mark.parametrize(
    "text",
    [b"SELECT 1", b"INSERT INTO t SELECT 1 FORMAT Null", b"INSERT INTO t", b"", b"INSERT INTO t WITH 1 AS x SELECT x"],
)
def test_an_insert_without_data_is_a_statement(text: bytes) -> None:
    assert split_insert(text) is None


@given(st.text())
def test_any_engine_text_becomes_an_error(text: str) -> None:
    error = EngineError.parse(text)
    assert 400 <= error.http_status < 600
    assert error.text("1").endswith("(version 1)\n")


def test_headers_of_later_blocks_are_cut_by_their_lines() -> None:
    assert formats.without_header("CSVWithNames", b'"a","b\nc"\n1,2\n') == b"1,2\n"
    assert formats.without_header("TSVWithNamesAndTypes", b"a\nUInt8\n1\n") == b"1\n"
    assert formats.without_header("TSV", b"a\n") == b"a\n"


def test_an_engine_serves_a_few_queries_and_answers_the_rest_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = ("--max-concurrent-queries", "2", "--max-memory-bytes", "134217728", "--max-execution-seconds", "3")
    with EngineProcess.start(tmp_path_factory.mktemp("small") / "data", options=options) as small:
        door = Door(small.url)
        greedy = door.ask("SELECT groupArray(number) FROM numbers(100000000)")
        assert (greedy.status, greedy.code) == (500, 241)
        endless = door.ask("SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1")
        assert endless.code == 159
        assert door.ask("SELECT 1", max_execution_time=0).code == 452
        assert door.ask("SELECT 1", max_execution_time=2).status == 200
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(door.ask("SELECT sleep(2)"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        codes = sorted(answer.code for answer in answers)
        assert codes == [0, 0, 202, 202]
        assert {answer.status for answer in answers if answer.code} == {503}
        assert door.ask("SELECT 1").text == "1\n"
