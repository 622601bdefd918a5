"""Who is turned away before a byte of the body is read, and who last: over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil
import pytest
from pydantic import SecretStr

from parcours_collector.app import RunningCollector, running_collector
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.source import SourceKind
from parcours_collector.settings import HttpSettings, Settings, WalSettings
from tests.events import event
from tests.running import CollectorProcess, add_source

NOBODY = "http://nobody:nothing@127.0.0.1:9"


@asynccontextmanager
async def collector(data: Path, **settings: Any) -> AsyncIterator[RunningCollector]:
    given = Settings(data=data, port=0, clickhouse_url=SecretStr(NOBODY), shutdown_seconds=0, **settings)
    async with running_collector(given) as running:
        yield running


def add(data: Path, name: str, kind: SourceKind = SourceKind.SERVER, **options: Any) -> str:
    file = data / "registry.json"
    registry, write_key = Registry.read(file).with_source(name, "shop", kind=kind, **options)
    registry.write(file)
    return write_key


async def post(running: RunningCollector, write_key: str, count: int = 1, **headers: str) -> tuple[int, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{running.endpoint}/v1/touchpoints",
            data=orjson.dumps([event() for _ in range(count)]),
            headers={"Authorization": f"Bearer {write_key}", "Content-Type": "application/json", **headers},
        ) as response,
    ):
        await response.read()
        return response.status, dict(response.headers)


async def asked(running: RunningCollector, head: str, until: Callable[[bytes], bool]) -> bytes:
    """What comes back on a raw connection that sends a head and no body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(head.encode())
    received = b""
    async with asyncio.timeout(20):
        while not until(received):
            chunk = await reader.read(65536)
            if not chunk:
                break
            received += chunk
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return received


def head(write_key: str, *more: str) -> str:
    lines = ("POST /v1/touchpoints HTTP/1.1", "Host: collector", f"Authorization: Bearer {write_key}")
    return "\r\n".join((*lines, "Content-Type: application/json", "Content-Length: 50000", *more, "", ""))


async def test_a_source_over_its_quota_is_told_when_to_come_back_and_no_other_is(tmp_path: Path) -> None:
    bounded, free = add(tmp_path, "app", quota_per_second=1.0), add(tmp_path, "crm", SourceKind.CRM)
    async with collector(tmp_path) as running:
        # A rest of ten seconds may be spent at once, and one request overdraws it.
        assert (await post(running, bounded, 9))[0] == 200
        assert (await post(running, bounded, 30))[0] == 200
        status, headers = await post(running, bounded)
        assert status == 429
        assert 25 <= int(headers["Retry-After"]) <= 31
        assert (await post(running, free, 50))[0] == 200


async def test_who_is_turned_away_sends_no_body(tmp_path: Path) -> None:
    write_key = add(tmp_path, "app", quota_per_second=0.001)
    async with collector(tmp_path) as running:
        assert (await post(running, write_key, 5))[0] == 200
        answer = await asked(running, head(write_key), lambda seen: b"over_quota" in seen)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"Retry-After" in answer
        answer = await asked(running, head(write_key, "Expect: 100-continue"), lambda seen: b"over_quota" in seen)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"100 Continue" not in answer
        answer = await asked(running, head("pwk_nobody", "Expect: 100-continue"), lambda seen: b"}" in seen)
        assert answer.startswith(b"HTTP/1.1 401")


async def test_who_may_send_is_told_to_go_on(tmp_path: Path) -> None:
    write_key = add(tmp_path, "app")
    async with collector(tmp_path) as running:
        answer = await asked(running, head(write_key, "Expect: 100-continue"), lambda seen: b"Continue" in seen)
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


async def test_letters_are_taken_from_the_quota_too(tmp_path: Path) -> None:
    write_key = add(tmp_path, "import", SourceKind.CRM, quota_per_second=1)
    letter = {"payload": {}, "code": "unmapped_row", "path": "", "detail": "no map", "line": 1}
    headers = {"Authorization": f"Bearer {write_key}"}
    async with collector(tmp_path) as running, aiohttp.ClientSession(headers=headers) as session:
        statuses = []
        for _ in range(2):
            async with session.post(f"{running.endpoint}/v1/dead-letters", json=[letter] * 15 + [7] * 15) as response:
                statuses.append(response.status)
        assert statuses == [200, 429]
        assert (await post(running, write_key))[0] == 429


async def test_a_request_that_asks_before_it_sends_is_counted_once(tmp_path: Path) -> None:
    write_key = add(tmp_path, "app")
    async with collector(tmp_path) as running:
        body = orjson.dumps([event()])
        asking = head(write_key, "Expect: 100-continue").replace("50000", str(len(body)))
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(asking.encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(body)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await asked(running, head("pwk_nobody", "Expect: 100-continue"), lambda seen: b"}" in seen)
        async with aiohttp.ClientSession() as session, session.get(f"{running.endpoint}/metrics") as response:
            text = await response.text()
        assert 'parcours_requests_total{status="200"} 1.0' in text
        assert 'parcours_requests_total{status="401"} 1.0' in text
        writer.close()


async def test_as_the_log_fills_pages_stand_back_first_and_tills_last(tmp_path: Path) -> None:
    origin = "https://shop.example"
    page = add(tmp_path, "page", SourceKind.BROWSER, origins=[origin])
    server, till = add(tmp_path, "server"), add(tmp_path, "till", SourceKind.STORE)
    turned_away: list[str] = []
    async with collector(tmp_path, wal=WalSettings(high_water_bytes=1024**2)) as running:
        async with asyncio.timeout(60):
            while len(turned_away) < 3:
                for name, write_key, headers in (
                    ("page", page, {"Origin": origin}),
                    ("server", server, {}),
                    ("till", till, {}),
                ):
                    status, answered = await post(running, write_key, 20, **headers)
                    if status == 503 and name not in turned_away:
                        turned_away.append(name)
                        assert 5 <= int(answered["Retry-After"]) <= 15
        assert turned_away == ["page", "server", "till"]
        async with aiohttp.ClientSession() as session, session.get(f"{running.endpoint}/metrics") as response:
            text = await response.text()
        assert 'parcours_turned_away_total{reason="log_bytes",source="till"}' in text


async def test_a_log_that_waits_for_too_long_takes_no_more(tmp_path: Path) -> None:
    write_key = add(tmp_path, "till", SourceKind.STORE)
    async with collector(tmp_path, wal=WalSettings(high_water_age_seconds=0.2)) as running:
        assert (await post(running, write_key))[0] == 200
        async with asyncio.timeout(20):
            while (await post(running, write_key))[0] != 503:  # noqa: ASYNC110 - only time changes it
                await asyncio.sleep(0.05)


async def test_bodies_under_way_have_a_bounded_memory(tmp_path: Path) -> None:
    write_key = add(tmp_path, "app")
    http = HttpSettings(max_held_bytes=1024**2, max_body_bytes=900_000)
    async with collector(tmp_path, http=http) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(head(write_key).replace("50000", "850000").encode() + b"[")
        await writer.drain()
        async with asyncio.timeout(20):
            # Until the first one is being read, a second of that size is let in and fails for its content.
            while True:
                second = await asked(running, head(write_key).replace("50000", "850000"), lambda seen: b"}" in seen)
                if second.startswith(b"HTTP/1.1 503"):
                    break
        assert b'"busy"' in second
        assert (await post(running, write_key))[0] == 200
        writer.close()
        del reader


async def test_slow_pages_leave_tills_room(tmp_path: Path) -> None:
    origin = "https://shop.example"
    page = add(tmp_path, "page", SourceKind.BROWSER, origins=[origin])
    till = add(tmp_path, "till", SourceKind.STORE)
    slow = head(page, f"Origin: {origin}\r\nContent-Encoding: gzip").encode() + b"1"
    async with (
        collector(tmp_path, http=HttpSettings(max_held_bytes=64 * 1024**2)) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        answers = []
        for _ in range(8):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            stack.callback(writer.close)
            writer.write(slow)
            answers.append(asyncio.ensure_future(reader.read(4096)))
        turned_away: list[bytes] = []
        async with asyncio.timeout(20):
            for answer in asyncio.as_completed(answers):
                turned_away.append(await answer)
                if len(turned_away) == 5:
                    break
        assert all(b'"busy"' in answer for answer in turned_away)
        assert (await post(running, till))[0] == 200


async def test_a_small_body_reserves_what_it_may_inflate_to(tmp_path: Path) -> None:
    till = add(tmp_path, "till", SourceKind.STORE)
    small = head(till, "Content-Encoding: gzip").replace("50000", "500").encode() + b"1"
    async with (
        collector(tmp_path, http=HttpSettings(max_held_bytes=24 * 1024**2)) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", running.port)
            stack.callback(writer.close)
            writer.write(small)
            await writer.drain()
        assert (await post(running, till))[0] == 200


async def test_a_connection_that_sends_no_whole_head_in_time_is_closed(tmp_path: Path) -> None:
    write_key = add(tmp_path, "app")
    async with collector(tmp_path, http=HttpSettings(head_timeout_seconds=0.5)) as running:
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", running.port)
        half, half_writer = await asyncio.open_connection("127.0.0.1", running.port)
        half_writer.write(b"POST /v1/touchpoints HTTP/1.1\r\nHost: collector\r\n")
        whole, whole_writer = await asyncio.open_connection("127.0.0.1", running.port)
        whole_writer.write(head(write_key).encode() + b"[")  # its body has a time of its own
        async with asyncio.timeout(20):
            assert await silent.read() == b""
            assert await half.read() == b""
        whole_writer.write(b" " * 49_998 + b"]")
        async with asyncio.timeout(20):
            assert (await whole.readline()).startswith(b"HTTP/1.1 200")
        for writer in (silent_writer, half_writer, whole_writer):
            writer.close()


async def test_an_idle_connection_is_closed_after_its_time(tmp_path: Path) -> None:
    async with collector(tmp_path, http=HttpSettings(idle_timeout_seconds=1)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: collector\r\n\r\n")
        async with asyncio.timeout(20):
            assert b"alive" in await reader.read()
        writer.close()


async def test_for_a_new_connection_the_one_idle_longest_gives_way_and_never_one_at_work(tmp_path: Path) -> None:
    write_key = add(tmp_path, "app")
    async with collector(tmp_path, http=HttpSettings(max_connections=3)) as running:
        working, working_writer = await asyncio.open_connection("127.0.0.1", running.port)
        working_writer.write(head(write_key, "Expect: 100-continue").encode() + b"[")
        assert (await working.readline()).startswith(b"HTTP/1.1 100")
        working_writer.write(b" ")
        older, older_writer = await asyncio.open_connection("127.0.0.1", running.port)
        older_writer.write(b"GET /livez HTTP/1.1\r\nHost: collector\r\n\r\n")
        assert b"alive" in await older.readuntil(b"}")
        newer, newer_writer = await asyncio.open_connection("127.0.0.1", running.port)
        newer_writer.write(b"GET /livez HTTP/1.1\r\nHost: collector\r\n\r\n")
        assert b"alive" in await newer.readuntil(b"}")
        assert (await post(running, write_key))[0] == 200
        async with asyncio.timeout(20):
            assert await older.read() == b""
        working_writer.write(b" " * 49_997 + b"]")
        async with asyncio.timeout(20):
            await working.readuntil(b"\r\n")
            assert (await working.readline()).startswith(b"HTTP/1.1 200")
        for writer in (working_writer, older_writer, newer_writer):
            writer.close()


def test_connections_leave_files_for_the_log(tmp_path: Path) -> None:
    sender = add_source(tmp_path, "app", "shop")
    quick = {"PARCOURS_STITCHING__INTERVAL_SECONDS": "0", "PARCOURS_SHUTDOWN_SECONDS": "0"}
    with (
        CollectorProcess(tmp_path, NOBODY, environment=quick, most_files=(100, 220)) as running,
        contextlib.ExitStack() as stack,
    ):
        process = psutil.Process(running.pid)
        assert process.rlimit(psutil.RLIMIT_NOFILE) == (220, 220)
        for _ in range(300):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=20))
            connection.sendall(b"POST /v1/touchpoints HTTP/1.1\r\nHost: collector\r\n")
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as till:
            body = orjson.dumps([event()])
            till.sendall(head(sender.write_key).replace("50000", str(len(body))).encode() + body)
            assert till.recv(4096).startswith(b"HTTP/1.1 200")
        assert process.num_fds() < 220 - 64
    assert "Too many open files" not in (tmp_path / "collector.log").read_text()


def test_a_thousand_slow_connections_cost_little_memory(tmp_path: Path) -> None:
    sender = add_source(tmp_path, "app", "shop")
    quick = {"PARCOURS_STITCHING__INTERVAL_SECONDS": "0", "PARCOURS_SHUTDOWN_SECONDS": "0"}
    with CollectorProcess(tmp_path, NOBODY, environment=quick) as running, contextlib.ExitStack() as stack:
        process = psutil.Process(running.pid)
        before = process.memory_info().rss
        slow = head(sender.write_key).replace("50000", "3000000").encode() + b"[" + b" " * 9_000
        for _ in range(1_000):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=20))
            connection.sendall(slow)
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as alive:
            alive.sendall(b"GET /livez HTTP/1.1\r\nHost: collector\r\n\r\n")
            assert b"alive" in alive.recv(4096)
        assert process.memory_info().rss - before < 100 * 1024**2


@pytest.mark.parametrize("quota", [0, -1, float("nan"), float("inf")])
def test_a_quota_is_a_positive_number(tmp_path: Path, quota: float) -> None:
    with pytest.raises(Exception, match="positive"):
        add(tmp_path, "app", quota_per_second=quota)
