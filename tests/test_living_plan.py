"""A tracking plan that changes while the collector runs: what is taken, what is refused, and what goes on meanwhile."""

import asyncio
import itertools
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr
from structlog.testing import capture_logs

from parcours_collector.app import running_collector
from parcours_collector.intake.registry import Registry
from parcours_collector.plans import LivingPlan, refusals
from parcours_collector.settings import Settings
from parcours_schemas.plan import ANNOTATION, TrackingPlan
from tests.events import event
from tests.running import CollectorProcess, wait_until

_FILE = "badge_scanned.json"


def document(name: str = "badge_scanned", version: str = "1-0-0", **fields: Any) -> dict[str, Any]:
    """A good document; `fields` replace those of the schema."""
    written: dict[str, Any] = {
        ANNOTATION: {"name": name, "stage": "use", "need": "be_recognised", "channel": "store", "version": version},
        "type": "object",
        "properties": {"gate": {"type": "string"}, "kind": {"enum": ["day", "year"]}},
        "required": ["gate"],
        "additionalProperties": False,
    }
    return written | fields


def write(folder: Path, schema: dict[str, Any], file: str = _FILE) -> None:
    """Put a document into a folder in one step, as an editor or a release does."""
    folder.mkdir(exist_ok=True)
    (folder / "new").write_bytes(orjson.dumps(schema))
    (folder / "new").replace(folder / file)


def looked(plan: LivingPlan) -> bool:
    """Look until it settles, and return whether a change was taken."""
    return [plan.look(), plan.look(), plan.look()].count(True) == 1


GATE = {"gate": {"type": "string"}}
KIND = {"kind": {"enum": ["day", "year"]}}
WITH_ZONE = document(version="1-0-1", properties=GATE | KIND | {"zone": {"type": "string"}})

BREAKING = {
    "a property is gone": (document(version="2-0-0", properties=GATE), "/kind: the property was removed"),
    "a type is narrower": (
        document(version="2-0-0", properties=KIND | {"gate": {"type": "string", "maxLength": 3}}),
        "/gate: maxLength is tighter: 3",
    ),
    "a type is another": (
        document(version="2-0-0", properties=KIND | {"gate": {"type": "integer"}}),
        "/gate: the type was string and is integer",
    ),
    "a value is gone": (
        document(version="2-0-0", properties=GATE | {"kind": {"enum": ["year"]}}),
        "/kind: no longer accepted: day",
    ),
    "a property became required": (
        document(version="2-0-0", required=["gate", "kind"]),
        "/kind: the property became required",
    ),
    "a new one is required": (
        document(version="2-0-0", properties=GATE | KIND | {"zone": {}}, required=["gate", "zone"]),
        "/zone: a required property was added",
    ),
    "the version is the same": (
        WITH_ZONE | {ANNOTATION: document()[ANNOTATION]},
        "its version was 1-0-0 and is 1-0-0: what changed asks for 1-0-1",
    ),
    "the model is another": (document(version="2-0-0"), "its model was 1-0-0 and is 2-0-0"),
    "the touchpoint is gone": (document("badge_shown"), "it is gone"),
}


@pytest.mark.parametrize("change", BREAKING)
def test_what_would_turn_senders_away_is_refused_with_its_reason(change: str, tmp_path: Path) -> None:
    schema, reason = BREAKING[change]
    write(tmp_path, document())
    plan = LivingPlan(tmp_path)
    first = plan.current
    write(tmp_path, schema)
    with capture_logs() as logs:
        assert [plan.look() for _ in range(5)] == [False] * 5
    assert plan.current is first
    assert plan.is_refused
    (said,) = logs
    assert said["event"] == "plan_refused"
    assert said["reasons"][0].startswith(f"badge_scanned: {reason}")


@pytest.mark.parametrize(
    "schema",
    [
        WITH_ZONE,
        document(version="1-1-0", properties=GATE | {"kind": {"enum": ["day", "week", "year"]}}),
        document(version="1-1-0", required=[]),
        document(description="At a gate."),
    ],
)
def test_what_refuses_nothing_that_was_taken_before_is_accepted(schema: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, document())
    plan = LivingPlan(tmp_path)
    write(tmp_path, schema)
    write(tmp_path, document("badge_lost"), "badge_lost.json")
    assert looked(plan)
    assert plan.current is not None
    assert plan.current.names == ("badge_lost", "badge_scanned")
    assert plan.current.schemas["badge_scanned"] == schema
    assert (plan.reloads, plan.is_refused) == (1, False)
    assert not looked(plan)


def _spoilt(folder: Path) -> Iterator[Callable[[], object]]:
    yield lambda: (folder / _FILE).write_bytes(b'{"half": ')
    yield (folder / _FILE).unlink
    yield lambda: write(folder, document("product_viewed"))
    yield lambda: write(folder, document(properties={"gate": {"$ref": "https://elsewhere.example/gate"}}))
    yield lambda: folder.rename(folder.with_name("away"))


@pytest.mark.parametrize("way", range(5))
def test_a_folder_that_cannot_be_used_is_said_once_and_counts_again_when_it_is_mended(way: int, tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    write(folder, document())
    plan = LivingPlan(folder)
    first = plan.current
    with capture_logs() as logs:
        next(itertools.islice(_spoilt(folder), way, None))()
        assert not looked(plan)
        assert (plan.current, plan.is_refused, plan.reloads) == (first, True, 0)
        write(folder, WITH_ZONE)
        assert looked(plan)
    assert [one["event"] for one in logs] == ["plan_refused", "plan_reloaded"]
    assert not plan.is_refused


def test_a_folder_put_back_as_it_was_is_no_change_and_no_refusal(tmp_path: Path) -> None:
    write(tmp_path, document())
    plan = LivingPlan(tmp_path)
    write(tmp_path, document(properties={}))
    assert not looked(plan)
    write(tmp_path, document())
    assert not looked(plan)
    assert (plan.is_refused, plan.reloads) == (False, 0)


def test_a_file_that_is_still_growing_is_let_finish(tmp_path: Path) -> None:
    write(tmp_path, document())
    plan = LivingPlan(tmp_path)
    whole = orjson.dumps(WITH_ZONE)
    with capture_logs() as logs:
        for end in range(0, len(whole), 40):
            (tmp_path / _FILE).write_bytes(whole[:end])
            assert not plan.look()
        (tmp_path / _FILE).write_bytes(whole)
        assert looked(plan)
    assert [one["event"] for one in logs] == ["plan_reloaded"]


def test_the_same_plan_is_never_refused() -> None:
    plan = TrackingPlan.from_documents({_FILE: orjson.dumps(document())})
    assert refusals(plan, plan) == []


async def test_a_running_collector_takes_an_addition_and_keeps_the_last_good_plan(
    clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path
) -> None:
    name = f"badge_{project.removeprefix('test-')}"
    folder = tmp_path / "plan"
    write(folder, document(name))
    registry, write_key = Registry().with_source("gate", project)
    registry.write(tmp_path / "registry.json")
    settings = Settings(data=tmp_path, port=0, clickhouse_url=SecretStr(clickhouse_url), plan=folder)
    headers = {"Authorization": f"Bearer {write_key}"}
    with_zone = event(name, properties={"gate": "north", "zone": "a"})
    async with running_collector(settings) as running, aiohttp.ClientSession(running.endpoint) as session:

        async def post(sent: dict[str, Any]) -> dict[str, Any]:
            async with session.post("/v1/touchpoints", json=[sent], headers=headers) as response:
                answer: dict[str, Any] = await response.json()
                return answer

        async def until_metric(line: str) -> None:
            async with asyncio.timeout(30):
                while True:
                    async with session.get("/metrics") as response:
                        if line in (await response.text()).splitlines():
                            return
                    await asyncio.sleep(0.05)

        assert (await post(with_zone))["rejected"][0]["path"] == "/properties/zone"
        write(folder, WITH_ZONE | {ANNOTATION: document(name, "1-0-1")[ANNOTATION]})
        await until_metric("parcours_plan_reloads_total 1.0")
        assert (await post(with_zone))["accepted"] == 1
        write(folder, document("badge_lost"), "badge_lost.json")
        await until_metric("parcours_plan_reloads_total 2.0")
        (folder / _FILE).unlink()
        await until_metric("parcours_plan_refused 1.0")
        async with session.get("/readyz") as response:
            assert response.status == 200
        assert (await post(event(name, properties={"gate": "north"})))["accepted"] == 1
        async with asyncio.timeout(30):
            while not (  # noqa: ASYNC110 - ClickHouse tells nobody
                clickhouse.query("SELECT 1 FROM touchpoint_kinds WHERE name = 'badge_lost'").result_rows
            ):
                await asyncio.sleep(0.05)


def test_each_of_several_workers_follows_the_folder(clickhouse_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    write(folder, document())
    with CollectorProcess(tmp_path, clickhouse_url, workers=2, environment={"PARCOURS_PLAN": str(folder)}) as collector:

        def shows(line: str) -> bool:
            with urllib.request.urlopen(f"{collector.endpoint}/metrics", timeout=10) as answer:
                return line.encode() in answer.read().splitlines()

        write(folder, WITH_ZONE)
        wait_until(lambda: shows("parcours_plan_reloads_total 2.0"))
        (folder / _FILE).unlink()
        wait_until(lambda: shows("parcours_plan_refused 1.0"))
    log = (tmp_path / "collector.log").read_text()
    assert log.count("plan_reloaded") == 2
    assert 1 <= log.count("plan_refused") <= 2
