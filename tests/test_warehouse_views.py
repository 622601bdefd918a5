"""The views, proved against the oracle: on lives made up by hypothesis, and on the cases that are easy to get wrong."""

import math
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas import questions
from parcours_collector.atlas.answer import Answer
from parcours_collector.atlas.identity import evidence
from parcours_collector.warehouse.stitching import stitch
from tests import oracle
from tests.oracle import Touch
from tests.touchpoint_rows import NAMES, START, lives, store, touch

CONVERSIONS = {"order_completed"}

real_engine = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def fresh_project() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def resolved(client: Client, project: str) -> list[tuple[object, ...]]:
    return [
        tuple(values)
        for values in client.query(
            "SELECT person_id, id, session_no, journey_no, stage, occurred_at FROM touchpoints_resolved "
            "WHERE project = {project:String} ORDER BY person_id, occurred_at, toUInt128(id)",
            parameters={"project": project},
        ).result_rows
    ]


@real_engine
@given(touches=lives())
def test_people_sessions_and_journeys_are_those_of_the_oracle(clickhouse: Client, touches: list[Touch]) -> None:
    project = fresh_project()
    store(clickhouse, project, touches)
    stitch(clickhouse)
    walks = oracle.walks(touches)
    rows = resolved(clickhouse, project)
    assert {row[1] for row in rows} == {one.id for one in touches}
    assert len(rows) == len({one.id for one in touches})
    by_person: dict[object, list[tuple[object, ...]]] = defaultdict(list)
    for row in rows:
        by_person[row[0]].append(row)
    nobody = by_person.pop(0, [])
    assert {row[1] for row in nobody} == {one.id for one in touches if not one.identifiers}
    assert all(row[2:4] == (0, 0) for row in nobody)
    now = datetime.now(UTC)
    expected = {
        tuple(one.id for one in walk): (
            oracle.sessions(walk),
            [number for number, (part, _) in enumerate(oracle.journeys(walk, CONVERSIONS, now), 1) for _ in part],
        )
        for walk in walks.values()
    }
    found = {
        tuple(row[1] for row in walk): ([row[2] for row in walk], [row[3] for row in walk])
        for walk in by_person.values()
    }
    assert found == expected


@real_engine
@given(touches=lives())
def test_journeys_have_the_outcomes_paths_and_revenue_of_the_oracle(clickhouse: Client, touches: list[Touch]) -> None:
    project = fresh_project()
    store(clickhouse, project, touches)
    stitch(clickhouse)
    now = datetime.now(UTC)
    expected = sorted(
        (
            number,
            part[0].occurred_at,
            part[-1].occurred_at,
            outcome,
            [one.name for one in part],
            10.5 * sum(one.name == "order_completed" for one in part),
        )
        for walk in oracle.walks(touches).values()
        for number, (part, outcome) in enumerate(oracle.journeys(walk, CONVERSIONS, now), 1)
    )
    rows = clickhouse.query(
        "SELECT journey_no, started_at, ended_at, outcome, path, toFloat64(revenue) FROM journeys "
        "WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    found = sorted((no, start, end, outcome, list(path), revenue) for no, start, end, outcome, path, revenue in rows)
    assert found == expected


@real_engine
@given(
    touches=lives(),
    steps=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    window=st.sampled_from((timedelta(0), timedelta(minutes=30), timedelta(days=1), timedelta(days=31))),
)
def test_a_funnel_counts_the_people_and_waits_of_the_oracle(
    clickhouse: Client, touches: list[Touch], steps: list[str], window: timedelta
) -> None:
    project = fresh_project()
    store(clickhouse, project, touches)
    stitch(clickhouse)
    rows = questions.funnel(clickhouse, steps, int(window.total_seconds()), project=project)
    expected = oracle.funnel(oracle.walks(touches).values(), steps, window)
    assert [row.people for row in rows] == [people for people, _ in expected]
    for row, (_, median) in zip(rows, expected, strict=True):
        assert math.isnan(row.median_seconds) if median is None else row.median_seconds == pytest.approx(median)
    weekly = questions.funnel_weekly(clickhouse, steps, int(window.total_seconds()), project=project)
    for row in rows:
        assert sum(week.people for week in weekly if week.step == row.step) == row.people
    listed = clickhouse.query(
        "SELECT reached FROM funnel_people(steps = {steps:Array(String)}, window_seconds = {window:UInt64}, "
        "project = {project:String})",
        parameters={"steps": steps, "window": int(window.total_seconds()), "project": project},
    ).result_rows
    assert [sum(reached >= row.step for (reached,) in listed) for row in rows] == [row.people for row in rows]


@real_engine
@given(touches=lives())
def test_transitions_are_the_moves_of_the_oracle_and_probabilities_add_up(
    clickhouse: Client, touches: list[Touch]
) -> None:
    project = fresh_project()
    store(clickhouse, project, touches)
    stitch(clickhouse)
    rows = questions.transitions(clickhouse, project=project, limit=1000)
    assert {(row.from_node, row.to_node): row.passages for row in rows} == oracle.transitions(
        oracle.walks(touches).values()
    )
    out: dict[str, float] = defaultdict(float)
    for row in rows:
        out[row.from_node] += row.probability
    assert all(total == pytest.approx(1) for total in out.values())


def test_a_late_merge_joins_the_past_of_both_and_changes_the_funnel(clickhouse: Client, project: str) -> None:
    store(
        clickhouse,
        project,
        [
            touch("ad_impression", 0, channel="ads", anonymous_id="phone"),
            touch("product_viewed", 60, anonymous_id="computer"),
            touch("order_completed", 120, channel="store", loyalty_card="card"),
        ],
    )
    stitch(clickhouse)
    steps = ["ad_impression", "product_viewed", "order_completed"]
    assert [row.people for row in questions.funnel(clickhouse, steps, 3600, project=project)] == [1, 0, 0]
    assert questions.totals(clickhouse, project=project).people == 3
    store(clickhouse, project, [touch("identified", 300, anonymous_id="phone", user_id="u", loyalty_card="card")])
    store(clickhouse, project, [touch("identified", 301, anonymous_id="computer", user_id="u")])
    stitch(clickhouse)
    assert [row.people for row in questions.funnel(clickhouse, steps, 3600, project=project)] == [1, 1, 1]
    assert questions.totals(clickhouse, project=project).people == 1
    timeline = questions.person_timeline(clickhouse, "loyalty_card", "card", project=project)
    assert [entry.name for entry in timeline] == [*steps, "identified", "identified"]
    assert len({entry.person_id for entry in timeline}) == 1


def test_a_retry_on_another_day_and_another_collector_counts_once(clickhouse: Client, project: str) -> None:
    first = touch("order_completed", 0, user_id="u")
    late = Touch(first.id, first.name, first.occurred_at + timedelta(seconds=9), first.ids, "web", first.received_at)
    later = Touch(
        first.id,
        first.name,
        first.occurred_at,
        first.ids,
        "web",
        first.received_at + timedelta(days=40),  # type: ignore[operator]
    )
    for one in (later, first):
        store(clickhouse, project, [one])
    rows = clickhouse.query(
        "SELECT count(), any(received_at) FROM touchpoints_unique WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows == [(1, first.received_at)]
    store(clickhouse, project, [late])
    assert questions.totals(clickhouse, project=project).touchpoints == 1


def test_a_placeholder_is_kept_and_joins_nobody(clickhouse: Client, project: str) -> None:
    one, two, only = (
        Touch(uuid.uuid4(), "page_viewed", START, ids, received_at=START, placeholders=("null",))
        for ids in (
            {"user_id": ("u1",), "anonymous_id": ("null",)},
            {"user_id": ("u2",), "anonymous_id": ("null",)},
            {"anonymous_id": ("null",)},
        )
    )
    store(clickhouse, project, [one, two, only])
    stitch(clickhouse)
    totals = questions.totals(clickhouse, project=project)
    assert (totals.touchpoints, totals.people) == (3, 2)
    kept = clickhouse.query(
        "SELECT ids FROM touchpoints_resolved WHERE project = {project:String} AND person_id = 0",
        parameters={"project": project},
    ).result_rows
    assert kept == [({"anonymous_id": ["null"]},)]


def test_the_same_identifier_in_two_projects_is_two_people(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("page_viewed", 0, user_id="u")])
    store(clickhouse, f"{project}-b", [touch("page_viewed", 0, user_id="u")])
    stitch(clickhouse)
    people = clickhouse.query(
        "SELECT uniqExact(person_id) FROM touchpoints_unique WHERE startsWith(project, {project:String})",
        parameters={"project": project},
    ).result_rows
    assert people == [(2,)]


def test_a_project_may_have_gaps_a_currency_and_conversions_of_its_own(clickhouse: Client, project: str) -> None:
    store(
        clickhouse,
        project,
        [
            touch("product_viewed", 0, user_id="u"),
            touch("order_completed", 120, user_id="u"),
            touch("product_viewed", 240, user_id="u"),
        ],
    )
    before = clickhouse.query(
        "SELECT max(session_no), max(journey_no) FROM touchpoints_resolved WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert before == [(1, 2)]
    clickhouse.insert(
        "projects",
        [(project, 60, 2592000, "USD")],
        column_names=["project", "session_gap_seconds", "journey_gap_seconds", "currency"],
    )
    clickhouse.insert(
        "touchpoint_kinds",
        [(project, "order_completed", "web", "purchase", "buy", "neutral", False, "1-0-0")],
        column_names=["project", "name", "channel", "stage", "need", "valence", "conversion", "version"],
    )
    clickhouse.command("SYSTEM RELOAD DICTIONARY project_settings")
    clickhouse.command("SYSTEM RELOAD DICTIONARY kind_of")
    after = clickhouse.query(
        "SELECT max(session_no), max(journey_no) FROM touchpoints_resolved WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert after == [(3, 1)]
    money = clickhouse.query(
        "SELECT toFloat64(sum(revenue)), sumMap(revenue_by_currency)['EUR'] FROM journeys "
        "WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert (money[0][0], float(money[0][1])) == (0.0, 10.5)


def test_a_wrong_node_says_which_there_are(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("page_viewed", 0, user_id="u")])
    with pytest.raises(DatabaseError, match="node is name, channel, name_channel, stage"):
        questions.transitions(clickhouse, node="plaec", project=project)
    with pytest.raises(DatabaseError, match="walk_transitions knows the other nodes"):
        clickhouse.query("SELECT * FROM transitions(node = 'place')")


def test_every_list_of_rows_brings_the_sql_that_gives_it_again(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch(name, 0, user_id="u", anonymous_id="a") for name in NAMES])
    stitch(clickhouse)
    answers: list[Answer[Any]] = [
        questions.transitions(clickhouse, project=project),
        questions.transitions(clickhouse, node="stage", project=project),
        questions.person_timeline(clickhouse, "user_id", "u", project=project),
        questions.journey_outcomes(clickhouse, project=project),
        evidence(clickhouse, ("user_id", "u"), project=project),
        questions.funnel(clickhouse, NAMES[:2], 60, project=project),
        questions.funnel_weekly(clickhouse, NAMES[:2], 60, project=project),
        questions.funnel_people(clickhouse, NAMES[:2], 60, project=project),
    ]
    for answer in answers:
        again = clickhouse.query(answer.sql, parameters=dict(answer.parameters))
        assert len(again.result_rows) == len(answer) > 0


def test_the_people_of_a_funnel_are_as_many_as_it_counts_at_every_step(clickhouse: Client, project: str) -> None:
    steps = ["product_viewed", "product_added", "order_completed"]
    store(
        clickhouse,
        project,
        [touch(step, place, user_id=f"u{n}") for n in range(9) for place, step in enumerate(steps[: 1 + n % 3])],
    )
    stitch(clickhouse)
    counted = questions.funnel(clickhouse, steps, 60, project=project)
    listed = questions.funnel_people(clickhouse, steps, 60, project=project)
    assert [step.people for step in counted] == [9, 6, 3]
    assert [sum(one.reached >= step.step for one in listed) for step in counted] == [9, 6, 3]
    assert {one.person_id for one in listed if one.reached == 3} == {
        entry.person_id
        for n in (2, 5, 8)
        for entry in questions.person_timeline(clickhouse, "user_id", f"u{n}", project=project)
    }


def test_a_funnel_without_steps_says_so(clickhouse: Client) -> None:
    with pytest.raises(DatabaseError, match="steps names at least one touchpoint"):
        questions.funnel(clickhouse, [], 60)


def test_a_gap_that_never_comes_leaves_every_touchpoint_in_journey_one(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("product_viewed", day * 86_400 * 60, user_id="u") for day in range(3)])
    never = 2**32 - 1
    clickhouse.insert(
        "projects",
        [(project, never, never)],
        column_names=["project", "session_gap_seconds", "journey_gap_seconds"],
    )
    clickhouse.command("SYSTEM RELOAD DICTIONARY project_settings")
    rows = clickhouse.query(
        "SELECT session_no, journey_no, count() FROM touchpoints_resolved "
        "WHERE project = {project:String} GROUP BY ALL",
        parameters={"project": project},
    ).result_rows
    assert rows == [(1, 1, 3)]


def test_a_funnel_of_three_hundred_steps_is_counted_right(clickhouse: Client, project: str) -> None:
    names = [f"n{number}" for number in range(298)]
    store(clickhouse, project, [touch(name, at, user_id="u") for at, name in enumerate(["product_viewed", *names])])
    steps = ["product_viewed", *names, "order_completed"]
    people = [row.people for row in questions.funnel(clickhouse, steps, 2**64 - 1, project=project)]
    assert people == [1] * 299 + [0]
    only_last = questions.funnel(clickhouse, [*names[:260], "product_viewed", "n0"], 600, project=project)
    assert [row.people for row in only_last] == [1] * 260 + [0, 0]
