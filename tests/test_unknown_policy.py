"""Names and properties that no schema knows: allowed, warned of or refused, alike in the SDK and at the collector."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import SecretStr

from parcours import InvalidTouchpoint, Touchpoint, Tracker
from parcours.drops import speak_anew
from parcours.options import TrackerOptions
from parcours_collector.app import running_collector
from parcours_collector.settings import HttpSettings, Settings
from parcours_schemas.plan import DIALECT, TrackingPlan
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import UnknownPolicy
from parcours_schemas.touchpoint import Need, Stage
from parcours_schemas.validation import Accepted, validate
from tests.events import event
from tests.running import add_source

POLICIES: tuple[UnknownPolicy, ...] = ("allow", "warn", "reject")
SIZE = {"type": "object", "properties": {"width": {"type": "integer"}}}


def document(name: str, **schema: Any) -> dict[str, Any]:
    declared = {"name": name, "stage": "consideration", "need": "decide", "channel": "store"}
    return {"$schema": DIALECT, "type": "object", "x-parcours": declared, **schema}


DOCUMENTS = [
    document(
        "sofa_tried",
        properties={"model": {"type": "string"}, "size": SIZE, "parts": {"items": {"$ref": "#/$defs/part"}}},
        **{"$defs": {"part": {"type": "object", "properties": {"sku": {}}}}},
    ),
    document("sofa_drawn", properties={"model": {"type": "string"}}, additionalProperties=True),
    document("sofa_sold", properties={"model": {"type": "string"}}, additionalProperties=False),
    document("sofa_lent", properties={"until": {}}, unevaluatedProperties={"type": "integer"}),
    document("sofa_kept", allOf=[{"properties": {"model": {"type": "string"}}}], patternProperties={"^x_": {}}),
    document("sofa_seen"),
]

Verdict = tuple[str, ...]
TAKEN: Verdict = ("taken",)


def unknown(code: str, path: str) -> dict[UnknownPolicy, Verdict]:
    return {"allow": TAKEN, "warn": ("warned", code, path), "reject": ("refused", code, path)}


def always(*verdict: str) -> dict[UnknownPolicy, Verdict]:
    return dict.fromkeys(POLICIES, verdict)


CASES: list[tuple[str, dict[str, Any], dict[UnknownPolicy, Verdict]]] = [
    ("product_viewed", {"product_id": "p"}, always("taken")),
    ("product_viewed", {"product_id": "p", "produkt": 1}, unknown("unknown_property", "/properties/produkt")),
    ("product_viewed", {"product_id": "p", "jean@example.fr": 1}, unknown("unknown_property", "/properties/*")),
    ("product_viewed", {"produkt_id": "p"}, always("refused", "schema_violation", "/properties/product_id")),
    (
        "cart_viewed",
        {"products": [{"product_id": "p"}, {"product_id": "q", "colour": "red"}]},
        unknown("unknown_property", "/properties/products/1/colour"),
    ),
    ("produkt_viewed", {}, unknown("unknown_touchpoint", "/name")),
    ("sofa_tried", {"model": "roma", "size": {"width": 2}, "parts": [{"sku": "a"}]}, always("taken")),
    ("sofa_tried", {"modell": "roma"}, unknown("unknown_property", "/properties/modell")),
    ("sofa_tried", {"size": {"widht": 2}}, unknown("unknown_property", "/properties/size/widht")),
    ("sofa_tried", {"parts": [{}, {"skew": "a"}]}, unknown("unknown_property", "/properties/parts/1/skew")),
    ("sofa_tried", {"size": {"width": "2"}}, always("refused", "schema_violation", "/properties/size/width")),
    ("sofa_drawn", {"modell": "roma"}, always("taken")),
    ("sofa_sold", {"modell": "roma"}, always("refused", "schema_violation", "/properties/modell")),
    ("sofa_lent", {"days": 3}, always("taken")),
    ("sofa_lent", {"days": "3"}, always("refused", "schema_violation", "/properties/days")),
    ("sofa_kept", {"model": "roma", "x_own": 1}, always("taken")),
    ("sofa_kept", {"modell": "roma"}, unknown("unknown_property", "/properties/modell")),
    ("sofa_seen", {"model": "roma"}, unknown("unknown_property", "/properties/model")),
]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    folder = tmp_path / "plan"
    folder.mkdir()
    for each in DOCUMENTS:
        (folder / f"{each['x-parcours']['name']}.json").write_bytes(orjson.dumps(each))
    return folder


@pytest.mark.parametrize("policy", POLICIES)
def test_the_sdk_gives_the_verdict_of_the_table_at_the_call(
    policy: UnknownPolicy, plan: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PARCOURS_DISABLED", "1")
    for name, properties, verdicts in CASES:
        caplog.clear()
        speak_anew()  # the same code is logged once a minute a process
        with Tracker(strict=True, plan=plan, unknown_names=policy, unknown_properties=policy) as tracker:
            try:
                tracker.track(name, properties)
            except InvalidTouchpoint as error:
                verdict: Verdict = ("refused", error.code, error.path)
            else:
                verdict = TAKEN
        log = caplog.text
        assert "jean" not in log
        match verdicts[policy]:
            case ("warned", code, path):
                assert verdict == TAKEN, (name, properties)
                assert f"{name} was taken with a warning: {code} at {path}." in log
            case expected:
                assert verdict == expected, (name, properties)
                assert "warning:" not in log


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_collector_gives_the_verdict_of_the_table_in_its_answer_and_counts_it(
    policy: UnknownPolicy, plan: Path, tmp_path: Path, clickhouse_url: str, project: str
) -> None:
    sender = add_source(tmp_path, "shop", project)
    settings = Settings(
        data=tmp_path,
        port=0,
        plan=plan,
        clickhouse_url=SecretStr(clickhouse_url),
        http=HttpSettings(unknown_names=policy, unknown_properties=policy),
    )
    batch = [event(name=name, properties=properties) for name, properties, _ in CASES]
    headers = {"Authorization": f"Bearer {sender.write_key}"}
    async with running_collector(settings) as running, aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{running.endpoint}/v1/touchpoints", json=batch) as response:
            answer = orjson.loads(await response.read())
        async with session.get(f"{running.endpoint}/metrics") as response:
            metrics = (await response.text()).splitlines()

    expected = [verdicts[policy] for _, _, verdicts in CASES]
    refused = {one["index"]: ("refused", one["code"], one["path"]) for one in answer["rejected"]}
    warned = {one["index"]: ("warned", one["code"], one["path"]) for one in answer.get("warnings", ())}
    assert [refused.get(index) or warned.get(index) or TAKEN for index in range(len(CASES))] == expected
    assert answer["accepted"] == len(CASES) - len(refused)
    assert ("warnings" in answer) == (policy == "warn")
    assert all(one["id"] == batch[one["index"]]["id"] and one["detail"] for one in answer.get("warnings", ()))
    counted = [line for line in metrics if line.startswith("parcours_warned_total{")]
    assert counted == [
        f'parcours_warned_total{{code="{code}",source="shop"}} {float(sum(one[1] == code for one in warned.values()))}'
        for code in dict.fromkeys(one[1] for one in warned.values())
    ]


def judged(name: str, properties: dict[str, Any], policy: UnknownPolicy) -> Accepted | Refusal:
    plan = TrackingPlan.from_documents({f"{n}.json": orjson.dumps(each) for n, each in enumerate(DOCUMENTS)})
    return validate(
        event(name=name, properties=properties),
        plan=plan,
        received_at=datetime.now(UTC),
        unknown_names=policy,
        unknown_properties=policy,
    )


@pytest.mark.parametrize(
    ("name", "properties", "said"),
    [
        ("product_viewed", {"product_id": "p", "curency": "EUR"}, "did you mean currency?"),
        ("product_viewed", {"product_id": "p", "zzz": 1, "yyy": 1}, "(and 1 more)"),
        ("sofa_tried", {"modell": "roma"}, "did you mean model?"),
        ("produkt_viewed", {}, "did you mean product_viewed"),
    ],
)
def test_a_warning_says_what_was_perhaps_meant_and_how_many_there_are(
    name: str, properties: dict[str, Any], said: str
) -> None:
    verdict = judged(name, properties, "warn")
    assert isinstance(verdict, Accepted)
    assert verdict.warning is not None
    assert said in verdict.warning.detail
    assert judged(name, properties, "reject") == verdict.warning


class SofaBurnt(Touchpoint, stage=Stage.USE, need=Need.GET_HELP, channel="store"):
    """Declared in code only: no collector knows it without a plan that says so."""


@pytest.mark.parametrize(
    ("options", "refused"),
    [({}, False), ({"unknown_names": "warn"}, False), ({"unknown_names": "reject"}, True)],
)
def test_a_class_that_nobody_else_knows_is_an_unknown_name_too(
    options: TrackerOptions, refused: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PARCOURS_DISABLED", "1")
    with Tracker(**options) as tracker:
        tracker.emit(SofaBurnt())
        assert tracker.stats().dropped["invalid"] == int(refused)
    assert ("sofa_burnt was taken with a warning" in caplog.text) == (options.get("unknown_names") == "warn")


def test_a_policy_that_is_none_is_refused_when_the_tracker_is_made() -> None:
    with pytest.raises(ValueError, match="Give allow, warn or reject"):
        Tracker("http://127.0.0.1:9", "key", unknown_names="refuse")  # type: ignore[arg-type] # the mistake under test
