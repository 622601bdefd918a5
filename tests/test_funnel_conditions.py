"""Conditions on properties: walks are read from the index, and of touchpoints only those that a condition looks at."""

import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.funnel_rules import as_json
from parcours_collector.atlas.funnels import Exclusion, Rules, Step, UnusableRules, Where, funnel_by_rules
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from tests.touchpoint_rows import NAMES, row, store_rows, touch

WAITS = "journey_index_changes"
DEAR = [Where("properties.price", ">", ["10"])]
LAST = Step(names=[NAMES[2]], where=DEAR)
STEPS: list[str | Step] = [NAMES[0], NAMES[1], LAST]
EXCLUDED = [Exclusion(names=[NAMES[3]], where=[Where.is_("properties.cart", "a")])]


KINDS: dict[str, tuple[list[str | Step], Rules]] = {
    "plain": (STEPS, Rules()),
    "an exclusion": (STEPS, Rules(exclusions=EXCLUDED)),
    "posthog": (STEPS, Rules(preset="posthog")),
    "a breakdown": (STEPS, Rules(breakdown="channel", breakdown_by="first_touch")),
    "two steps": ([Step(names=[NAMES[0]], where=DEAR), *STEPS[1:]], Rules(resolution_seconds=60)),
    "optional": ([NAMES[0], Step(names=[NAMES[1]], optional=True), LAST], Rules()),
    "strict": (STEPS, Rules(step_order="strict")),
    "any order": (STEPS, Rules(step_order="any")),
    "attempts": (STEPS, Rules(count_attempts=True, exclusions=EXCLUDED)),
    "a step of any name": ([NAMES[0], Step(names=[], where=DEAR)], Rules(step_order="strict")),
    "no name": ([Step(names=[], where=DEAR), Step(names=[])], Rules(step_order="strict")),
    "everything": (STEPS, Rules(count_attempts=True, where=[Where.is_("properties.cart", "a")])),
}


@pytest.fixture(scope="module")
def shop_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine of this module's own, in whose index nothing waits; some people have two identifiers."""
    with EngineProcess.start(tmp_path_factory.mktemp("conditions")) as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            store(client, "shop", seed=1)
            store(client, "elsewhere", seed=2)
            stitch(client)
            JourneyIndex(client, linger_seconds=0).refresh()
        yield engine.url


@pytest.fixture(scope="module")
def shop(shop_url: str) -> Iterator[Client]:
    with connect(shop_url) as client:
        yield client


def store(client: Client, project: str, seed: int) -> None:
    """Store what people did, most of it within a few seconds, so that much of one name is of one instant."""
    chance = random.Random(seed)
    rows = []
    for person in range(120):
        for _ in range(chance.randint(1, 14)):
            known = {"user_id": f"u-{person}"} if person % 3 == 0 and chance.random() < 0.5 else {}
            one = touch(
                chance.choice(NAMES),
                chance.choice((0, 1, 1, 2, 60, 4000)),
                channel=chance.choice(("web", "store")),
                anonymous_id=f"d-{person}-{chance.randint(0, 1) if known else 0}",
                **known,
            )
            properties = {"price": chance.choice((5, 15, None)), "cart": chance.choice(("a", "b"))}
            rows.append(row(one, project) | {"properties": properties})
    store_rows(client, rows)


def lines(rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    """Rows to be compared: averages may differ in their last digit, and NaN is NaN."""
    return [[f"{value:.9g}" if isinstance(value, float) else str(value) for value in values] for values in rows]


def view(client: Client, steps: list[str | Step], rules: Rules, project: str | None) -> Any:
    """What the view says, which reads every touchpoint."""
    return client.query(
        "SELECT * FROM funnel_by_rules(steps = {steps:String}, rules = {rules:String}, "
        "project = {project:Nullable(String)}, from_at = NULL, to_at = NULL)",
        parameters={
            "steps": orjson.dumps([as_json(step) for step in steps]).decode(),
            "rules": orjson.dumps(as_json(rules)).decode(),
            "project": project,
        },
    ).result_rows


@pytest.mark.parametrize(
    ("kind", "project"), [*((kind, "shop") for kind in KINDS), ("plain", None), ("attempts", None)]
)
def test_a_condition_holds_of_the_very_touchpoint_of_those_of_one_instant(
    shop: Client, kind: str, project: str | None
) -> None:
    steps, rules = KINDS[kind]
    told = funnel_by_rules(shop, steps, rules, project=project)
    assert "told.all_flags" in told.sql, "every touchpoint was read"
    assert lines(map(astuple, told)) == lines(view(shop, steps, rules, project))
    assert told[-1].counted > 0


def test_what_has_just_come_is_looked_at_as_well(shop: Client) -> None:
    before = funnel_by_rules(shop, STEPS, project="shop")
    store(shop, "shop", seed=3)
    told = funnel_by_rules(shop, STEPS, project="shop")
    assert WAITS in told.sql
    assert lines(map(astuple, told)) == lines(view(shop, STEPS, Rules(), "shop"))
    assert told.rows != before.rows
    JourneyIndex(shop, linger_seconds=0).refresh()
    assert funnel_by_rules(shop, STEPS, project="shop").rows == told.rows


@pytest.mark.parametrize("rules", [Rules(window_seconds=60), Rules(window_seconds=60, step_order="any")])
def test_what_arrives_while_a_funnel_is_asked_is_taken_for_nothing_else(
    shop: Client, shop_url: str, rules: Rules, project: str
) -> None:
    """Whoever did both steps then, did also before what is not asked for: the answer is the same at every moment."""
    first, second = NAMES[:2]
    people = range(200)

    def cheap(person: int, at_seconds: float) -> dict[str, Any]:
        return row(touch(first, at_seconds, anonymous_id=f"d-{person}"), project) | {"properties": {"price": 5}}

    asked: list[str | Step] = [Step(names=[first], where=DEAR), second]
    dear = [
        row(touch(first, 10_000, anonymous_id=f"d-{one}"), project) | {"properties": {"price": 15}} for one in people
    ]
    store_rows(shop, [*dear, *(row(touch(second, 10_010, anonymous_id=f"d-{one}"), project) for one in people)])
    stitch(shop)
    JourneyIndex(shop, linger_seconds=0).refresh()
    enough = threading.Event()

    def arrive() -> None:
        chance = random.Random(4)
        with connect(shop_url) as client:
            while not enough.is_set():
                store_rows(client, [cheap(one, chance.randint(0, 5000)) for one in chance.sample(people, 30)])

    arriving = threading.Thread(target=arrive)
    arriving.start()
    try:
        told = [[line.counted for line in funnel_by_rules(shop, asked, rules, project=project)] for _ in range(12)]
    finally:
        enough.set()
        arriving.join()
    assert told == [[200, 200]] * 12


@pytest.mark.parametrize("rules", [Rules(), Rules(step_order="any")])
def test_walks_that_hold_what_is_no_longer_there_are_read_from_the_touchpoints(
    shop: Client, rules: Rules, project: str
) -> None:
    store(shop, project, seed=5)
    stitch(shop)
    JourneyIndex(shop, linger_seconds=0).refresh()
    assert "told.all_flags" in funnel_by_rules(shop, STEPS, rules, project=project).sql
    shop.command(
        "ALTER TABLE touchpoints DELETE WHERE project = {project:String} AND channel = 'store'",
        parameters={"project": project},
        settings={"mutations_sync": 1},
    )
    told = funnel_by_rules(shop, STEPS, rules, project=project)
    assert "told.all_flags" not in told.sql
    assert lines(map(astuple, told)) == lines(view(shop, STEPS, rules, project))


def test_a_field_has_one_name_or_two(shop: Client) -> None:
    for field in ("properties.a.b.c", "properties..b", "context."):
        with pytest.raises(UnusableRules, match=r"a field is name, .*NAME\.NAME"):
            funnel_by_rules(shop, [Step(names=[NAMES[0]], where=[Where(field, "set")])], project="shop")
        with pytest.raises(UnusableRules, match="count_by is person"):
            funnel_by_rules(shop, STEPS, Rules(count_by=field), project="shop")
