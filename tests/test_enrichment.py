"""What is derived from circumstances: each step by itself, and all of it through a real collector into ClickHouse."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from parcours_collector.app import running_collector
from parcours_collector.errors import InvalidSettings
from parcours_collector.intake.enrichment import (
    CLICK_IDS,
    countries,
    read_campaign,
    read_referrer,
    read_user_agent,
    reduced_agent,
)
from parcours_collector.settings import EnrichmentSettings, Settings
from tests.events import event
from tests.running import add_source

PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36"
)
DESK = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def campaign(context: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    read_campaign(context, found)
    return found


def test_a_campaign_is_read_from_the_address_where_the_sender_has_not_said_it() -> None:
    url = "https://shop.example/?utm_source=news&utm_medium=email&utm_campaign=autumn%20sale&x=1"
    assert campaign({"url": url}) == {
        "campaign_source": "news",
        "campaign_medium": "email",
        "campaign_name": "autumn sale",
    }
    assert campaign({"url": url, "campaign": {"source": "said"}}) == {
        "campaign_medium": "email",
        "campaign_name": "autumn sale",
    }
    assert campaign({"url": "https://shop.example/"}) == {}


@pytest.mark.parametrize("parameter", CLICK_IDS)
def test_a_click_id_says_whose_click_it_was(parameter: str) -> None:
    assert campaign({"url": f"https://shop.example/?{parameter}=abc"}) == {
        "click_id": "abc",
        "click_network": CLICK_IDS[parameter],
    }


@pytest.mark.parametrize(
    ("referrer", "kind"),
    [
        ("https://www.google.com/", "search"),
        ("https://www.google.co.uk/search?q=tv", "search"),
        ("https://duckduckgo.com/", "search"),
        ("https://mail.google.com/mail/u/0/", "email"),
        ("https://l.facebook.com/l.php", "social"),
        ("https://t.co/abc", "social"),
        ("https://chatgpt.com/", "assistant"),
        ("https://gemini.google.com/app", "assistant"),
        ("https://blog.shop.example/post", "internal"),
        ("https://www.lemonde.fr/economie", "site"),
        ("https://notgoogle.example/", "site"),
        ("https://google.evil.example/", "site"),
        ("android-app://com.google.android.gm/", "app"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_a_referrer_is_of_one_kind(referrer: str, kind: str) -> None:
    found: dict[str, str] = {}
    read_referrer({"referrer": referrer, "url": "https://www.shop.example/tv"}, found)
    assert found.get("referrer_kind", "") == kind


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (PHONE, {"browser": "Chrome Mobile", "browser_major": "141", "os": "Android", "device": "mobile"}),
        (DESK, {"browser": "Firefox", "browser_major": "142", "os": "Linux", "device": "desktop"}),
        (BOT, {"device": "bot", "bot": "Googlebot"}),
    ],
)
def test_a_user_agent_says_browser_system_and_device_and_a_bot_is_flagged(agent: str, expected: dict[str, str]) -> None:
    found: dict[str, str] = {}
    read_user_agent({"user_agent": agent}, found)
    assert {key: found[key] for key in expected} == expected
    assert ("bot" in found) == ("bot" in expected)


def test_a_reduced_user_agent_tells_few_people_apart() -> None:
    assert reduced_agent(PHONE) == "Chrome Mobile 141 (Android; mobile)"
    assert reduced_agent(PHONE.replace("141.0.0.0", "141.0.7390.54")) == reduced_agent(PHONE)
    assert reduced_agent("") == "Other (Other; desktop)"


@given(
    context=st.fixed_dictionaries(
        {}, optional={key: st.one_of(st.text(), st.integers(), st.none()) for key in ("url", "referrer", "user_agent")}
    )
)
def test_nothing_that_a_sender_says_can_raise(context: dict[str, Any]) -> None:
    found: dict[str, str] = {}
    read_campaign(context, found)
    read_referrer(context, found)
    read_user_agent(context, found)
    assert all(isinstance(value, str) for value in found.values())


def _mmdb() -> bytes:
    """A MaxMind file that knows one network, 203.0.113.0/24, as French: made by hand after the format's description."""

    def text(value: str) -> bytes:
        return bytes([2 << 5 | len(value)]) + value.encode()

    def number(value: int, kind: int, size: int) -> bytes:
        head = bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
        return head + value.to_bytes(size, "big")

    data = bytes([7 << 5 | 1]) + text("country") + bytes([7 << 5 | 1]) + text("iso_code") + text("FR")
    bits = [int(bit) for byte in (203, 0, 113) for bit in f"{byte:08b}"]
    nodes = len(bits)
    tree = b""
    for place, bit in enumerate(bits):
        follow = place + 1 if place + 1 < nodes else nodes + 16
        left, right = (follow, nodes) if bit == 0 else (nodes, follow)
        tree += left.to_bytes(3, "big") + right.to_bytes(3, "big")
    meta = bytes([7 << 5 | 9])
    for key, value in (
        ("node_count", number(nodes, 6, 4)),
        ("record_size", number(24, 5, 2)),
        ("ip_version", number(4, 5, 2)),
        ("binary_format_major_version", number(2, 5, 2)),
        ("binary_format_minor_version", number(0, 5, 2)),
        ("build_epoch", number(1, 9, 8)),
        ("database_type", text("Test")),
        ("languages", bytes([0, 4])),
        ("description", bytes([7 << 5])),
    ):
        meta += text(key) + value
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + meta


def test_a_country_is_looked_up_in_a_maxmind_file(tmp_path: Path) -> None:
    file = tmp_path / "countries.mmdb"
    file.write_bytes(_mmdb())
    country_of = countries(file)
    assert [country_of(address) for address in ("203.0.113.7", "198.51.100.1", "nonsense", "")] == ["FR", "", "", ""]
    assert countries(None)("203.0.113.7") == ""
    file.write_bytes(b"nonsense")
    with pytest.raises(InvalidSettings, match="geoip_file"):
        countries(file)


async def test_what_is_derived_is_in_clickhouse_and_what_was_said_is_unchanged(
    tmp_path: Path, clickhouse_url: str, clickhouse: Client, project: str
) -> None:
    file = tmp_path / "countries.mmdb"
    file.write_bytes(_mmdb())
    sender = add_source(tmp_path, "shop-web", project)
    settings = Settings(
        data=tmp_path,
        port=0,
        clickhouse_url=SecretStr(clickhouse_url),
        enrichment=EnrichmentSettings(geoip_file=file),
    )
    sent = event(
        context={
            "url": "https://shop.example/?utm_source=news&gclid=G1",
            "referrer": "https://www.google.com/",
            "user_agent": BOT,
            "ip": "203.0.113.7",
        }
    )
    async with running_collector(settings) as running, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {sender.write_key}", "Content-Type": "application/json"}
        url = f"{running.endpoint}/v1/touchpoints"
        async with session.post(url, data=orjson.dumps([sent]), headers=headers) as response:
            assert (await response.json())["accepted"] == 1
        async with asyncio.timeout(30):
            while not running.delivery.counts.rows_delivered:  # noqa: ASYNC110 - counted by another task
                await asyncio.sleep(0.02)
    ((enrichment, context),) = clickhouse.query(
        "SELECT enrichment, context FROM touchpoints_resolved WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert enrichment == {
        "campaign_source": "news",
        "click_network": "google",
        "click_id": "G1",
        "referrer_kind": "search",
        "referrer_host": "google.com",
        "browser": "Googlebot",
        "browser_major": "2",
        "device": "bot",
        "bot": "Googlebot",
        "country": "FR",
    }
    kept = orjson.loads(context)
    assert kept["url"] == sent["context"]["url"]
    assert kept["ip"] == "203.0.113.0"
    assert kept["user_agent"].startswith("Googlebot 2 (")
