"""Funnels by rules, proved against the oracle on random lives, and on what is easy to get wrong."""

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from math import nan
from statistics import fmean, median
from typing import Any, get_args

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas import questions
from parcours_collector.atlas.funnels import (
    BreakdownBy,
    Exclusion,
    Period,
    Preset,
    Rules,
    Step,
    StepOrder,
    UnusableRules,
    Where,
    conversion_times,
    funnel_attempts,
    funnel_by_rules,
    funnel_rules,
)
from parcours_collector.atlas.names import UnknownTouchpoint
from parcours_collector.atlas.paths import top_paths
from parcours_collector.atlas.retention import retention
from parcours_collector.atlas.sampling import funnel_sampled
from parcours_collector.atlas.walks import Walks
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.insert import INSERT_SETTINGS
from parcours_collector.warehouse.stitching import stitch
from tests import oracle
from tests.funnel_oracle import Funnel, by_step, properties_of
from tests.oracle import Touch
from tests.touchpoint_rows import CHANNELS, NAMES, START, lives, row, store, store_rows, touch

random_funnels = settings(
    max_examples=int(os.environ.get("FUNNEL_EXAMPLES", "3")),
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)
_texts = st.builds(
    Where,
    field=st.sampled_from(("channel", "channel", "properties.cart")),
    operator=st.sampled_from(("=", "!=", "contains")),
    values=st.lists(st.sampled_from((*CHANNELS, "c1", "10")), min_size=1, max_size=3, unique=True),
)
_numbers = st.builds(
    Where,
    field=st.sampled_from(("properties.price", "properties.price", "properties.cart")),
    operator=st.sampled_from(("<", "<=", ">", ">=", "=", "!=")),
    values=st.sampled_from(("10", "10.0", "5", "2.50", "9.50", "ten")).map(lambda value: [value]),
)
_given = st.builds(
    Where,
    field=st.sampled_from(("properties.price", "properties.cart")),
    operator=st.sampled_from(("set", "unset")),
)
_where = st.one_of(_texts, _texts, _numbers, _given).map(lambda one: [one])
wheres = st.one_of(st.just([]), st.just([]), _where, st.tuples(_where, _where).map(lambda two: two[0] + two[1]))
_seconds = st.sampled_from((0.0, 60.0, 1800.0, 3600.0, 86_400.0, 30 * 86_400.0))


@st.composite
def steps(draw: st.DrawFn, *, often_named: bool = False) -> list[str | Step]:
    found: list[str | Step] = []
    for place in range(draw(st.integers(1, 4))):
        if draw(st.booleans()) or (often_named and draw(st.booleans())):
            found.append(draw(st.sampled_from(NAMES)))
            continue
        found.append(
            Step(
                names=draw(st.one_of(names, names, st.just([]))),
                where=draw(wheres),
                optional=place > 0 and draw(st.booleans()),
                within_seconds=draw(st.none() | st.none() | _seconds),
                first_ever=draw(st.sampled_from((False, False, False, True))),
            )
        )
    return found


@st.composite
def rules(draw: st.DrawFn, step_count: int) -> Rules:
    def maybe(strategy: st.SearchStrategy[Any], often: int = 3) -> Any:
        return draw(strategy) if draw(st.integers(0, often)) == 0 else None

    exclusions = []
    if step_count > 1 and draw(st.booleans()):
        first = draw(st.integers(1, step_count - 1))
        last = draw(st.integers(first + 1, step_count))
        exclusions = [Exclusion(names=draw(names), where=draw(wheres), from_step=first, to_step=last)]
    return Rules(
        preset=draw(st.sampled_from(get_args(Preset))),
        step_order=maybe(st.sampled_from(get_args(StepOrder))),
        may_go_back=maybe(st.just(True)),
        attempts=maybe(st.sampled_from(("best", "first"))),
        count_attempts=maybe(st.just(True)),
        count_by=maybe(st.sampled_from(("journey", "session"))),
        window_seconds=draw(st.none() | _seconds),
        hold=draw(st.sampled_from(((), (), (), ("channel",), ("properties.cart",), ("properties.cart", "channel")))),
        ties=maybe(st.sampled_from(("arrival", "any"))),
        grace_seconds=maybe(st.sampled_from((0.0, 60.0, 1800.0))),
        resolution_seconds=maybe(st.sampled_from((0.0, 60.0))),
        exclusions=exclusions,
        exclusion_ends=maybe(st.sampled_from(("attempt", "person"))),
        where=draw(wheres),
        breakdown=maybe(st.sampled_from(("channel", "name", "properties.cart", "properties.price")), 1),
        breakdown_by=maybe(st.sampled_from(get_args(BreakdownBy)), 1),
        breakdown_step=maybe(st.integers(1, step_count)),
        interval=maybe(st.sampled_from(get_args(Period))),
        timezone=maybe(st.sampled_from(("America/Los_Angeles", "Asia/Kathmandu"))),
    )


@random_funnels
@given(
    touches=lives(),
    asked=steps().flatmap(lambda asked: st.tuples(st.just(asked), rules(len(asked)))),
    from_at=st.sampled_from((None, None, START + timedelta(hours=2))),
    to_at=st.sampled_from((None, None, START + timedelta(days=20))),
)
def test_a_funnel_counts_the_attempts_of_the_oracle_and_lists_them(
    clickhouse: Client,
    touches: list[Touch],
    asked: tuple[list[str | Step], Rules],
    from_at: datetime | None,
    to_at: datetime | None,
) -> None:
    _compare(clickhouse, touches, *asked, from_at, to_at)


@random_funnels
@given(
    touches=lives(pauses=[timedelta(seconds=seconds) for seconds in (0, 0, 0.1, 0.5, 1, 2, 3)]),
    asked=steps(often_named=True).flatmap(lambda asked: st.tuples(st.just(asked), rules(len(asked)))),
    ties=st.fixed_dictionaries(
        {
            "preset": st.sampled_from(("mixpanel", "mixpanel", "posthog", "amplitude")),
            "grace_seconds": st.sampled_from((None, None, 0.0, 1.0, 60.0)),
            "window_seconds": st.sampled_from((None, None, 1.0, 5.0)),
            "ties": st.just("any"),
        }
    ),
)
def test_touchpoints_that_go_any_way_round_are_told_as_the_oracle_tells_them(
    clickhouse: Client, touches: list[Touch], asked: tuple[list[str | Step], Rules], ties: dict[str, Any]
) -> None:
    asked_steps, asked_rules = asked
    _compare(clickhouse, touches, asked_steps, replace(asked_rules, **ties), None, None)


@pytest.fixture(scope="session")
def interpreted(clickhouse_url: str) -> Iterator[Client]:
    """A client whose questions the engine interprets, however often they are asked: compiled, it may shift wider."""
    with connect(clickhouse_url) as client:
        client.set_client_setting("compile_expressions", 0)
        yield client


_breakdowns = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries(
        {
            "breakdown": st.sampled_from(("channel", "channel", "name", "properties.cart", "properties.price")),
            "breakdown_by": st.sampled_from(("first_touch", "last_touch")),
        }
    ),
)


@st.composite
def plain_rules(draw: st.DrawFn) -> tuple[list[str | Step], Rules]:
    """Rules that the fast pass knows: exclusions have other names than steps, steps may share theirs."""
    excluded = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    named = st.lists(st.sampled_from([name for name in NAMES if name not in excluded]), min_size=1, max_size=2)
    where_one = st.one_of(
        st.sampled_from(([], [], [Where.is_("channel", "web", "store")], [Where.is_("name", NAMES[0])])), _where
    )
    asked = draw(
        st.lists(
            st.builds(Step, names=named, where=where_one, within_seconds=st.none() | st.none() | _seconds),
            min_size=1,
            max_size=6,
        )
    )
    spans = st.integers(1, max(len(asked) - 1, 1)).flatmap(
        lambda first: st.tuples(st.just(first), st.integers(first + 1, max(len(asked), first + 1)))
    )
    exclusions = [
        Exclusion(names=[name], where=draw(where_one), from_step=span[0], to_step=span[1])
        for name in excluded
        if len(asked) > 1 and (span := draw(spans))
    ]
    where = draw(st.one_of(st.just([]), st.just([]), _where))
    return list(asked), Rules(
        window_seconds=draw(st.none() | _seconds),
        exclusions=exclusions,
        exclusion_ends=draw(st.sampled_from((None, "person"))),
        where=where,
        attempts=draw(st.none() | st.just("first")),
        resolution_seconds=draw(st.sampled_from((None, None, 60.0))),
        **draw(_breakdowns),
    )


def has_room(asked: list[str | Step], asked_rules: Rules) -> bool:
    """Whether no more than four conditions look at three fields, as many as the fast pass takes."""
    conditions = [*asked_rules.where, *(where for one in asked if isinstance(one, Step) for where in one.where)]
    conditions += [where for one in asked_rules.exclusions for where in one.where]
    fields_looked_at = {where.field for where in conditions} | ({asked_rules.breakdown} - {None})
    return len(fields_looked_at) <= 3 and len(set(map(repr, conditions))) <= 4


@st.composite
def plain_rules_with_ties(draw: st.DrawFn) -> tuple[list[str | Step], Rules]:
    """Rules that the fast pass knows, where touchpoints of one instant go any way round: steps share no name."""
    shuffled = draw(st.permutations(NAMES))
    asked: list[str | Step] = []
    left = list(shuffled)
    while left and len(asked) < 6 and (not asked or draw(st.integers(0, 3))):
        taken, left = left[: draw(st.sampled_from((1, 1, 1, 2)))], left[1:]
        left = [name for name in left if name not in taken]
        asked.append(
            Step(names=taken, where=draw(st.one_of(st.sampled_from(([], [], [Where.is_("channel", "web")])), _where)))
        )
    grace = draw(st.sampled_from((None, 0.0, 1.0, 60.0)))
    preset = draw(st.sampled_from(("posthog", "mixpanel", "amplitude")))
    exclusions = []
    if grace == 0 or (grace is None and preset != "mixpanel"):
        asked = [replace(one, within_seconds=draw(st.none() | _seconds)) for one in asked if isinstance(one, Step)]
        named = {name for one in asked if isinstance(one, Step) for name in one.names}
        if len(asked) > 1:
            excluded = draw(st.lists(st.sampled_from(sorted({*NAMES} - named) or [""]), max_size=2, unique=True))
            exclusions = [Exclusion(names=[name], from_step=draw(st.none() | st.just(1))) for name in excluded if name]
    return asked, Rules(
        preset=preset,
        attempts=draw(st.sampled_from((None, None, "best", "first"))),
        exclusions=exclusions,
        exclusion_ends=draw(st.sampled_from((None, "attempt", "person"))) if exclusions else None,
        grace_seconds=grace,
        resolution_seconds=draw(st.sampled_from((None, None, 60.0))),
        window_seconds=draw(st.sampled_from((None, None, 1.0, 5.0, 60.0))),
        where=draw(st.one_of(st.just([]), st.just([]), _where)),
        **draw(_breakdowns),
    )


@settings(random_funnels, max_examples=int(os.environ.get("FUNNEL_EXAMPLES", "12")))
@given(
    touches=lives(pauses=[timedelta(seconds=seconds) for seconds in (0, 0, 0, 0.1, 0.5, 1, 2, 3, 60)]),
    asked=plain_rules_with_ties().filter(lambda asked: has_room(*asked)),
)
def test_a_preset_is_walked_step_by_step_and_finds_the_attempts_of_the_oracle(
    interpreted: Client, touches: list[Touch], asked: tuple[list[str | Step], Rules]
) -> None:
    assert_stepped(interpreted, asked)
    _compare(interpreted, touches, *asked, None, None)


@settings(random_funnels, max_examples=int(os.environ.get("FUNNEL_EXAMPLES", "12")))
@given(
    touches=lives(pauses=[timedelta(seconds=seconds) for seconds in (0, 1, 60, 600, 1800, 7200, 90_000)]),
    asked=plain_rules().filter(lambda asked: has_room(*asked)),
    from_at=st.sampled_from((None, None, START + timedelta(hours=2))),
    to_at=st.sampled_from((None, None, START + timedelta(days=2))),
)
def test_a_funnel_by_plain_rules_is_walked_step_by_step_and_finds_the_attempts_of_the_oracle(
    interpreted: Client,
    touches: list[Touch],
    asked: tuple[list[str | Step], Rules],
    from_at: datetime | None,
    to_at: datetime | None,
) -> None:
    assert_stepped(interpreted, asked)
    _compare(interpreted, touches, *asked, from_at, to_at)


@st.composite
def lives_alike(draw: st.DrawFn) -> list[Touch]:
    """Many people who did a few things in the same order, with pauses on both sides of what `rules_of_pauses` bound."""
    orders = draw(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), min_size=1, max_size=3))
    pauses = st.sampled_from((0, 0.5, 1, 1.5, 30, 60, 60.001, 3540, 3600, 3600.001, 9000))
    touches = []
    for person in range(draw(st.integers(2, 14))):
        seconds = 0.0
        for name in draw(st.sampled_from(orders)):
            touches.append(touch(name, seconds, channel=draw(st.sampled_from(("web", "app"))), user_id=f"u{person}"))
            seconds += draw(pauses)
    return touches


@st.composite
def rules_of_pauses(draw: st.DrawFn) -> tuple[list[str | Step], Rules]:
    shuffled = draw(st.permutations(NAMES))
    within = st.sampled_from((None, None, 60.0, 9000.0))
    asked: list[str | Step] = [Step(names=[name], within_seconds=draw(within)) for name in shuffled[:3]]
    grace = draw(st.sampled_from((0.0, 0.0, 1.0)))
    excludes = grace == 0 and draw(st.booleans())
    preset: Preset = draw(st.sampled_from(("parcours", "posthog", "amplitude")))
    return asked if grace == 0 or preset == "parcours" else [*shuffled[:3]], Rules(
        preset=preset,
        window_seconds=3600.0,
        grace_seconds=grace if preset != "parcours" else None,
        attempts=draw(st.sampled_from((None, "first"))),
        exclusions=[Exclusion(names=[shuffled[3]])] if excludes else [],
        exclusion_ends=draw(st.sampled_from(("attempt", "person"))) if excludes else None,
        **draw(_breakdowns.filter(lambda one: one.get("breakdown") in {None, "channel", "name"})),
    )


@settings(random_funnels, max_examples=int(os.environ.get("FUNNEL_EXAMPLES", "12")))
@given(touches=lives_alike(), asked=rules_of_pauses())
def test_walks_that_are_alike_are_gone_through_once_and_everybody_is_counted(
    interpreted: Client, touches: list[Touch], asked: tuple[list[str | Step], Rules]
) -> None:
    assert_stepped(interpreted, asked)
    _compare(interpreted, touches, *asked, None, None)


@st.composite
def rules_of_walks(draw: st.DrawFn) -> tuple[list[str | Step], Rules]:
    """Rules of any kind that count people or their attempts, broken down by names and channels at most."""
    where = st.one_of(
        st.sampled_from(([], [], [], [Where.is_("channel", "web")], [Where.is_("name", NAMES[0], NAMES[1])])), _where
    )
    asked: list[str | Step] = [
        Step(
            names=draw(st.one_of(names, names, st.just([]))),
            where=draw(where),
            optional=place > 0 and draw(st.booleans()),
            within_seconds=draw(st.sampled_from((None, None, None, 60.0, 9000.0))),
        )
        for place in range(draw(st.integers(1, 4)))
    ]
    excludes = len(asked) > 1 and draw(st.booleans())
    return asked, Rules(
        preset=draw(st.sampled_from(get_args(Preset))),
        step_order=draw(st.sampled_from((None, *get_args(StepOrder)))),
        may_go_back=draw(st.sampled_from((None, None, True))),
        attempts=draw(st.sampled_from((None, "best", "first"))),
        count_attempts=draw(st.sampled_from((None, None, True))),
        window_seconds=draw(st.sampled_from((3600.0, 3600.0, 60.0))),
        ties=draw(st.sampled_from((None, "arrival", "any"))),
        grace_seconds=draw(st.sampled_from((None, 0.0, 1.0))),
        resolution_seconds=draw(st.sampled_from((None, None, 60.0))),
        exclusions=[Exclusion(names=draw(names), where=draw(where))] if excludes else [],
        exclusion_ends=draw(st.sampled_from((None, "attempt", "person"))) if excludes else None,
        where=draw(where),
        **draw(_breakdowns.filter(lambda one: one.get("breakdown") in {None, "channel", "name"})),
    )


@settings(random_funnels, max_examples=int(os.environ.get("FUNNEL_EXAMPLES", "12")))
@given(
    touches=lives_alike(),
    asked=rules_of_walks().filter(lambda asked: has_room(*asked)),
    from_at=st.sampled_from((None, None, START + timedelta(minutes=1))),
)
def test_walks_that_are_alike_are_gone_through_once_under_rules_of_any_kind(
    interpreted: Client, touches: list[Touch], asked: tuple[list[str | Step], Rules], from_at: datetime | None
) -> None:
    counted = funnel_by_rules(interpreted, *asked, project="nobody", allow_unknown=True)
    assert "groupArrayArray(at)" in counted.sql
    _compare(interpreted, touches, *asked, from_at, None)


def test_of_walks_that_are_alike_one_is_gone_through(interpreted: Client, project: str) -> None:
    def walk(person: str, *at_seconds: float) -> list[Touch]:
        return [touch(name, at, user_id=person) for name, at in zip(NAMES, at_seconds, strict=False)]

    alike = [*walk("a", 0, 10, 20, 30), *walk("b", 5, 100, 110, 120), *walk("c", 7, 8, 9, 10)]
    at_one_instant = walk("d", 3, 3, 4, 5)
    too_far = [*walk("e", 0, 7200, 7201, 7202), *walk("f", 0, 9000, 9001, 9002)]
    beyond_one_bound = [*walk("g", 0, 1800, 1801, 1802), *walk("h", 0, 1801, 1802, 1803)]
    store_rows(interpreted, [row(one, project) for one in (*alike, *at_one_instant, *too_far, *beyond_one_bound)])
    stitch(interpreted)
    asked = orjson.dumps([NAMES[0], {"names": [NAMES[1]], "within_seconds": 600}, *NAMES[2:]]).decode()
    told = interpreted.query(
        "SELECT breakdown_value.people FROM funnel_walks_alike("
        "r = (SELECT r FROM funnel_asked(steps = {steps:String}, rules = '{\"window_seconds\": 3600}')),"
        "project = {project:String}, from_at = NULL, to_at = NULL, needs_ids = false) ORDER BY 1",
        parameters={"steps": asked, "project": project},
    ).result_rows
    assert [people for (people,) in told] == [1, 1, 1, 2, 3]


@pytest.mark.parametrize(
    ("rules", "people"),
    [
        ({}, [3]),
        ({"exclusions": [{"names": [NAMES[3]]}], "exclusion_ends": "attempt"}, [3]),
        ({"exclusions": [{"names": [NAMES[3]]}], "exclusion_ends": "person"}, [1, 2]),
        ({"preset": "posthog"}, [1, 2]),
    ],
)
def test_what_lies_before_the_first_step_and_after_the_last_further_one_tells_no_walks_apart(
    interpreted: Client, project: str, rules: dict[str, Any], people: list[int]
) -> None:
    first, second, third, excluded = NAMES
    told = {
        "a": [(first, 0), (second, 10)],
        "b": [(second, 0), (third, 5), (first, 10), (second, 20)],
        "c": [(second, 0), (first, 0), (second, 10), (excluded, 20), (first, 30)],
    }
    touches = [touch(name, at, user_id=person) for person, walk in told.items() for name, at in walk]
    in_order = [replace(one, id=uuid.UUID(int=n)) for n, one in enumerate(touches)]
    store_rows(interpreted, [row(one, project) for one in in_order])
    stitch(interpreted)
    asked = {"steps": orjson.dumps([first, second, third]).decode(), "rules": orjson.dumps(rules).decode()}
    alike = interpreted.query(
        "SELECT sum(breakdown_value.people) AS people FROM funnel_walks_alike("
        "r = (SELECT r FROM funnel_asked(steps = {steps:String}, rules = {rules:String})),"
        "project = {project:String}, from_at = NULL, to_at = NULL, needs_ids = false) GROUP BY flags ORDER BY people",
        parameters={**asked, "project": project},
    ).result_rows
    assert [count for (count,) in alike] == people


@pytest.mark.parametrize(
    ("steps", "rules"),
    [
        (NAMES[:2], Rules(preset="strict", resolution_seconds=60)),
        (NAMES[:2], Rules(count_attempts=True, resolution_seconds=60)),
        ([NAMES[0], Step(names=[NAMES[2]], optional=True), NAMES[1]], Rules(resolution_seconds=60)),
        (NAMES[:2], Rules(step_order="any", resolution_seconds=60)),
        (NAMES[:2], Rules(resolution_seconds=60)),
        (NAMES[:2], Rules(preset="strict", ties="any", resolution_seconds=60)),
    ],
)
def test_of_one_cut_time_the_first_of_the_same_steps_counts_wherever_it_lies(
    interpreted: Client, steps: list[str | Step], rules: Rules
) -> None:
    walk = [(NAMES[1], 1), (NAMES[0], 10), (NAMES[1], 20), (NAMES[0], 65), (NAMES[1], 130)]
    _compare(interpreted, [touch(name, at, user_id="u") for name, at in walk[:3]], list(steps), rules, None, None)
    _compare(interpreted, [touch(name, at, user_id="u") for name, at in walk], list(steps), rules, None, None)


def test_one_who_begins_thousands_of_attempts_takes_no_more_memory_for_each(
    clickhouse_url: str, interpreted: Client, project: str
) -> None:
    touches = [touch(NAMES[n % 2], n * 10, anonymous_id="bot") for n in range(10_000)]
    store_rows(interpreted, [row(one, project) for one in touches])
    with connect(clickhouse_url) as bounded:
        bounded.set_client_setting("max_memory_usage", 1_500_000_000)
        counted = funnel_by_rules(bounded, NAMES[:2], Rules(count_attempts=True, window_seconds=60), project=project)
    assert [(line.counted, line.people, line.median_seconds) for line in counted] == [(5_000, 1, 0), (5_000, 1, 10)]


def assert_stepped(client: Client, asked: tuple[list[str | Step], Rules]) -> None:
    counted = funnel_by_rules(client, *asked, project="nobody", allow_unknown=True)
    assert "came_to_1 AS" in counted.sql, "no general pass"


def _compare(
    clickhouse: Client,
    touches: list[Touch],
    asked_steps: list[str | Step],
    asked_rules: Rules,
    from_at: datetime | None,
    to_at: datetime | None,
) -> None:
    """Ask for attempts and counts, and compare them with the oracle's."""
    project = f"test-{uuid.uuid4().hex[:12]}"
    store_rows(clickhouse, [row(one, project) | {"properties": properties_of(one)} for one in touches])
    stitch(clickhouse)
    expected = Funnel(asked_steps, asked_rules).counted(oracle.walks(touches).values(), from_at, to_at)
    bounds: dict[str, Any] = {"project": project, "from_at": from_at, "to_at": to_at}
    found = funnel_attempts(clickhouse, asked_steps, asked_rules, **bounds)
    assert sorted(
        (
            one.subject, one.breakdown_value, str(one.period_at and one.period_at.astimezone(UTC)),
            [str(at) for at in one.step_times],
            [str(id_) if at else "None" for id_, at in zip(one.touchpoint_ids, one.step_times, strict=True)],
        )
        for one in found
    ) == sorted(
        (one.subject, one.value, str(one.period), [str(at) for at in one.times], [str(id_) for id_ in one.ids])
        for one in expected
    )  # fmt: skip
    counted = funnel_by_rules(clickhouse, asked_steps, asked_rules, **bounds)
    told: dict[tuple[str, datetime | None], list[int]] = {}
    for line in counted:
        key = (line.breakdown_value, line.period_at and line.period_at.astimezone(UTC))
        told.setdefault(key, []).append(line.counted)
    wanted = by_step(expected, len(asked_steps))
    if not (asked_rules.breakdown or asked_rules.interval):
        wanted.setdefault(("", None), [0] * len(asked_steps))
    assert told == wanted
    for line in counted:
        key = (line.breakdown_value, line.period_at)
        pauses = [
            one.seconds_from_previous[line.step - 1] or 0.0
            for one in found
            if (one.breakdown_value, one.period_at) == key
            and one.reached >= line.step
            and one.step_times[line.step - 1] is not None
        ]
        assert (line.avg_seconds, line.median_seconds) == pytest.approx(
            (fmean(pauses), median(pauses)) if pauses else (nan, nan), nan_ok=True
        )
        assert line.lost == sum(
            one.reached == line.step for one in found if (one.breakdown_value, one.period_at) == key
        )


def test_six_steps_four_exclusions_and_a_condition_on_everything_are_told_apart(
    interpreted: Client, project: str
) -> None:
    """Eleven bits tell what a touchpoint is: they do not fit in a byte."""
    touches = [touch(name, n, user_id="u") for n, name in enumerate(("a", "b", "c", "d", "e", "f"))]
    excluded = [touch("w", 2.5, user_id="u"), touch("x", 4.5, user_id="v")]
    store_rows(interpreted, [row(one, project) | {"properties": {"n": 1}} for one in (*touches, *excluded)])
    stitch(interpreted)
    steps = [
        "a",
        Step(names=["b"], where=[Where(field="properties.n", operator="<", values=["2"])]),
        "c",
        "d",
        "e",
        "f",
    ]
    never = Where(field="properties.n", operator=">", values=["5"])

    def reached(*excluding: Exclusion) -> list[int]:
        rules = Rules(exclusions=list(excluding), where=[Where(field="properties.n", operator="set")])
        asked: tuple[list[str | Step], Rules] = (steps, rules)
        assert_stepped(interpreted, asked)
        bounds: dict[str, Any] = {"project": project, "allow_unknown": True}
        listed = funnel_attempts(interpreted, *asked, **bounds)
        counted = [one.counted for one in funnel_by_rules(interpreted, *asked, **bounds)]
        assert counted == [sum(one.reached >= step for one in listed) for step in range(1, 7)]
        return [one.reached for one in listed]

    others = [Exclusion(names=[name]) for name in ("x", "y", "z")]
    assert reached(*others, Exclusion(names=["w"], where=[never])) == [6]
    assert reached(*others, Exclusion(names=["w"])) == [3]
    assert reached(Exclusion(names=["w"], from_step=4, to_step=6), *others) == [6]


@pytest.mark.parametrize("step_order", ["ordered", "strict"])
def test_within_a_time_that_is_cut_each_exclusion_and_each_that_lies_between_counts(
    clickhouse: Client, project: str, step_order: StepOrder
) -> None:
    told = [touch(name, n, user_id="u") for n, name in enumerate(("x", "s1", "x", "s2"))]
    store(clickhouse, project, told)
    stitch(clickhouse)
    ending = [Exclusion(names=["x"])] if step_order == "ordered" else []
    rules = Rules(step_order=step_order, exclusions=ending, resolution_seconds=60)
    found = funnel_attempts(clickhouse, ["s1", "s2"], rules, project=project, allow_unknown=True)
    assert [one.reached for one in found] == [1]


def test_by_default_it_is_the_plain_funnel(clickhouse: Client, project: str) -> None:
    touches = [
        touch(name, 600 * place, anonymous_id=f"a{place // 6}")
        for place, name in enumerate((*NAMES, *reversed(NAMES), *NAMES, *NAMES[::2]))
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    asked = [*NAMES[:3], NAMES[1]]
    plain = questions.funnel(clickhouse, asked, 3600, project=project)
    ruled = funnel_by_rules(clickhouse, asked, Rules(window_seconds=3600), project=project)
    assert [(row.name, row.people) for row in plain] == [(row.name, row.counted) for row in ruled]
    assert plain[1].people > 0
    assert [row.people for row in ruled] == [row.counted for row in ruled]


def test_what_lacks_the_property_that_is_counted_or_held_counts_nowhere(clickhouse: Client, project: str) -> None:
    told: list[tuple[str, float, str, dict[str, Any]]] = [
        ("product_added", 0, "ann", {"cart_id": "c1", "price": 20}),
        ("product_added", 10, "ben", {"cart_id": "c2", "price": 9.5}),
        ("order_completed", 20, "ben", {"cart_id": "c1"}),
        ("product_added", 30, "cyd", {}),
        ("order_completed", 40, "cyd", {}),
        ("order_completed", 50, "ann", {"cart_id": None}),
    ]
    _store(clickhouse, project, told)
    steps = ["product_added", "order_completed"]

    def counts(rules: Rules, asked: Sequence[str | Step] = steps) -> list[tuple[int, int]]:
        return [(row.counted, row.people) for row in funnel_by_rules(clickhouse, asked, rules, project=project)]

    assert counts(Rules()) == [(3, 3), (3, 3)]
    assert counts(Rules(count_by="properties.cart_id")) == [(2, 0), (1, 0)]
    assert counts(Rules(hold=["properties.cart_id"])) == [(2, 2), (0, 0)]
    attempts = funnel_attempts(clickhouse, steps, Rules(count_by="properties.cart_id"), project=project)
    assert [(one.subject, one.person_id, one.reached) for one in attempts] == [("c1", 0, 2), ("c2", 0, 1)]

    def where(operator: Any, *values: str) -> list[str | Step]:
        return [Step(names=["product_added"], where=[Where("properties.price", operator, values)])]

    expected = {">": 1, ">=": 1, "<": 1, "<=": 1, "=": 0, "!=": 3}
    assert {op: counts(Rules(), where(op, "10"))[0][0] for op in expected} == expected
    assert counts(Rules(), where("=", "20.0", "9.50")) == [(2, 2)]
    assert counts(Rules(), where("set")) == [(2, 2)]
    assert counts(Rules(), where("unset")) == [(1, 1)]
    assert counts(Rules(), where("contains", ".")) == [(1, 1)]
    assert counts(Rules(where=[Where("context.campaign.name", "=", ["spring"])])) == [(1, 1), (0, 0)]


def test_a_funnel_with_a_loop_and_one_of_forty_steps(clickhouse: Client, project: str) -> None:
    walk = ["viewed", "basket", "viewed", "basket", "paid"]
    _store(clickhouse, project, [(f"item_{name}", place, "ann", {}) for place, name in enumerate(walk)])
    loop = [f"item_{name}" for name in walk]
    assert [row.counted for row in funnel_by_rules(clickhouse, loop, project=project)] == [1] * 5
    straight = ["item_viewed", "item_basket", "item_paid"]
    strict = funnel_by_rules(clickhouse, straight, Rules(preset="strict"), project=project)
    assert [row.counted for row in strict] == [1, 1, 1]
    back = ["item_viewed", "item_basket", "item_basket"]
    assert [row.counted for row in funnel_by_rules(clickhouse, back, Rules(preset="strict"), project=project)] == [
        1,
        1,
        0,
    ]
    may = Rules(preset="strict", may_go_back=True)
    assert [row.counted for row in funnel_by_rules(clickhouse, back, may, project=project)] == [1, 1, 1]
    _store(clickhouse, f"{project}-long", [(f"step_{k}", k, "ann", {}) for k in range(40)])
    forty = funnel_by_rules(clickhouse, [f"step_{k}" for k in range(40)], project=f"{project}-long")
    assert [row.counted for row in forty] == [1] * 40


def test_the_times_of_conversion_are_all_counted_once(clickhouse: Client, project: str) -> None:
    waits = [60, 61, 200, 900, 3600]
    told = [
        one
        for number, wait in enumerate(waits)
        for one in (("cart_viewed", 0, f"u{number}", {}), ("cart_paid", wait, f"u{number}", {}))
    ]
    _store(clickhouse, project, told)
    times = conversion_times(clickhouse, ["cart_viewed", "cart_paid"], bins=4, project=project)
    assert [(one.from_seconds, one.counted) for one in times] == [(60, 4), (945, 0), (1830, 0), (2715, 0), (3600, 1)]
    nobody = conversion_times(clickhouse, ["cart_viewed", "cart_lost"], project=project, allow_unknown=True)
    assert nobody.rows == ()
    for wrong in (["cart_viewd", "cart_paid"], [Step(names=["cart_viewd"])]):
        with pytest.raises(UnknownTouchpoint, match="Did you mean cart_viewed"):
            funnel_by_rules(clickhouse, wrong, project=project)
    excluded = Rules(exclusions=[Exclusion(names=["cart_payd"])])
    with pytest.raises(UnknownTouchpoint, match="Did you mean cart_paid"):
        funnel_attempts(clickhouse, ["cart_viewed", "cart_paid"], excluded, project=project)
    with pytest.raises(UnusableRules, match="from_step lies before to_step"):
        conversion_times(clickhouse, ["cart_viewed", "cart_paid"], from_step=2, project=project)


def test_a_sampled_funnel_holds_the_whole_one_in_its_interval(clickhouse: Client, project: str) -> None:
    told = [
        one
        for number in range(2000)
        for one in (("cart_viewed", 0, f"u{number}", {}), ("cart_paid", 60, f"u{number}", {}))[: 1 + (number % 3 == 0)]
    ]
    _store(clickhouse, project, told)
    asked = ["cart_viewed", "cart_paid"]
    exact = questions.funnel(clickhouse, asked, 3600, project=project)
    assert [step.people for step in exact] == [2000, 667]
    sampled = funnel_sampled(clickhouse, asked, 3600, one_in=8, z=3.9, project=project)
    for step, whole in zip(sampled, exact, strict=True):
        assert step.people == 8 * step.sampled_people
        assert 0 < step.people_low <= whole.people <= step.people_high < 4000
        assert step.conversion_low <= whole.conversion_from_start <= step.conversion_high
    assert sampled[1].conversion_low < sampled[1].conversion_high
    again = funnel_sampled(clickhouse, asked, 3600, one_in=8, z=3.9, project=project)
    assert again.rows == sampled.rows, "always the same people"
    whole_sample = funnel_sampled(clickhouse, asked, 3600, one_in=1, project=project)
    assert [(step.people_low, step.people, step.people_high) for step in whole_sample] == [
        (step.people,) * 3 for step in exact
    ]
    with pytest.raises(DatabaseError, match="one_in is at least 1"):
        funnel_sampled(clickhouse, asked, 3600, one_in=0, project=project)


@pytest.mark.parametrize(
    ("steps_told", "rules_told", "said"),
    [
        ('["a"]', '{"windows_seconds": 3}', "no rule windows_seconds; near: window_seconds"),
        ('["a"]', '{"preset": "heap"}', "preset is parcours, posthog"),
        ('["a"]', '{"step_order": "loose"}', "step_order is ordered, strict or any"),
        ('["a"]', '{"where": [["property.x", "=", "1"]]}', "a field is name, channel"),
        ('["a"]', '{"where": [["channel", "is", "web"]]}', "operators are"),
        ('["a", "b"]', '{"exclusions": [{"name": "x", "from_step": 2, "to_step": 2}]}', "from_step below to_step"),
        ('["a"]', '{"breakdown": "channel", "breakdown_step": 2}', "breakdown_step is a step"),
        ('["a"]', '{"count_by": "cart"}', "count_by is person, session"),
        ('["a"]', '{"window_seconds": -1}', "no number of seconds is below 0"),
        ('["a"]', "{", "rules is a JSON object"),
        ("a, b", "", "steps is a JSON list"),
        ("[]", "", "steps is a JSON list"),
        ('[{"name": "a", "optional": true}]', "", "the first step is not optional"),
        ('["a", 1]', "", "steps is a JSON list"),
        ('["a", ""]', "", "steps is a JSON list"),
        ('[{"nmae": "a"}]', "", "a step has no nmae; near: name, names"),
        ('["a", {"name": "b", "within": 60}]', "", "a step has no within; near: within_seconds"),
        ('[{"names": "a"}]', "", "names is a list of names"),
        ('["a", {"name": "b", "optional": "yes"}]', "", "optional is true or false"),
        ('[{"name": "a", "where": ["channel", "=", "app"]}]', "", "where is a list of conditions"),
        ('["a"]', '{"where": ["channel", "=", "app"]}', "where is a list of conditions"),
        ('["a"]', '{"where": [["channel", "=", ["app", "web"]]]}', "the values of a condition are texts"),
        ('["a"]', '{"where": [["channel", "="]]}', "by =, != or contains has one or more values"),
        ('["a"]', '{"where": [["properties.price", ">=", 5, 10]]}', "by <, <=, > or >= one"),
        ('["a", "b"]', '{"exclusions": ["x"]}', "exclusions is a list of objects"),
        ('["a", "b"]', '{"exclusions": {"name": "x"}}', "exclusions is a list of objects"),
        ('["a", "b"]', '{"exclusions": [{"nmae": "x"}]}', "an exclusion has no nmae; near: name, names"),
        ('["a", "b"]', '{"exclusions": [{"name": "x", "from": 1}]}', "an exclusion has no from; near: from_step"),
        ('["a"]', '{"window_seconds": "1h"}', "window_seconds is a number"),
        ('["a"]', '{"hold": "channel"}', "hold is a list of fields"),
        ('["a"]', '{"count_attempts": "yes"}', "count_attempts is true or false"),
        ('["a"]', '{"breakdown_step": -1}', "breakdown_step is a step, from 1"),
        ('["a"]', '"mixpanel"', "rules is a JSON object"),
    ],
)
def test_what_is_declared_wrong_is_refused_with_what_is_right(
    clickhouse: Client, steps_told: str, rules_told: str, said: str
) -> None:
    with pytest.raises(DatabaseError, match=said):
        clickhouse.query(
            "SELECT * FROM funnel_rules(steps = {steps:String}, rules = {rules:String})",
            parameters={"steps": steps_told, "rules": rules_told},
        )


@pytest.mark.parametrize("preset", get_args(Preset))
def test_the_rules_that_a_preset_means_are_the_same_rules_when_they_are_declared(
    clickhouse: Client, preset: Preset
) -> None:
    steps: list[str | Step] = [
        Step(names="product_viewed", where=(Where("properties.price", ">=", "500"),), first_ever=True),
        Step(names=("product_added", "ticket_opened"), optional=True, within_seconds=60.5),
        "order_completed",
    ]
    excluded = Exclusion(names="order_cancelled", where=(Where("channel", "!=", ("web", "app")),))
    declared = Rules(preset=preset, exclusions=[excluded], hold="channel", where=[Where("revenue", "unset")])
    used = funnel_rules(clickhouse, steps, declared)[0]
    assert used.preset == preset
    assert used.steps == [*steps[:2], Step(names="order_completed")]
    assert used.step_names == ["product_viewed", "product_added | ticket_opened", "order_completed"]
    assert used.exclusions == [replace(excluded, from_step=1, to_step=3)]
    assert used.fields == ["revenue", "properties.price", "channel"]
    again = Rules(**{field.name: getattr(used, field.name) for field in fields(Rules)})
    assert funnel_rules(clickhouse, used.steps, again)[0] == used
    without_preset = replace(again, preset=None)
    assert funnel_rules(clickhouse, used.steps, without_preset)[0] == replace(used, preset="parcours")


def test_the_same_is_told_to_who_asks_in_python(clickhouse: Client, project: str) -> None:
    steps = ["product_viewed", "order_completed"]
    for rules, said in (
        ({"exclusions": ["ticket_opened"]}, "exclusions is a list of objects"),
        ({"window": 60}, "a funnel has no rule window; near: window_seconds"),
        (Rules(interval="day", timezone="Europe/Pariss"), "no time zone Europe/Pariss"),
    ):
        with pytest.raises(UnusableRules, match=said):
            funnel_by_rules(clickhouse, steps, rules, project=project)
    with pytest.raises(UnusableRules, match="a funnel has no rule window; near: window_seconds"):
        funnel_rules(clickhouse, steps, {"window": 60})
    with pytest.raises(UnknownTouchpoint, match="Did you mean ticket_opened"):
        funnel_by_rules(clickhouse, steps, {"exclusions": [{"name": "tiket_opened"}]}, project=project)
    for operator, values, said in (
        ("=", (), "at least one value"),
        (">=", ("500", "10"), "one value: properties.price has 2"),
        ("set", ("1",), "no value"),
    ):
        with pytest.raises(UnusableRules, match=said):
            Where("properties.price", operator, values)


def test_one_text_where_several_may_stand_is_one_of_them(clickhouse: Client, project: str) -> None:
    told = [
        row(touch(name, at, channel=channel, user_id=person), project) | {"properties": {"price": price}}
        for name, at, channel, person, price in (
            ("product_viewed", 0, "web", "ann", "20"),
            ("product_viewed", 0, "web", "ben", "900"),
            ("order_completed", 5, "store", "ann", None),
            ("order_completed", 5, "web", "ben", None),
        )
    ]
    _insert(clickhouse, told)

    def counts(steps: Any, rules: Rules | None = None) -> list[int]:
        return [step.counted for step in funnel_by_rules(clickhouse, steps, rules, project=project)]

    assert counts([Step(names="product_viewed", where=[Where("properties.price", ">=", "500")])]) == [1]
    assert counts([Step(where=[Where("channel", "=", "web")])]) == [2]
    assert counts(["product_viewed", "order_completed"], Rules(hold="channel")) == [2, 1]
    assert counts("product_viewed") == [2]
    assert [step.people for step in questions.funnel(clickhouse, "product_viewed", 5, project=project)] == [2]
    paths = top_paths(clickhouse, Walks(project=project, groups="product_*"))
    assert [path.path for path in paths] == [["product_*", "order_completed"]]


def test_every_funnel_and_retention_refuse_names_that_nobody_knows(clickhouse: Client, project: str) -> None:
    steps = ["product_vieved", "order_completed"]
    for asked in (
        lambda **unknown: questions.funnel(clickhouse, steps, 60, project=project, **unknown),
        lambda **unknown: questions.funnel_weekly(clickhouse, steps, 60, project=project, **unknown),
        lambda **unknown: funnel_sampled(clickhouse, steps, 60, project=project, **unknown),
        lambda **unknown: retention(clickhouse, "2026-06-01", 2, start_name=steps[0], project=project, **unknown),
        lambda **unknown: retention(clickhouse, "2026-06-01", 2, return_name=steps[0], project=project, **unknown),
    ):
        with pytest.raises(UnknownTouchpoint, match="Did you mean product_viewed"):
            asked()
        asked(allow_unknown=True)


def test_an_exclusion_acts_on_what_is_held_unless_it_is_of_another(clickhouse: Client, project: str) -> None:
    told: list[tuple[str, float, str, str, dict[str, Any]]] = [
        ("product_viewed", 0, "web", "ann", {"cart": "1"}),
        ("ticket_opened", 60, "service", "ann", {}),
        ("order_completed", 120, "web", "ann", {"cart": "1"}),
        ("product_viewed", 0, "web", "ben", {"cart": "1"}),
        ("ticket_opened", 60, "web", "ben", {"cart": "2"}),
        ("order_completed", 120, "web", "ben", {"cart": "1"}),
    ]
    _insert(
        clickhouse,
        [
            row(touch(name, at, channel=channel, user_id=person), project) | {"properties": properties}
            for name, at, channel, person, properties in told
        ],
    )

    def counts(rules: Rules) -> list[int]:
        steps = ["product_viewed", "order_completed"]
        return [step.counted for step in funnel_by_rules(clickhouse, steps, rules, project=project)]

    tickets = [Exclusion(names="ticket_opened")]
    assert counts(Rules(hold="channel")) == [2, 2]
    assert counts(Rules(hold="channel", exclusions=tickets)) == [2, 0]
    assert counts(Rules(hold="properties.cart", exclusions=tickets)) == [2, 1], "ben's ticket is of another cart"
    assert counts(Rules(hold="properties.cart", exclusions=tickets, preset="posthog")) == [1, 1]
    assert counts(Rules(hold="channel", preset="strict")) == [2, 0]
    assert counts(Rules(hold="properties.cart", preset="strict")) == [2, 1]


def test_what_is_excluded_and_the_first_step_begins_an_attempt_when_the_one_before_is_over(
    clickhouse: Client, project: str
) -> None:
    told: list[tuple[str, float, str, dict[str, Any]]] = [
        ("product_viewed", 0, "ann", {}),
        ("product_viewed", 61, "ann", {}),
        ("order_completed", 70, "ann", {}),
        ("product_viewed", 0, "ben", {}),
        ("product_viewed", 60, "ben", {}),
        ("order_completed", 70, "ben", {}),
    ]
    _store(clickhouse, project, told)
    asked = ["product_viewed", "order_completed"]
    rules = Rules(window_seconds=60, exclusions=[Exclusion(names="product_viewed")])
    for preset in get_args(Preset):
        # All attempts, as of equals one would do: ann's first is over by itself, ben's is excluded.
        every = replace(rules, preset=preset, count_attempts=True, step_order="ordered", exclusion_ends="attempt")
        attempts = funnel_attempts(clickhouse, asked, every, project=project)
        people = {one.person_id for one in attempts}
        reached = sorted([one.reached for one in attempts if one.person_id == who] for who in people)
        assert reached == [[1], [1, 2]], preset
    best = funnel_by_rules(clickhouse, asked, rules, project=project)
    assert [step.counted for step in best] == [2, 1]


def test_identifiers_are_compared_as_texts_and_numbers_by_value(clickhouse: Client, project: str) -> None:
    skus: list[str | float] = [
        "12345678901234567", "12345678901234568", "0012", "12", "1e3", "1000", "inf", "1.10", "1.1", 1000, 2.5,
        9007199254740992, 9007199254740993,
    ]  # fmt: skip
    _store(clickhouse, project, [("product_viewed", 0, f"u{n}", {"sku": sku}) for n, sku in enumerate(skus)])

    def alike(operator: Any, *values: str) -> list[tuple[str, int]]:
        step = Step(names="product_viewed", where=[Where("properties.sku", operator, values)])
        rules = Rules(breakdown="properties.sku")
        return sorted(
            (row.breakdown_value, row.counted) for row in funnel_by_rules(clickhouse, [step], rules, project=project)
        )

    texts = ["0012", "1.10", "12345678901234567", "9007199254740993", "inf"]
    assert alike("=", *texts, "Infinity") == [(text, 1) for text in texts]
    assert alike("=", "1000") == [("1000", 2)], "the text and the number"
    assert alike("=", "1000.0", "2.50") == [("1000", 1), ("2.5", 1)], "a number is equal by value"
    assert sum(counted for _, counted in alike("!=", "1000.0", "0012")) == len(skus) - 2


@pytest.mark.parametrize(
    "text", ["a'b", 'a"b', "a\\b", "\\'", "tab\tline\nend", "nul\x00in", "é 🛒 {x:String}", "\\N", "NULL"]
)
def test_any_text_may_be_asked_for(clickhouse: Client, project: str, text: str) -> None:
    _store(clickhouse, project, [("product_viewed", 0, f"u{n}", {"sku": sku}) for n, sku in enumerate((text, "x"))])
    step = Step(names="product_viewed", where=[Where("properties.sku", "=", text)])
    rules = Rules(breakdown="properties.sku")
    assert [row.breakdown_value for row in funnel_by_rules(clickhouse, [step], rules, project=project)] == [text]
    (attempt,) = funnel_attempts(clickhouse, [step], rules, project=project)
    assert attempt.breakdown_value == text


@pytest.mark.parametrize("preset", ["parcours", "posthog", "amplitude"])
def test_journeys_and_sessions_are_those_of_the_touchpoints(clickhouse: Client, project: str, preset: Preset) -> None:
    first, second, third = (uuid.UUID(int=(0x0199 << 112) | (7 << 76) | (2 << 62) | number) for number in (1, 2, 3))
    told = [
        replace(touch(name, at, user_id="ann"), id=id_)
        for name, at, id_ in (
            ("order_completed", 0, first),
            ("product_viewed", 0, second),
            ("product_added", 1800.9, third),
        )
    ]
    store(clickhouse, project, told)
    stitch(clickhouse)
    for count_by, number in (("journey", "journey_no"), ("session", "session_no")):
        resolved = clickhouse.query(
            f"SELECT id, {number} FROM touchpoints_resolved WHERE project = {{project:String}}",
            parameters={"project": project},
        ).result_rows
        numbers = {id_: str(number) for id_, number in resolved}
        rules = Rules(preset=preset, count_by=count_by, step_order="ordered")
        attempts = funnel_attempts(clickhouse, ["product_viewed", "product_added"], rules, project=project)
        together = numbers[second] == numbers[third]
        assert [(one.subject, one.reached) for one in attempts] == [(numbers[second], 1 + together)], count_by


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ("one@0 x@5", [0, 0, 0]),
        ("one@0 x@5 two@6 one@50", [0, 0, 0]),
        ("one@0 x@5 two@6 one@50 two@51", [1, 1, 0]),
        ("one@0 x@5 one@6", [1, 0, 0]),
        ("one@0 x@5 one@6 two@7", [1, 1, 0]),
        ("one@0 x@5 two@11 one@50", [1, 0, 0]),
        ("one@0 two@1 x@2 three@3 one@50 two@51", [0, 0, 0]),
        ("one@0 two@1 x@2 two@3 three@4", [0, 0, 0]),
        ("one@0 x@5 two@6 three@7 one@50 two@51", [1, 1, 0]),
    ],
)
@pytest.mark.parametrize("hold", [(), ("channel",)], ids=["step by step", "the general way"])
def test_an_attempt_that_is_excluded_goes_one_step_further_where_that_drops_the_person(
    told: str, counted: list[int], hold: tuple[str, ...], clickhouse: Client, project: str
) -> None:
    names = {"one": "product_viewed", "two": "product_added", "three": "order_completed", "x": "store_visited"}
    touches = [one.split("@") for one in told.split()]
    _store(clickhouse, project, [(names[name], int(second), "ann", {}) for name, second in touches])
    from_step = 2 if "two@1 x@2" in told else 1
    exclusions = [Exclusion(names="store_visited", from_step=from_step, to_step=from_step + 1)]
    rules = Rules(preset="posthog", window_seconds=10, exclusions=exclusions, hold=hold)
    steps = ["product_viewed", "product_added", "order_completed"]
    found = funnel_by_rules(clickhouse, steps, rules, project=project, allow_unknown=True)
    assert [step.counted for step in found] == counted


def test_a_breakdown_by_the_first_or_last_touch_takes_one_that_has_a_value(clickhouse: Client, project: str) -> None:
    told = [("product_viewed", 0, {}), ("product_viewed", 1, {"brand": "a"}), ("order_completed", 2, {})]
    _store(clickhouse, project, [(name, at, "ann", properties) for name, at, properties in told])
    _store(clickhouse, project, [("product_viewed", 5, "bob", {})])
    for which in ("first_touch", "last_touch"):
        for hold in ((), ("channel",)):
            rules = Rules(breakdown="properties.brand", breakdown_by=which, hold=hold)
            found = funnel_by_rules(clickhouse, ["product_viewed", "order_completed"], rules, project=project)
            assert {(row.breakdown_value, row.step, row.counted) for row in found} == {
                ("a", 1, 1), ("a", 2, 1), ("", 1, 1), ("", 2, 0),
            }  # fmt: skip


def test_weeks_begin_on_monday_or_on_sunday(clickhouse: Client, project: str) -> None:
    _store(clickhouse, project, [("product_viewed", 0, "ann", {})])
    begins = {}
    for interval in ("week", "sunday_week"):
        found = funnel_by_rules(clickhouse, "product_viewed", Rules(interval=interval), project=project)
        begins[interval] = found[0].period_at
        assert found[0].is_complete is not None
    monday, sunday = begins["week"], begins["sunday_week"]
    assert monday is not None
    assert sunday is not None
    assert (monday.isoweekday(), sunday.isoweekday()) == (1, 7)
    assert all(start <= START < start + timedelta(days=7) for start in (monday, sunday))


def test_a_window_holds_to_the_millisecond(clickhouse: Client, project: str) -> None:
    _store(clickhouse, project, [("product_viewed", 0, "ann", {}), ("order_completed", 1.001, "ann", {})])
    for seconds, reached in ((1.001, 1), (1.0, 0)):
        for within, window in ((seconds, None), (None, seconds)):
            steps = ["product_viewed", Step(names="order_completed", within_seconds=within)]
            counted = funnel_by_rules(clickhouse, steps, Rules(window_seconds=window), project=project)
            assert counted[1].counted == reached


def test_a_week_is_complete_when_its_window_was_over_before_the_end_that_is_asked(
    clickhouse: Client, project: str
) -> None:
    _store(clickhouse, project, [("product_viewed", 0, "ann", {})])
    week_after = START + timedelta(days=14)
    for to_at, is_complete in ((week_after, True), (week_after - timedelta(seconds=1), False)):
        weekly = questions.funnel_weekly(clickhouse, ["product_viewed"], 7 * 86_400, project=project, to_at=to_at)
        rules = Rules(window_seconds=7 * 86_400, interval="week")
        by_rules = funnel_by_rules(clickhouse, ["product_viewed"], rules, project=project, to_at=to_at)
        assert weekly[0].is_complete == by_rules[0].is_complete == is_complete
    with pytest.raises(DatabaseError, match="steps names at least one touchpoint"):
        questions.funnel_weekly(clickhouse, [], 60, project=project)


def _store(client: Client, project: str, told: Sequence[tuple[str, float, str, dict[str, Any]]]) -> None:
    """Store touchpoints told as name, second, person and properties; those of ann at second 0 carry a campaign."""
    rows = [
        row(touch(name, at, user_id=person), project)
        | {"properties": properties, "context": {"campaign": {"name": "spring"}} if (at, person) == (0, "ann") else {}}
        for name, at, person, properties in told
    ]
    _insert(client, rows)


def _insert(client: Client, rows: Sequence[dict[str, Any]]) -> None:
    lines = b"".join(orjson.dumps(one, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE) for one in rows)
    client.raw_insert("touchpoints", insert_block=lines, fmt="JSONEachRow", settings=dict(INSERT_SETTINGS))


def test_more_steps_and_exclusions_than_the_fast_pass_has_bits_for_are_asked_as_views_too(
    clickhouse: Client, project: str
) -> None:
    many = orjson.dumps([f"step_{number}" for number in range(70)]).decode()
    excluded = orjson.dumps({"exclusions": [{"name": f"other_{number}"} for number in range(20)]}).decode()
    for steps_told, rules_told, rows in ((many, "{}", 70), ('["a", "b"]', excluded, 2)):
        told = {"steps": steps_told, "rules": rules_told, "project": project}
        asked = "(steps = {steps:String}, rules = {rules:String}, project = {project:String})"
        counts = f"SELECT count(), sum(lost) FROM funnel_by_rules{asked}"
        assert clickhouse.query(counts, parameters=told).result_rows == [(rows, 0)]
        attempts = f"SELECT count() FROM funnel_attempts{asked}"
        assert clickhouse.query(attempts, parameters=told).result_rows == [(0,)]
