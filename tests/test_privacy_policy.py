"""What a person's choice leaves: kept, kept without who, or not kept at all, and the answer says so."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from parcours_collector.app import running_collector
from parcours_collector.intake.privacy import Policy
from parcours_collector.settings import PrivacySettings, Settings
from tests.events import event
from tests.running import add_source

NOBODY = "http://nobody:nothing@127.0.0.1:9"
CANARY = "canary-9d1e"
PERSON: dict[str, Any] = {
    "ids": {"anonymous_id": CANARY},
    "context": {
        "url": f"https://shop.example/tv?session={CANARY}&gclid={CANARY}",
        "referrer": f"https://www.google.com/search?q={CANARY}",
        "ip": "203.0.113.77",
        "user_agent": f"Mozilla/5.0 {CANARY}",
        "locale": "fr-FR",
    },
}


async def sent(
    tmp_path: Path, *events: Any, gpc: bool = False, body: bytes = b"", door: str = "touchpoints", **privacy: Any
) -> tuple[dict[str, Any], bytes]:
    """The receipt of a batch, or of a body as it stands, and everything that the collector has written of it."""
    sender = add_source(tmp_path, "shop-web", "shop")
    settings = Settings(
        data=tmp_path,
        port=0,
        clickhouse_url=SecretStr(NOBODY),
        shutdown_seconds=0,
        privacy=PrivacySettings(**privacy),
    )
    async with running_collector(settings) as running, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {sender.write_key}", "Content-Type": "application/json"}
        headers |= {"Sec-GPC": "1"} if gpc else {}
        url = f"{running.endpoint}/v1/{door}"
        async with session.post(url, data=body or orjson.dumps(list(events)), headers=headers) as response:
            receipt = await response.json()
    files = [path for path in (tmp_path / "wal").rglob("*") if path.is_file()]
    return receipt, b"".join(await asyncio.gather(*(asyncio.to_thread(path.read_bytes) for path in files)))


def refusing(**fields: Any) -> dict[str, Any]:
    return event(**PERSON, consent={"analytics": False}, **fields)


async def test_who_has_refused_is_counted_without_being_anybody(tmp_path: Path) -> None:
    receipt, kept = await sent(tmp_path, refusing())
    assert (receipt["accepted"], receipt["rejected"]) == (1, [])
    assert b"product_viewed" in kept
    assert b"https://shop.example/tv" in kept
    for hidden in (CANARY.encode(), b"203.0.113", b"fr-FR", b"Mozilla"):
        assert hidden not in kept


async def test_where_a_refusal_drops_nothing_is_kept_and_the_answer_says_so(tmp_path: Path) -> None:
    wrong = refusing(properties={"product_id": 7, "name": CANARY})
    receipt, kept = await sent(tmp_path, refusing(), event(), wrong, on_refusal="drop")
    assert (receipt["accepted"], receipt["duplicate"]) == (1, 0)
    assert [(one["index"], one["code"]) for one in receipt["rejected"]] == [
        (0, "consent_withheld"),
        (2, "schema_violation"),
    ]
    assert CANARY.encode() not in kept
    assert kept.count(b"product_viewed") == 1


@pytest.mark.parametrize("in_header", [True, False])
async def test_global_privacy_control_is_a_refusal(tmp_path: Path, in_header: bool) -> None:
    said = event(**PERSON, consent={"analytics": True})
    if not in_header:
        said["context"] = said["context"] | {"gpc": True}
    receipt, kept = await sent(tmp_path, said, gpc=in_header)
    assert receipt["accepted"] == 1
    assert CANARY.encode() not in kept


async def test_where_consent_is_required_saying_nothing_is_a_refusal(tmp_path: Path) -> None:
    receipt, kept = await sent(tmp_path, event(**PERSON), consent_required=True)
    assert receipt["accepted"] == 1
    assert CANARY.encode() not in kept


async def test_a_consent_that_cannot_be_read_is_a_no_for_the_dead_letter_too(tmp_path: Path) -> None:
    receipt, kept = await sent(tmp_path, event(**PERSON, consent="certainly"))
    assert receipt["rejected"][0]["code"] == "invalid_envelope"
    assert b"invalid_envelope" in kept
    assert CANARY.encode() not in kept


_BROKEN_EVENT = orjson.dumps(event(**PERSON, properties={"product_id": "tv-55"})).replace(b'"tv-55"', b"NaN")
_BROKEN_NOES = [
    b'{"consent":{"analytics":false},',
    b'{"consent":{"analytics":"perhaps"},',
    b'{"consent":"never",',
    b'{"context":{"gpc":true},',
    b'{"context":{"gpc":"1"},',
    rb'{"\u0063onsent":{"analytics":false},',
    b"{'consent': {'analytics': False},",
]


@pytest.mark.parametrize("no", _BROKEN_NOES)
async def test_of_what_is_not_json_and_says_a_no_only_the_reason_is_kept(tmp_path: Path, no: bytes) -> None:
    receipt, kept = await sent(tmp_path, body=b"[" + no + _BROKEN_EVENT[1:] + b"]")
    assert [one["code"] for one in receipt["rejected"]] == ["invalid_json"]
    assert b"invalid_json" in kept
    for hidden in (CANARY.encode(), b"203.0.113", b"Mozilla"):
        assert hidden not in kept


async def test_of_what_is_not_json_under_global_privacy_control_only_the_reason_is_kept(tmp_path: Path) -> None:
    receipt, kept = await sent(tmp_path, body=b"[" + _BROKEN_EVENT + b",[" + _BROKEN_EVENT + b"]]", gpc=True)
    assert [one["code"] for one in receipt["rejected"]] == ["invalid_json", "invalid_json"]
    assert kept.count(b"invalid_json") == 2
    assert CANARY.encode() not in kept


async def test_of_what_is_not_json_and_says_a_yes_all_but_address_and_browser_is_kept(tmp_path: Path) -> None:
    broken = b'[{"consent":{"analytics":true},' + _BROKEN_EVENT[1:] + b"]"
    _, kept = await sent(tmp_path, body=broken.replace(b"Mozilla", b'An \\"odd\\" Mozilla'))
    assert CANARY.encode() in kept
    assert b"203.0.113.0" in kept
    assert b"203.0.113.77" not in kept
    assert b"Mozilla" not in kept


@pytest.mark.parametrize(
    "wrong",
    [
        event(**PERSON, properties={"product_id": 7}),
        event(ids=PERSON["ids"], context=[PERSON["context"]]),
        [event(**PERSON)],
    ],
)
async def test_a_dead_letter_keeps_as_little_of_address_and_browser_as_a_touchpoint(
    tmp_path: Path, wrong: object
) -> None:
    _, kept = await sent(tmp_path, wrong)
    assert CANARY.encode() in kept
    assert b"203.0.113.0" in kept
    assert b"203.0.113.77" not in kept
    assert b"Mozilla" not in kept


async def test_a_dead_letter_full_of_addresses_and_browsers_holds_nobody_up(tmp_path: Path) -> None:
    many = [{"user_agent": f"Mozilla/5.0 {CANARY} {number}", "ip": "203.0.113.77"} for number in range(4_000)]
    began = time.monotonic()
    _, kept = await sent(tmp_path, letter(many), letter(orjson.dumps(many).decode()), door="dead-letters")
    assert time.monotonic() - began < 5
    assert kept.count(b"no time") == 2
    assert b"Mozilla" not in kept
    assert b"203.0.113.77" not in kept


@pytest.mark.parametrize("gpc", ["1", 1, "yes", {}, [True], 0])
@pytest.mark.parametrize("properties", [{"product_id": "tv-55"}, {"product_id": 7}])
async def test_a_privacy_control_that_cannot_be_read_is_a_no(
    tmp_path: Path, gpc: object, properties: dict[str, Any]
) -> None:
    said = event(ids=PERSON["ids"], context=PERSON["context"] | {"gpc": gpc}, properties=properties)
    _, kept = await sent(tmp_path, said)
    assert b"product_viewed" in kept
    assert CANARY.encode() not in kept


async def test_who_said_no_leaves_nothing_in_a_dead_letter_under_another_name(tmp_path: Path) -> None:
    _, kept = await sent(tmp_path, refusing(identifiers=PERSON["ids"]))
    assert b"invalid_envelope" in kept
    assert CANARY.encode() not in kept


def letter(payload: object) -> dict[str, object]:
    return {"payload": payload, "code": "unmapped_row", "path": "", "detail": "no time", "line": 3, "event_id": CANARY}


@pytest.mark.parametrize(
    "payload",
    [
        {**PERSON, "consent": {"analytics": False}},
        {"event": {**PERSON, "consent": {"analytics": False}}},
        f'{{"ids":{{"user_id":"{CANARY}"}},"consent":{{"analytics":false}}',
        {**PERSON, "context": {"gpc": True}},
    ],
)
async def test_a_no_holds_at_the_door_of_dead_letters_too(tmp_path: Path, payload: object) -> None:
    receipt, kept = await sent(tmp_path, letter(payload), door="dead-letters")
    assert receipt == {"kept": 1, "rejected": []}
    assert b"no time" in kept
    assert CANARY.encode() not in kept


async def test_letters_under_a_refusal_are_not_kept_where_it_drops_and_told_apart_where_it_does_not(
    tmp_path: Path,
) -> None:
    receipt, kept = await sent(tmp_path, letter({"a": CANARY}), door="dead-letters", gpc=True, on_gpc="drop")
    assert [one["code"] for one in receipt["rejected"]] == ["consent_withheld"]
    assert b"no time" not in kept
    twice = [letter({"a": CANARY}), letter({"b": CANARY})]
    _, kept = await sent(tmp_path / "other", *twice, *twice, door="dead-letters", gpc=True)
    ids = re.findall(rb'"id":"([^"]+)"', kept)
    assert (len(ids), len(set(ids))) == (4, 2)


async def test_of_an_address_and_a_browser_little_is_kept_even_with_consent(tmp_path: Path) -> None:
    _, kept = await sent(tmp_path, event(**PERSON, consent={"analytics": True}))
    assert CANARY.encode() in kept
    assert b"203.0.113.0" in kept
    assert b"203.0.113.77" not in kept
    assert b"Mozilla" not in kept


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("nonsense", None),
        (7, None),
    ],
)
def test_an_address_is_truncated_and_what_is_none_is_left_out(address: object, kept: str | None) -> None:
    row = {"context": {"ip": address}, "ids": {}, "enrichment": {}}
    Policy(PrivacySettings()).apply(row, "keep")
    assert row["context"].get("ip") == kept


_BROKEN = (
    "https://shop.example:abc/p",
    "http://a:99999/x",
    "http://[::1/x",
    "//:-1",
    "fe80::1%eth0",
    "",
    7,
    None,
    ["x"],
)
_PLACES = ("url", "referrer", "ip", "user_agent", "campaign")


async def test_whatever_stands_where_an_address_should_costs_its_batch_nothing(tmp_path: Path) -> None:
    contexts = [{place: broken} for place in _PLACES for broken in _BROKEN]
    saying_no = [event(context=context, consent={"analytics": False}) for context in contexts]
    saying_nothing = [event(context=context) for context in contexts]
    receipt, _ = await sent(tmp_path, *saying_no, *saying_nothing)
    assert receipt["accepted"] + len(receipt["rejected"]) == 2 * len(contexts)
    assert receipt["accepted"] > len(contexts)


_ADDRESSES = st.builds(
    "{}//{}:{}/{}".format, st.sampled_from(["https:", ""]), *[st.text(st.sampled_from("a0@[]:.?#"), max_size=8)] * 3
)


@given(url=st.one_of(st.text(max_size=80), _ADDRESSES), referrer=st.one_of(st.text(max_size=80), st.integers()))
def test_no_query_is_left_of_an_anonymised_page(url: str, referrer: object) -> None:
    row = {"context": {"url": url, "referrer": referrer}, "ids": {"user_id": ["u"]}, "enrichment": {}}
    Policy(PrivacySettings()).apply(row, "anonymise")
    assert row["ids"] == {}
    for kept in row["context"].values():
        assert "?" not in kept
        assert "#" not in kept
        assert "@" not in kept.split("/")[2] if kept.count("/") > 1 else True
