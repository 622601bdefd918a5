"""Queries end when their client goes away, when they are killed, and when they ask for too much."""

import http.client
import socket
import threading
import time

import pytest

from parcours_collector.warehouse.embedded.process import EngineProcess
from tests.embedded_fixtures import Door, door, engine

__all__ = ["door", "engine"]


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
        door.wait_until(query_id, running=True)
        if finish == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
        door.wait_until(query_id, running=False)


def test_an_insert_whose_client_goes_away_leaves_nothing(door: Door) -> None:
    door.ask("CREATE TABLE half (n UInt64) ENGINE = MergeTree ORDER BY n")
    connection = socket.create_connection((door.host, door.port))
    connection.sendall(
        f"POST /?query_id=half HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-Key: {door.password}\r\n"
        f"Content-Length: 9999999\r\n\r\nINSERT INTO half FORMAT CSV\n".encode()
    )
    connection.sendall(b"1\n" * 1_000_000)
    door.wait_until("half", running=True)
    connection.close()
    door.wait_until("half", running=False)
    assert door.rows("SELECT count() FROM half") == ["0"]


def test_a_query_can_be_killed_by_the_id_its_client_gave(door: Door) -> None:
    answers = []
    sql = "SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1"
    running = threading.Thread(target=lambda: answers.append(door.ask(sql, query_id="kill-me")))
    running.start()
    door.wait_until("kill-me", running=True)
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
    door.wait_until("held-back", running=False)


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
