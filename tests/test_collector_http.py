"""The collector's doors, asked over HTTP: one outcome an event, one error shape, limits, keys, and nothing in clear."""

import asyncio
import gzip
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from backports import zstd
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from parcours_collector.app import RunningCollector, running_collector
from parcours_collector.intake.registry import Registry
from parcours_collector.settings import HttpSettings, Settings
from tests.events import event
from tests.running import Sender, add_source


@dataclass
class Door:
    """A running collector, a session, and a sender's key."""

    running: RunningCollector
    session: aiohttp.ClientSession
    sender: Sender
    data: Path

    async def post(self, body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Any:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"Authorization": f"Bearer {self.sender.write_key}", "Content-Type": "application/json"} | (
            headers or {}
        )
        async with self.session.post(f"{self.running.endpoint}/v1/touchpoints", data=raw, headers=sent) as response:
            text = await response.read()
            assert response.status == status, text
            self.headers = response.headers
            return orjson.loads(text)

    async def delivered(self, rows: int) -> None:
        async with asyncio.timeout(30):
            while self.running.delivery.counts.rows_delivered < rows:  # noqa: ASYNC110 - counted by another task
                await asyncio.sleep(0.02)

    def files(self) -> bytes:
        """Everything that the collector has written to disk."""
        return b"".join(file.read_bytes() for file in self.data.rglob("*") if file.is_file())


@pytest.fixture
async def door(tmp_path: Path, clickhouse_url: str, project: str) -> AsyncIterator[Door]:
    sender = add_source(tmp_path, "shop-web", project)
    settings = Settings(
        data=tmp_path,
        port=0,
        clickhouse_url=SecretStr(clickhouse_url),
        http=HttpSettings(max_body_bytes=100_000, max_inflated_bytes=200_000, max_batch_events=1000),
    )
    async with running_collector(settings) as running, aiohttp.ClientSession(auto_decompress=True) as session:
        yield Door(running, session, sender, tmp_path)


async def test_a_batch_with_one_bad_event_keeps_the_others(door: Door, clickhouse: Client, project: str) -> None:
    batch = [event() for _ in range(500)]
    batch[17]["properties"]["price"] = "cheap"
    for one in batch:
        del one["occurred_at"]
        one["occurred_at"] = "2026-11-01T10:00:00Z"
    door.running.delivery.counts.rows_delivered = 0
    receipt = await door.post(gzip.compress(orjson.dumps(batch)), headers={"Content-Encoding": "gzip"})
    assert (receipt["accepted"], receipt["duplicate"]) == (499, 0)
    (refused,) = receipt["rejected"]
    assert (refused["index"], refused["id"]) == (17, batch[17]["id"])
    assert (refused["code"], refused["path"]) == ("schema_violation", "/properties/price")
    await door.delivered(500)
    stored = clickhouse.query(
        "SELECT count() FROM touchpoints_resolved WHERE project = {project:String}", parameters={"project": project}
    ).result_rows
    assert stored == [(499,)]
    letters = clickhouse.query(
        "SELECT event_id, event_name, code, path, payload FROM dead_letters FINAL WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert [row[:4] for row in letters] == [
        (batch[17]["id"], "product_viewed", "schema_violation", "/properties/price")
    ]
    assert orjson.loads(letters[0][4]) == batch[17]


def priced(**wrong: Any) -> dict[str, Any]:
    """An event whose properties are wrong in one place."""
    return {"properties": {"product_id": "p", "price": "12", "currency": "EUR"} | wrong}


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"name": "product_veiwed"}, "unknown_touchpoint", "/name"),
        ({"name": "Product Viewed"}, "invalid_name", "/name"),
        (priced(product_id=7), "schema_violation", "/properties/product_id"),
        (priced(price="12 EUR"), "schema_violation", "/properties/price"),
        (priced(currency="EURO"), "schema_violation", "/properties/currency"),
        (priced(currency="XQQ"), "schema_violation", "/properties/currency"),
        ({"schema": "2-0-0"}, "unsupported_version", "/schema"),
        ({"occurred_at": "1970-01-01T00:00:00Z"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "2026-11-01T10:00:00"}, "invalid_time", "/occurred_at"),
        ({"id": "42"}, "invalid_id", "/id"),
        ({"ids": {"anonymous_id": 7}}, "invalid_identifier", "/ids/anonymous_id"),
        ({"ids": {"phone": "0612345678"}}, "invalid_identifier", "/ids/phone"),
        ({"propertys": {}}, "invalid_envelope", "/propertys"),
    ],
)
async def test_what_is_wrong_is_said_with_its_code_and_its_place(
    door: Door, wrong: dict[str, Any], code: str, path: str
) -> None:
    receipt = await door.post([event(**wrong)])
    assert receipt["accepted"] == 0
    assert [(one["code"], one["path"]) for one in receipt["rejected"]] == [(code, path)]
    assert len(receipt["rejected"][0]["detail"]) > 20


async def test_an_array_an_object_and_ndjson_are_read_alike(door: Door) -> None:
    assert (await door.post([event()]))["accepted"] == 1
    assert (await door.post({"sent_at": "2026-11-21T10:00:00.000Z", "touchpoints": [event()]}))["accepted"] == 1
    lines = orjson.dumps(event()) + b"\n{broken\n\n" + orjson.dumps(event()) + b"\n"
    receipt = await door.post(lines, headers={"Content-Type": "application/x-ndjson"})
    assert receipt["accepted"] == 2
    assert [(one["index"], one["code"]) for one in receipt["rejected"]] == [(1, "invalid_json")]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"t":"\\ud83d"}',
        b'{"t":NaN}',
        b'{"t":"\xff"}',
        b'{"t":' + b"[" * 1100 + b"]" * 1100 + b"}",
        b'{"t":1,}',
        b'{"a":"\\"]}, [\\"","t":Infinity}',
    ],
    ids=["half an emoji", "NaN", "not UTF-8", "too deep", "a comma", "brackets in a text"],
)
@pytest.mark.parametrize("wrapped", [False, True])
async def test_one_event_that_is_no_json_costs_no_other_and_is_kept(
    door: Door, clickhouse: Client, project: str, broken: bytes, wrapped: bool
) -> None:
    good = [orjson.dumps(event()) for _ in range(20)]
    body = b"[" + b",".join([*good[:7], broken, *good[7:]]) + b"]"
    if wrapped:
        body = b'{"sent_at":"2026-11-21T10:00:00Z","touchpoints":' + body + b"}"
    receipt = await door.post(body)
    assert receipt["accepted"] == 20
    assert [(one["index"], one["code"]) for one in receipt["rejected"]] == [(7, "invalid_json")]
    await door.delivered(21)
    letters = clickhouse.query(
        "SELECT payload FROM dead_letters FINAL WHERE project = {project:String}", parameters={"project": project}
    ).result_rows
    assert letters == [(broken.decode("utf-8", "replace"),)]


@pytest.mark.parametrize(
    "body", [b'[{"a":"b]', b"[1,", b"[NaN]]", b"{NaN}", b'{"touchpoints":[NaN],"x":1', b"[", b"NaN"]
)
async def test_a_body_whose_brackets_tell_nothing_is_refused_whole(door: Door, body: bytes) -> None:
    assert (await door.post(body, status=400))["error"] == "unreadable"


async def test_gzip_and_zstd_are_read_and_others_refused(door: Door) -> None:
    body = orjson.dumps([event()])
    assert (await door.post(gzip.compress(body), headers={"Content-Encoding": "gzip"}))["accepted"] == 1
    body = orjson.dumps([event()])
    assert (await door.post(zstd.compress(body), headers={"Content-Encoding": "zstd"}))["accepted"] == 1
    assert (await door.post(body, headers={"Content-Encoding": "br"}, status=415))["error"] == "unsupported_encoding"
    assert (await door.post(b"x", headers={"Content-Type": "text/html"}, status=415))["error"] == "unsupported_encoding"
    for cut in (gzip.compress(body)[:-9], b"no gzip at all"):
        answer = await door.post(cut, headers={"Content-Encoding": "gzip"}, status=400)
        assert answer["error"] == "unreadable"


@pytest.mark.parametrize(
    ("line", "header", "status"),
    [
        (b"POST /v1/touchpoints", b"Content-Encoding: \xff", 415),
        (b"POST /v1/touchpoints", b"Content-Encoding: gzip\xed\xa0\x80", 415),
        (b"POST /v1/touchpoints", b"Content-Type: text/\xff", 415),
        (b"POST /v1/touchpoints", b"Origin: https://\xff", 403),
        (b"POST /v1/touchpoints?write_key=%ff", b"X-Nothing: \xff", 200),
        (b"GET /v1/source\xc3", b"X-Nothing: \xff", 400),
        (b"GET /metrics", b"Authorization: \xff", 200),
    ],
)
async def test_bytes_that_are_no_text_in_a_head_are_the_senders_mistake(
    door: Door, line: bytes, header: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.running.port)
    writer.write(
        line
        + b" HTTP/1.1\r\nHost: collector\r\nConnection: close\r\nContent-Length: 2\r\n"
        + (
            b""
            if header.startswith(b"Authorization")
            else b"Authorization: Bearer %b\r\n" % door.sender.write_key.encode()
        )
        + header
        + b"\r\n\r\n[]"
    )
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert answer.split(b" ", 2)[1] == b"%d" % status
    if status in {403, 415}:
        assert set(orjson.loads(answer.split(b"\r\n\r\n", 1)[1])) == {"error", "message", "hint"}


async def test_sizes_are_limited_before_and_after_decompression(door: Door) -> None:
    assert (await door.post(b"[" + b" " * 100_001 + b"]", status=413))["error"] == "too_large"
    for bomb, encoding in ((gzip.compress(b" " * 10_000_000), "gzip"), (zstd.compress(b" " * 10_000_000), "zstd")):
        assert len(bomb) < 100_000
        assert (await door.post(bomb, headers={"Content-Encoding": encoding}, status=413))["error"] == "too_large"
    assert (await door.post([0] * 1001, status=413))["error"] == "too_large"


@pytest.mark.parametrize("body", [b"", b"{", b"7", b'{"touchpoints":7}', b'{"touchpoints":[],"other":1}', b"\xff"])
async def test_a_body_that_is_no_batch_is_unreadable(door: Door, body: bytes) -> None:
    answer = await door.post(body, status=400)
    assert answer["error"] == "unreadable"
    assert answer["hint"]


async def test_a_sent_at_that_is_no_instant_is_said(door: Door) -> None:
    answer = await door.post({"sent_at": "yesterday", "touchpoints": []}, status=400)
    assert "sent_at" in answer["message"]


async def test_a_key_that_is_missing_unknown_or_revoked_is_told_apart(door: Door) -> None:
    for header, said in (("", "no write key"), ("Basic abc", "no write key"), ("Bearer pwk_wrong", "unknown")):
        answer = await door.post([event()], headers={"Authorization": header}, status=401)
        assert said in answer["message"]
        assert "pwk_wrong" not in str(answer)
    file = door.data / "registry.json"
    Registry.read(file).without_source("shop-web").write(file)
    assert "revoked" in (await door.post([event()], status=401))["message"]


async def test_an_id_sent_again_is_a_duplicate_within_and_across_requests(door: Door) -> None:
    one = event()
    assert await door.post([one, one]) == {"accepted": 1, "duplicate": 1, "rejected": []}
    assert await door.post([one]) == {"accepted": 0, "duplicate": 1, "rejected": []}
    assert await door.post([one | {"id": one["id"].upper()}]) == {"accepted": 0, "duplicate": 1, "rejected": []}


async def test_no_clear_email_or_phone_is_on_disk_or_in_clickhouse(
    door: Door, clickhouse: Client, project: str
) -> None:
    canaries = ("canary.person@example.org", "+33611223344")
    email, phone = canaries
    sent = [
        event(ids={"email": f"  {email.upper()} ", "phone": phone}),
        event(ids={"user_id": email}),
        event(context={"url": f"https://shop.example/?mail={email.replace('@', '%40')}"}),
        event(properties={"product_id": "p", "note": f"call {phone} or write {email}", "phone_number": "0611223344"}),
        event(name="nonsense", ids={"email": email, "phone": phone}),
        event(name="nonsense", properties={"text": email}),
    ]
    receipt = await door.post(sent)
    assert (receipt["accepted"], len(receipt["rejected"])) == (4, 2)
    lines = orjson.dumps(event(ids={"email": email}))[:-2] + b"\n"
    assert (await door.post(lines, headers={"Content-Type": "application/x-ndjson"}))["accepted"] == 0
    await door.delivered(7)
    on_disk = door.files().lower()
    stored = b"".join(
        clickhouse.raw_query(
            f"SELECT * FROM {table} WHERE project = {{project:String}} FORMAT JSONEachRow",
            parameters={"project": project},
        )
        for table in ("touchpoints", "dead_letters", "identity_persons")
    ).lower()
    for canary in ("canary.person", "611223344"):
        assert canary.encode() not in on_disk
        assert canary.encode() not in stored
    assert stored.count(b"email_sha256") >= 4
    people = clickhouse.query(
        "SELECT uniqExact(ids['email_sha256']) FROM touchpoints "
        "WHERE project = {project:String} AND mapContains(ids, 'email_sha256')",
        parameters={"project": project},
    ).result_rows
    assert people == [(1,)]


async def test_a_placeholder_identifier_is_accepted_and_marked(door: Door, clickhouse: Client, project: str) -> None:
    await door.post(
        [event(ids={"user_id": "undefined", "anonymous_id": ["a1", "00000000-0000-0000-0000-000000000000"]})]
    )
    await door.delivered(1)
    rows = clickhouse.query(
        "SELECT placeholders, length(identifiers) FROM touchpoints WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows == [(["undefined", "00000000-0000-0000-0000-000000000000"], 1)]


async def test_a_clock_that_is_wrong_by_hours_is_corrected_and_the_original_kept(
    door: Door, clickhouse: Client, project: str
) -> None:
    happened_at = (datetime.now(UTC) - timedelta(hours=5)).replace(microsecond=0)
    sent_at = (happened_at + timedelta(seconds=30)).isoformat()
    await door.post({"sent_at": sent_at, "touchpoints": [event(occurred_at=happened_at.isoformat())]})
    await door.delivered(1)
    rows = clickhouse.query(
        "SELECT toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(occurred_at), client_occurred_at "
        "FROM touchpoints WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows[0][0] == pytest.approx(30_000, abs=2)
    assert rows[0][1] == happened_at


async def test_a_clock_that_is_days_ahead_is_corrected_when_the_sender_says_what_it_shows(
    door: Door, clickhouse: Client, project: str
) -> None:
    ahead = datetime.now(UTC) + timedelta(days=3)
    body = {"sent_at": ahead.isoformat(), "touchpoints": [event(occurred_at=(ahead - timedelta(hours=1)).isoformat())]}
    assert (await door.post(body))["accepted"] == 1
    too_far = datetime.now(UTC) + timedelta(days=8)
    body = {"sent_at": too_far.isoformat(), "touchpoints": [event(occurred_at=too_far.isoformat())]}
    assert (await door.post(body))["rejected"][0]["code"] == "invalid_time"
    await door.delivered(2)
    rows = clickhouse.query(
        "SELECT dateDiff('minute', occurred_at, received_at) FROM touchpoints WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows == [(60,)]


async def test_an_event_that_is_too_large_or_too_deep_is_a_dead_letter_kept_whole(
    door: Door, clickhouse: Client, project: str
) -> None:
    large = event(properties={"product_id": "p", "note": "x" * 66_000})
    assert (await door.post([large]))["rejected"][0]["code"] == "too_large"
    deep = orjson.dumps([event()])[:-2] + b',"context":{"a":' + b"[" * 900 + b"]" * 900 + b"}}]"
    assert (await door.post(deep))["rejected"][0]["code"] == "too_deep"
    await door.delivered(2)
    rows = clickhouse.query(
        "SELECT code, length(payload) FROM dead_letters FINAL WHERE project = {project:String} ORDER BY code",
        parameters={"project": project},
    ).result_rows
    assert rows == [("too_deep", rows[0][1]), ("too_large", len(orjson.dumps(large)))]
    assert rows[0][1] > 1800


async def test_money_has_columns_of_its_own(door: Door, clickhouse: Client, project: str) -> None:
    sale = {"order_id": "o1", "revenue": "19.9900", "currency": "EUR"}
    await door.post([event("order_completed", properties=sale), event()])
    await door.delivered(2)
    rows = clickhouse.query(
        "SELECT name, toString(revenue), currency FROM touchpoints WHERE project = {project:String} ORDER BY name",
        parameters={"project": project},
    ).result_rows
    assert rows == [("order_completed", "19.99", "EUR"), ("product_viewed", None, "")]


async def test_the_health_doors_and_metrics_answer(door: Door) -> None:
    await door.post([event(), event(name="nonsense")])
    for path in ("/livez", "/readyz"):
        async with door.session.get(door.running.endpoint + path) as response:
            assert response.status == 200
    async with door.session.get(door.running.endpoint + "/metrics") as response:
        text = await response.text()
    assert 'parcours_touchpoints_total{outcome="accepted",source="shop-web"} 1.0' in text
    assert 'parcours_rejected_total{code="unknown_touchpoint",source="shop-web"} 1.0' in text
    assert door.sender.write_key not in text
    async with door.session.get(door.running.endpoint + "/v1/touchpoints") as response:
        assert response.status == 405
        assert (await response.json())["error"] == "http_error"


async def test_many_senders_at_once_are_all_answered_for(door: Door, clickhouse: Client, project: str) -> None:
    batches = [[event() for _ in range(20)] for _ in range(40)]
    receipts = await asyncio.gather(*(door.post(batch) for batch in batches))
    assert sum(receipt["accepted"] for receipt in receipts) == 800
    await door.delivered(800)
    rows = clickhouse.query(
        "SELECT count(), uniqExact(id) FROM touchpoints WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows == [(800, 800)]
    assert len({uuid.UUID(one["id"]) for batch in batches for one in batch}) == 800
