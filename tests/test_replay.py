"""Dead letters, mended and sent again: through a real collector into the real engine."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import orjson
import pytest
from clickhouse_connect.driver.client import Client

from parcours.event_id import new_event_id
from parcours_collector.replaying.events import Event, NotReplayable, content_of
from parcours_collector.replaying.letters import Letter

from .importing_rig import count, environment_of, letters, run, wait_for_rows
from .running import CollectorProcess, Sender, add_source

TASTING = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "x-parcours": {"name": "wine_tasted", "stage": "consideration", "need": "decide", "channel": "store"},
    "properties": {"wine": {"type": "string"}},
}


class Rig:
    """A collector that can be restarted with a plan, and the commands against it."""

    def __init__(self, data: Path, clickhouse: Client, clickhouse_url: str, sender: Sender) -> None:
        self.data, self.clickhouse, self.url, self.sender = data, clickhouse, clickhouse_url, sender
        self.project = sender.project
        self.collector = CollectorProcess(data, clickhouse_url)

    def restart_with_plan(self) -> None:
        self.collector.stop()
        plan = self.data / "plan"
        plan.mkdir()
        (plan / "wine_tasted.json").write_text(json.dumps(TASTING))
        self.collector = CollectorProcess(self.data, self.url, environment={"PARCOURS_PLAN": str(plan)})

    async def send(self, *events: object) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.sender.write_key}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.collector.endpoint}/v1/touchpoints", data=orjson.dumps(events)) as answer,
        ):
            assert answer.status == 200
            return dict(await answer.json())

    def replay(self, *arguments: str) -> tuple[int, str]:
        environment = {**environment_of(self.collector, self.sender), "PARCOURS_CLICKHOUSE_URL": self.url}
        status, out, err = run(["replay", *arguments], environment, cwd=self.data)
        return status, out + err


@pytest.fixture
def rig(tmp_path: Path, clickhouse: Client, clickhouse_url: str, project: str) -> Iterator[Rig]:
    made = Rig(tmp_path, clickhouse, clickhouse_url, add_source(tmp_path, "till", project))
    yield made
    made.collector.__exit__(None, None, None)


def event(name: str = "page_viewed", **fields: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "id": new_event_id(int(now.timestamp() * 1e9)),
        "name": name,
        "occurred_at": now.isoformat(),
        "ids": {"user_id": "u-1"},
        **fields,
    }


async def test_one_bad_event_of_500_is_kept_and_replayed_once_after_the_fix(rig: Rig) -> None:
    bad = event("wine_tasted", properties={"wine": "Chablis"}, ids={"email": "roger@example.com"})
    batch = [event() for _ in range(499)]
    answer = await rig.send(*batch[:200], bad, *batch[200:])
    assert answer["accepted"] == 499
    wait_for_rows(rig.clickhouse, rig.project, 499)
    wait_for_rows(rig.clickhouse, rig.project, 1, table="dead_letters FINAL")
    [letter] = letters(rig.clickhouse, rig.project)
    assert (letter["code"], letter["path"], letter["event_id"]) == ("unknown_touchpoint", "/name", bad["id"])
    kept = json.loads(str(letter["payload"]))
    assert {key: kept[key] for key in ("id", "name", "occurred_at", "properties")} == {
        key: bad[key] for key in ("id", "name", "occurred_at", "properties")
    }

    status, said = rig.replay()
    assert status == 1
    assert "still refused: unknown_touchpoint" in said
    rig.restart_with_plan()
    status, said = rig.replay("--dry-run")
    assert "1 would be sent: unknown_touchpoint wine_tasted" in said
    assert count(rig.clickhouse, rig.project) == 499
    assert rig.replay()[0] == 0
    wait_for_rows(rig.clickhouse, rig.project, 500)
    once = "count(), uniqExact(id), countIf(name = 'wine_tasted' AND mapContains(ids, 'email_sha256'))"
    assert rig.clickhouse.query(
        f"SELECT {once} FROM touchpoints_resolved WHERE project = {{project:String}}",
        parameters={"project": rig.project},
    ).result_rows == [(500, 500, 1)]
    [letter] = letters(rig.clickhouse, rig.project)
    assert letter["replayed_at"] is not None

    status, said = rig.replay()
    assert status == 0
    assert [line.split()[-2] for line in said.splitlines() if "accepted" in line or "duplicate" in line] == ["0", "0"]
    assert count(rig.clickhouse, rig.project) == 500


async def test_letters_are_chosen_by_code_and_name_and_number_and_those_of_other_sources_are_left(rig: Rig) -> None:
    other = add_source(rig.data, "web", rig.project)
    await rig.send(event("wine_tasted"), event("wine_tasted"), event("cheese_tasted"), event(occurred_at="today"))
    mine, rig.sender = rig.sender, other
    await rig.send(event("wine_tasted"))
    rig.sender = mine
    wait_for_rows(rig.clickhouse, rig.project, 5, table="dead_letters FINAL")
    rig.restart_with_plan()

    status, said = rig.replay("--code", "invalid_time")
    assert (status, "still refused: invalid_time" in said) == (1, True)
    assert rig.replay("--name", "wine_tasted", "--limit", "1")[0] == 0
    status, said = rig.replay()
    assert status == 1
    assert "1 letters of other sources" in said
    wait_for_rows(rig.clickhouse, rig.project, 2)
    waiting = [letter["event_name"] for letter in letters(rig.clickhouse, rig.project) if not letter["replayed_at"]]
    assert sorted(map(str, waiting)) == ["cheese_tasted", "page_viewed", "wine_tasted"]

    status, said = rig.replay("--source", "web")
    assert status == 2
    assert "is that of the source till" in said


async def test_a_row_the_warehouse_refused_comes_back_as_the_touchpoint_it_was(rig: Rig) -> None:
    touchpoint = event(properties={"title": "Home"}, context={"url": "https://shop.example/"}, consent={"ads": False})
    row = {
        **touchpoint,
        "ids": {"email_sha256": ["a" * 64], "user_id": ["u-1"]},
        "project": rig.project,
        "source": "till",
        "schema_version": "1-0-0",
        "channel": "web",
        "client_occurred_at": touchpoint["occurred_at"],
        "received_at": touchpoint["occurred_at"],
        "sent_at": None,
        "placeholders": [],
        "revenue": None,
        "currency": "",
    }
    columns = ["id", "project", "source", "code", "payload", "received_at", "origin"]
    values = [uuid4(), rig.project, "till", "refused_by_warehouse", json.dumps(row), datetime.now(UTC), "delivery"]
    rig.clickhouse.insert("dead_letters", [values], column_names=columns)
    assert rig.replay()[0] == 0
    wait_for_rows(rig.clickhouse, rig.project, 1)
    [stored] = rig.clickhouse.query(
        "SELECT toString(id) AS id, name, channel, schema_version, ids, properties, context, consent "
        "FROM touchpoints_unique WHERE project = {project:String}",
        parameters={"project": rig.project},
    ).named_results()
    wanted = {name: row[name] for name in ("id", "name", "channel", "schema_version", "ids", "consent")}
    assert {name: stored[name] for name in wanted} == wanted
    assert json.loads(stored["properties"]) == touchpoint["properties"]
    assert json.loads(stored["context"]) == touchpoint["context"]


def letter_with(code: str, payload: str) -> Letter:
    return Letter(uuid4(), code, "", payload)


@pytest.mark.parametrize(
    ("code", "payload", "reason"),
    [
        ("unmapped_row", '{"user": "u-1"}', "import it again"),
        ("invalid_json", "{broken", "not a JSON object"),
        ("not_an_object", "[1]", "not a JSON object"),
        ("too_large", "", "larger than"),
        ("too_deep", "[" * 600 + "]" * 600, "not a JSON object"),
        ("refused_by_warehouse", '{"code": "unmapped_row", "payload": "{}"}', "not a JSON object"),
        ("refused_by_warehouse", '{"code": "invalid_id", "payload": 7}', "not a JSON object"),
    ],
)
def test_a_letter_that_holds_no_event_says_what_to_do_instead(code: str, payload: str, reason: str) -> None:
    content = content_of(letter_with(code, payload))
    assert isinstance(content, NotReplayable)
    assert reason in content.reason


def test_a_letter_about_a_letter_gives_the_event_inside() -> None:
    inner = {"id": "x", "name": "page_viewed"}
    row = {"code": "invalid_id", "payload": json.dumps(inner), "project": "shop"}
    content = content_of(letter_with("refused_by_warehouse", json.dumps(row)))
    assert isinstance(content, Event)
    assert json.loads(content.body) == inner


async def test_a_replay_without_a_collector_or_with_a_bad_key_says_so_and_changes_nothing(rig: Rig) -> None:
    good = rig.sender
    rig.sender = Sender(good.source, good.project, "pwk_nonsense")
    status, said = rig.replay()
    assert status == 2
    assert "refuses the write key" in said
    assert "pwk_nonsense" not in said
    rig.sender = good
    rig.collector.stop()
    status, said = rig.replay()
    assert status == 2
    assert "does not answer: no connection" in said
