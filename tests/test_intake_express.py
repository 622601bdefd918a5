"""The express lane: it takes the usual, and what it writes is byte for byte what the full way writes."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from benchmarks.touchpoints import wire_touchpoints
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from parcours_collector.errors import RequestError
from parcours_collector.intake import steps
from parcours_collector.intake.envelopes import read
from parcours_collector.intake.express import Lane, admits
from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.intake import Intake
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.parts import Remembered
from parcours_collector.intake.receipt import Receipt
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.source import Source
from parcours_collector.intake.steps import Circumstances
from parcours_collector.intake.suppression import Suppressions, suppressed_form
from parcours_collector.settings import EnrichmentSettings, HttpSettings, PrivacySettings
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import Position
from parcours_schemas.plan import TrackingPlan

_EXAMPLES = int(os.environ.get("EXPRESS_EXAMPLES", "200"))
_NOW = datetime(2026, 11, 21, 10, 0, 0, 123_000, UTC)
_PLAN = TrackingPlan.from_documents(
    {
        "test_drive.json": orjson.dumps(
            {
                "type": "object",
                "x-parcours": {
                    "name": "test_drive_taken",
                    "stage": "consideration",
                    "need": "decide",
                    "channel": "store",
                    "version": "2-0-1",
                },
                "properties": {"model": {"type": "string"}, "price": {}, "currency": {}},
                "required": ["model"],
            }
        )
    }
)

_SENT_AT = ["10:00:00.5", "09:50:00", "10:30:00"]
_IDS = [f"0199f0a1-0000-7000-8000-{number:012x}" for number in range(12)]
_ODD_IDS = [
    *("0199F0A1-0000-7000-8000-00000000000A", "00000000-0000-0000-0000-000000000000", "no-uuid", 7, None),
    *("0199f0a1-0000-7000-8000-00000000000é", "0199f0a1-0000-7000-8000-00000000000\n"),
]
_NAMES = ["page_viewed", "product_viewed", "order_completed", "identified", "test_drive_taken", "receipt_issued"]
_TIMES = [
    *("2026-11-21T09:59:58Z", "2026-11-21T09:59:58.120Z", "2026-11-21T09:59:58.120456Z", "2026-11-21T09:00:00.000000Z"),
    *("2026-11-21T09:59:58.000Z", "2026-11-21T09:59:58.120+00:00", "2024-02-29T23:59:59.999999Z"),
]
_ODD_TIMES = [
    *(
        "2026-11-21T09:59:58+02:00",
        "2026-11-21t09:59:58z",
        "2026-11-21 09:59:58Z",
        "2026-11-21T09:59:58.1Z",
        "20261121",
    ),
    *("2026-02-30T09:59:58Z", "1980-01-01T00:00:00Z", "2027-11-21T09:59:58Z", "2026-W47-6T09:59:58Z", "", 5, None),
    *("2026-11-21T09:59:58.123456789Z", "2026-11-21T23:59:58.5-00:00", "٢026-11-21T09:59:58Z", "2026-11-22T10:00:01Z"),
]
_VALUES = [
    *("a-1", "0199f0a1", "00336123456789", "0033", "u.1_x", "null", "0000", "guest", "wa.me", "tel-0612345678", "NaN"),
    *("me@shop.example", "tel=0612345678", "é", "", "x" * 513, "+33612345678", "a\n1", "%40", "&commat;", "ａ", "true"),
    *("ffffffff-ffff-ffff-ffff-ffffffffffff", 'a"b', "a\\b", ["a", "b"], [], None, 5, ["me@shop.example"]),
]
_KINDS = [
    *("anonymous_id", "user_id", "email", "phone", "email_sha256", "loyalty_card", "device_id", "tel", "contact_num"),
    *("e_mail", "Upper", "x" * 65, "", "mobile_id", "é"),
]
_TEXTS = [
    *("https://shop.example/tv?utm_source=a&utm_medium=b&gclid=1", "https://shop.example/tv", "https://google.com/"),
    *(
        "https://shop.example/?to=me%40shop.example",
        "call +33 6 12 34 56 78",
        "tel: 0612345678",
        "",
        "é ü 漢",
        "00336123456789",
    ),
    *("Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0", "Googlebot/2.1", "a\u2028b", "\x7f"),
    *(None, 5, True, 1.50, 1e22, 10**25, -0.0, ["x"], {"deep": {"er": [1, {"email": "me@shop.example"}]}}),
]
_CONTEXT_KEYS = [
    *("url", "referrer", "user_agent", "locale", "campaign", "ip", "gpc", "phone", "own", "device", "page_title", "é"),
    "me@shop.example",
]
_PROPERTIES = [
    {"path": "/tv", "title": "Télé"},
    {"product_id": "tv-55", "price": "799.00", "currency": "EUR"},
    {"product_id": "tv-55", "price": 799.005, "currency": "EUR"},
    {"product_id": "tv-55", "price": "799.00"},
    {"order_id": "o-1", "total": "12.50", "revenue": 10, "currency": "EUR", "products": [{"product_id": "a"}]},
    {"order_id": "o-1", "total": "12.50", "currency": "eur"},
    {"order_id": "o-1", "total": 1e3, "currency": "EUR", "note": "write to me@shop.example"},
    {"receipt_id": "r-1", "total": "-3.10", "currency": "EUR"},
    {"model": "Zoe"},
    {"model": 5},
    {"path": "/tv", "own": {"a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}},
    {"path": "/tv", "contact": {"phone": 33612345678}},
    {},
]
_ODD: dict[str, list[Any]] = {
    "id": _ODD_IDS,
    "name": [*_NAMES, "no_such", "Upper", "", 5, None],
    "occurred_at": [*_TIMES, *_ODD_TIMES],
    "schema": ["1-0-0", "2-0-0", "1-9-9", "", "1", None, "01-0-0", "1-0-0\n", "١-0-0"],
    "channel": ["web", "own_one", "", "Upper", "x" * 64, "x" * 65, None, "web\n", "é"],
    "ids": [{kind: value} for kind in _KINDS for value in _VALUES]
    + [{}, None, [], "a", {"anonymous_id": "a-1", "user_id": "null"}, {f"kind_{n}": "a" for n in range(17)}],
    "context": [{key: text} for key in _CONTEXT_KEYS for text in _TEXTS]
    + [{}, None, [], "a", {"url": _TEXTS[0], "referrer": _TEXTS[1], "user_agent": _TEXTS[8], "ip": "192.0.2.7"}],
    "properties": [*_PROPERTIES, None, [], "a"],
    "consent": [
        *({"analytics": True}, {"analytics": False}, {}, {"ads": True}, {"analytics": 1}, {"Upper": True}, None, []),
        *("yes", {"analytics": None}, {"é": True}),
    ],
    "own": [1],
}
"""What a field may hold, in order or not."""


@st.composite
def _events(draw: st.DrawFn) -> dict[str, Any]:
    """A usual event, with up to three fields that may be anything."""
    name, properties = draw(st.sampled_from([("page_viewed", _PROPERTIES[0]), ("order_completed", _PROPERTIES[4])]))
    event: dict[str, Any] = {
        "id": draw(st.sampled_from(_IDS)),
        "name": name,
        "occurred_at": draw(st.sampled_from(_TIMES)),
        "ids": {"anonymous_id": draw(st.sampled_from(["a-2", "0199f0a1", "a-1"]))},
        "context": draw(st.dictionaries(st.sampled_from(_CONTEXT_KEYS[:4]), st.text(max_size=8), max_size=3)),
        "properties": properties,
        "consent": {"analytics": True},
    }
    for field in draw(st.lists(st.sampled_from(list(_ODD)), max_size=3)):
        event[field] = draw(st.sampled_from(_ODD[field]) | st.just(...))
    event = {field: value for field, value in event.items() if value is not ...}
    return dict(draw(st.permutations(list(event.items())))) if draw(st.booleans()) else event


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """A body as different writers write it; now and then one that no JSON reader takes."""
    events = draw(st.lists(_events(), max_size=4))
    whole: Any = events
    if draw(st.booleans()):
        whole = {"touchpoints": events}
        if draw(st.booleans()):
            sent_at = st.sampled_from(
                ["2026-11-21T10:00:00.5Z", "2026-11-21T09:50:00Z", "2026-11-21T10:30:00Z", None, 5]
            )
            whole["sent_at"] = draw(sent_at)
    match draw(st.integers(0, 9)):
        case 0:
            return json.dumps(whole).encode()
        case 1:
            return json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        case 2:
            # A key twice, whose first value is not seen by who reads the last.
            first = draw(st.sampled_from([b'{"a":"\xff"}', b'{"gpc":true}', b"1e999", b"{}"]))
            return _compact(whole).replace(b'"context":', b'"context":%b,"context":' % first, 1)
        case 3:
            text = _compact(whole)
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(st.binary(max_size=2)) + text[at + 1 :]
        case _:
            return _compact(whole)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass
class _Pair:
    """Two intakes with the same settings, one of them without the lane, and what they keep."""

    express: Intake
    full: Intake
    logs: tuple[WriteAheadLog, WriteAheadLog]
    source: Source
    runner: asyncio.Runner

    def both(self, body: bytes, **circumstances: Any) -> tuple[Any, Any]:
        """Return what each answered and kept."""
        return self.runner.run(self._accept(body, **circumstances))

    async def _accept(self, body: bytes, **circumstances: Any) -> tuple[Any, Any]:
        return (
            await self._outcome(self.express, self.logs[0], body, circumstances),
            await self._outcome(self.full, self.logs[1], body, circumstances),
        )

    async def _outcome(self, intake: Intake, log: WriteAheadLog, body: bytes, circumstances: dict[str, Any]) -> Any:
        before: Position = log.durable
        try:
            receipt: Receipt = await intake.accept(self.source, body, "application/json", **circumstances)
        except RequestError as error:
            return type(error), error.message
        return receipt, [(record.kind, record.payload) for record in log.read(before, max_bytes=1 << 30).records]


@pytest.fixture(scope="module", params=["usual", "strict", "somebody is forgotten"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Pair]:
    folder = tmp_path_factory.mktemp("express")
    Registry().with_source("shop", "shop")[0].write(folder / "registry.json")
    keys = KeyRing(folder / "registry.json")
    strict = request.param == "strict"
    suppressions = Suppressions(folder / "suppressed.json")
    if request.param == "somebody is forgotten":
        suppressions.add([suppressed_form("anonymous_id", "a-1", "shop", keys.identifier_keys("shop").newest)])
    options = {
        "settings": HttpSettings(
            unknown_properties="reject" if strict else "allow",
            unknown_names="warn" if strict else "reject",
            duplicate_window_events=20,
            phone_region="FR" if strict else None,
        ),
        "keys": keys,
        "plan": _PLAN,
        "privacy": PrivacySettings(consent_required=strict, on_gpc="drop" if strict else "keep"),
        "enrichment": EnrichmentSettings(),
        "suppressions": suppressions,
        "now": lambda: _NOW,
    }
    with asyncio.Runner() as runner:
        logs = (WriteAheadLog.open(folder / "one"), WriteAheadLog.open(folder / "two"))
        pair = _Pair(
            Intake(log=logs[0], **options),
            Intake(log=logs[1], express_lane=False, **options),
            logs,
            keys.sources[0],
            runner,
        )
        yield pair
        runner.run(logs[0].close())
        runner.run(logs[1].close())


_EVENT = {"id": _IDS[0], "name": "page_viewed", "occurred_at": _TIMES[1], "properties": {"path": "/tv"}}


@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=_bodies(), gpc=st.integers(0, 9).map(lambda drawn: drawn == 0))
@example(body=_compact([_EVENT, _EVENT]), gpc=False)
@example(
    body=_compact([_EVENT | {"context": {}}]).replace(b'"context"', b'"context":{"a":"\xff"},"context"'), gpc=False
)
@example(body=_compact([_EVENT | {"ids": {"anonymous_id": "a-1"}}]), gpc=False)
@example(body=_compact([_EVENT | {"properties": {"title": "x" * 70_000}}]), gpc=False)
@example(body=b"[]", gpc=False)
@example(body=b" [] ", gpc=False)
def test_any_body_is_answered_and_kept_as_on_the_full_way(pair: _Pair, body: bytes, gpc: bool) -> None:
    express, full = pair.both(body, gpc=gpc)
    assert express == full


@pytest.mark.parametrize("field", list(_ODD))
def test_whatever_a_field_holds_is_kept_or_refused_as_on_the_full_way(pair: _Pair, field: str) -> None:
    names = [_NAMES[0], _NAMES[4], _NAMES[2]] if field in {"properties", "schema"} else ["page_viewed"]
    for name in names:
        properties = {"page_viewed": {"path": "/tv"}, "test_drive_taken": {"model": "Zoe"}}.get(name, _PROPERTIES[4])
        usual = _EVENT | {"name": name, "properties": properties}
        events = [
            {**usual, "id": f"0199f0a1-0000-7000-8001-{number:012x}", field: value}
            for number, value in enumerate(_ODD[field])
        ]
        for gpc in (False, True):
            express, full = pair.both(_compact(events), gpc=gpc)
            assert express == full


def test_a_batch_sent_twice_is_all_duplicates_the_second_time(pair: _Pair) -> None:
    body = b"[" + b",".join(_new_ids(wire_touchpoints(3, 30))) + b"]"
    for _ in range(2):
        express, full = pair.both(body)
        assert express == full


def _new_ids(events: Iterator[bytes]) -> Iterator[bytes]:
    """The same touchpoints, at the time of the fake clock."""
    for event in events:
        yield orjson.dumps(orjson.loads(event) | {"occurred_at": _TIMES[2]})


def _lane() -> tuple[Lane, Circumstances]:
    source = Source("shop", "shop", "0" * 64, _NOW)
    around = Circumstances(
        project="shop",
        source="shop",
        received_at=_NOW,
        sent_at=None,
        may_hold_clear_identifiers=True,
        identifier_keys=IdentifierKeys((b"key",)),
        phone_region=None,
        clock_tolerance=timedelta(seconds=60),
    )
    return Lane(source, plan=None, settings=HttpSettings(), identifier_key=b"key"), around


@pytest.mark.parametrize("write", [_compact, lambda value: json.dumps(value).encode()], ids=["compact", "with blanks"])
def test_the_usual_touchpoints_take_the_lane(write: Any) -> None:
    lane, around = _lane()
    body = write([orjson.loads(event) for event in _new_ids(wire_touchpoints(5, 200))])
    body_read = read(body)
    assert body_read is not None
    taken = lane.take(body_read.envelopes, around, is_kept_out=None)
    assert None not in taken.lines
    accounted = body_read.around_bytes + taken.sent_bytes
    assert accounted == len(body) if write is _compact else accounted < len(body)


def test_a_step_that_the_lane_does_not_know_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _, around = _lane()
    assert admits(around)
    monkeypatch.setattr(steps, "STEPS", (*steps.STEPS, lambda *_: None))
    assert not admits(around)


def test_what_names_a_person_in_clear_is_not_remembered() -> None:
    lane, around = _lane()
    secrets = [{"url": "https://shop.example/?to=me@shop.example"}, {"ip": "192.0.2.7"}]
    events = [_EVENT | {"context": context, "ids": {"anonymous_id": "a-1"}} for context in secrets]
    body_read = read(_compact(events))
    assert body_read is not None
    taken = lane.take(body_read.envelopes, around, is_kept_out=None)
    assert None not in taken.lines
    held = repr([lane._contexts.young, lane._properties.young, lane._heads, lane._consents])
    assert "me@shop" not in held
    assert "192.0.2" not in held
    assert "a-1" not in held


def test_what_is_remembered_is_bounded_and_what_is_asked_for_stays() -> None:
    kept: Remembered[int, int] = Remembered(100_000)
    for number in range(1_000):
        kept.keep(number, number, 100)
        if kept.young.get(0) is None:
            assert kept.recall(0, 100) == 0
    assert kept.recall(1, 100) is None
    assert len(kept.young) + len(kept._old) <= 100_000 / 500
    kept.keep(-1, -1, 1_000_000)
    assert -1 not in kept.young
