"""What a write key is good for: its pages, its names, its doors, its time; and what every answer carries."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.app import RunningCollector
from parcours_collector.errors import OperatorError
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.source import Source, SourceKind
from parcours_collector.settings import HttpSettings
from tests.events import event
from tests.test_admission import add, collector

PAGE = "https://shop.example"


@dataclass
class Web:
    running: RunningCollector
    session: aiohttp.ClientSession
    data: Path

    async def send(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, Any, Any]:
        async with self.session.request(
            method, f"{self.running.endpoint}{path}", headers=headers, data=None if body is None else orjson.dumps(body)
        ) as response:
            text = await response.read()
            try:
                answer = orjson.loads(text) if text else None
            except orjson.JSONDecodeError:
                answer = text
            return response.status, answer, response.headers

    async def post(self, write_key: str, *events: Any, **headers: str) -> tuple[int, Any, Any]:
        sent = {"Authorization": f"Bearer {write_key}", "Content-Type": "application/json", **headers}
        return await self.send("POST", "/v1/touchpoints", sent, list(events) or [event()])


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with collector(tmp_path) as running, aiohttp.ClientSession() as session:
        yield Web(running, session, tmp_path)


async def test_a_page_of_a_registered_origin_may_post_and_read_the_answer(web: Web) -> None:
    write_key = add(web.data, "page", SourceKind.BROWSER, origins=[PAGE, "https://*.shop.example"])
    for origin in (PAGE, "https://fr.shop.example"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        status, _, headers = await web.send("OPTIONS", "/v1/touchpoints", asked)
        assert (status, headers["Access-Control-Allow-Origin"]) == (204, origin)
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
        status, receipt, headers = await web.post(write_key, Origin=origin)
        assert (status, receipt["accepted"]) == (200, 1)
        assert headers["Access-Control-Allow-Origin"] == origin
        assert headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://shop.example:444",
        "null",
    ],
)
async def test_a_page_of_any_other_origin_may_not(web: Web, origin: str) -> None:
    write_key = add(web.data, "page", SourceKind.BROWSER, origins=[PAGE])
    status, _, headers = await web.send("OPTIONS", "/v1/touchpoints", {"Origin": origin})
    assert "Access-Control-Allow-Origin" not in headers
    status, answer, headers = await web.post(write_key, Origin=origin)
    assert (status, answer["error"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_browsers_key_without_an_origin_and_a_secret_key_from_a_page_are_refused(web: Web) -> None:
    page, secret = add(web.data, "page", SourceKind.BROWSER, origins=[PAGE]), add(web.data, "server")
    assert (await web.post(page))[0] == 403
    status, answer, _ = await web.post(secret, Origin=PAGE)
    assert (status, answer["error"]) == (403, "forbidden")
    assert "rotate" in answer["hint"].lower()


async def test_a_beacon_carries_a_public_key_in_the_address_and_a_secret_one_never(web: Web) -> None:
    page, secret = add(web.data, "page", SourceKind.BROWSER, origins=[PAGE]), add(web.data, "server")
    beacon = {"Origin": PAGE, "Content-Type": "text/plain"}
    status, receipt, _ = await web.send("POST", f"/v1/touchpoints?write_key={page}", beacon, [event()])
    assert (status, receipt["accepted"]) == (200, 1)
    status, answer, _ = await web.send("POST", f"/v1/touchpoints?write_key={secret}", {}, [event()])
    assert (status, answer["error"]) == (401, "unauthorized")


async def test_a_key_is_good_for_the_names_it_was_given_event_by_event(web: Web) -> None:
    write_key = add(web.data, "page", names=["product_*", "page_viewed"])
    refused = event(name="order_completed", properties={"order_id": "o1", "revenue": "1", "currency": "EUR"})
    status, receipt, _ = await web.post(write_key, event(), refused)
    assert (status, receipt["accepted"]) == (200, 1)
    (one,) = receipt["rejected"]
    assert (one["index"], one["code"], one["path"]) == (1, "not_allowed", "/name")


async def test_a_rotated_key_and_its_successor_are_both_good_until_the_grace_is_over(web: Web) -> None:
    old = add(web.data, "till", SourceKind.STORE)
    file = web.data / "registry.json"
    registry, new = Registry.read(file).with_new_key("till", timedelta(hours=1))
    registry.write(file)
    assert (await web.post(old))[0] == (await web.post(new))[0] == 200
    assert {source.kind for source in registry.sources} == {SourceKind.STORE}
    registry, newest = Registry.read(file).with_new_key("till", timedelta(0))
    registry.write(file)
    assert [(await web.post(key))[0] for key in (old, new, newest)] == [401, 401, 200]
    Registry.read(file).without_source("till").write(file)
    assert (await web.post(newest))[0] == 401


async def test_a_page_has_one_door(web: Web) -> None:
    page = add(web.data, "page", SourceKind.BROWSER, origins=[PAGE])
    headers = {"Authorization": f"Bearer {page}", "Origin": PAGE, "Content-Type": "application/json"}
    assert (await web.send("POST", "/v1/dead-letters", headers, []))[0] == 403


async def test_metrics_are_open_to_a_token_and_never_to_a_write_key(tmp_path: Path) -> None:
    write_key = add(tmp_path, "server")
    async with (
        collector(tmp_path, http=HttpSettings(metrics_token="observer")) as running,
        aiohttp.ClientSession() as session,
    ):
        for token, status in (("observer", 200), (write_key, 403), ("", 403)):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with session.get(f"{running.endpoint}/metrics", headers=headers) as response:
                assert response.status == status


async def test_every_answer_is_hardened_and_names_no_software(web: Web) -> None:
    for method, path in (("GET", "/livez"), ("GET", "/nothing"), ("POST", "/v1/touchpoints"), ("DELETE", "/readyz")):
        _, _, headers = await web.send(method, path, {})
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in headers


async def test_no_key_and_no_payload_is_in_a_log_or_a_metric(web: Web, capfd: pytest.CaptureFixture[str]) -> None:
    page = add(web.data, "page", SourceKind.BROWSER, origins=[PAGE])
    secret = add(web.data, "server")
    canary = "canary-7f3a"
    wrong = event(name="product_viewed", properties={"product_id": 7, "name": canary})
    wrong["context"] = {"url": f"https://shop.example/?q={canary}"}
    await web.post(secret, wrong, {"id": canary}, canary)
    await web.post(secret, wrong, Origin=PAGE)
    await web.send("POST", f"/v1/touchpoints?write_key={page}&{canary}=1", {"Origin": PAGE}, [wrong])
    await web.send("POST", f"/v1/touchpoints?write_key={secret}", {}, [wrong])
    await web.post(f"pwk_{canary}", wrong)
    await web.send("GET", f"/{canary}", {})
    async with web.session.get(f"{web.running.endpoint}/metrics") as response:
        metrics = await response.text()
    await asyncio.sleep(0)
    said = "".join(capfd.readouterr()) + metrics
    for hidden in (canary, page, secret):
        assert hidden not in said
    files = b"".join(file.read_bytes() for file in web.data.rglob("*") if file.is_file())
    assert page.encode() not in files
    assert secret.encode() not in files


@pytest.mark.parametrize(
    ("kind", "origins"),
    [
        (SourceKind.BROWSER, ()),
        (SourceKind.SERVER, (PAGE,)),
        (SourceKind.BROWSER, ("shop.example",)),
        (SourceKind.BROWSER, ("https://shop.example/",)),
        (SourceKind.BROWSER, ("*",)),
        (SourceKind.BROWSER, ("https://user@shop.example",)),
    ],
)
def test_a_source_that_would_be_open_to_everybody_cannot_be_made(
    tmp_path: Path, kind: SourceKind, origins: tuple[str, ...]
) -> None:
    with pytest.raises(OperatorError):
        add(tmp_path, "page", kind, origins=origins)


@given(origin=st.text(max_size=60))
def test_no_text_as_an_origin_raises_or_is_let_in_by_mistake(origin: str) -> None:
    row = {"name": "p", "project": "p", "key_sha256": "", "created_at": "2026-01-01T00:00:00+00:00", "revoked_at": None}
    source = Source.of_row({**row, "kind": "browser", "origins": [PAGE, "https://*.shop.example"]})
    if source.admits_origin(origin):
        assert origin.lower().rstrip(":").endswith(("//shop.example", ".shop.example"))
