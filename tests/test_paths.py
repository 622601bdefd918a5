"""Paths and retention, proved against the oracle on random lives, and on the cases that are easy to get wrong."""

import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import mean, median
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas.paths import path_links, path_steps, path_walks, top_paths
from parcours_collector.atlas.questions import transitions
from parcours_collector.atlas.retention import Interval, Mode, matrix, retention
from parcours_collector.atlas.walks import Walks, Within, node_walks
from parcours_collector.warehouse.stitching import stitch
from tests import network_oracle, oracle
from tests.oracle import Touch
from tests.touchpoint_rows import CHANNELS, NAMES, START, lives, store, touch

random_streams = settings(
    max_examples=int(os.environ.get("NETWORK_EXAMPLES", "3")),
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
maybe_name = st.none() | st.sampled_from(NAMES)


@st.composite
def chosen_walks(draw: st.DrawFn, project: str) -> Walks:
    walks = draw(_walks)
    return replace(walks, project=project, max_gap_seconds=None if walks.within == "journey" else walks.max_gap_seconds)


_walks = st.builds(
    Walks,
    node=st.sampled_from(("name", "name", "channel", "name_channel", "place")),
    within=st.sampled_from(get_args(Within)),
    max_gap_seconds=st.none() | st.sampled_from((0.0, 1800.0, 86_400.0)),
    groups=st.sampled_from(((), ("product_*",), ("*_*ed", "web"), ("we*", "order"))),
    collapse=st.booleans(),
    start_node=st.none() | st.sampled_from((*NAMES, *CHANNELS)),
    end_node=st.none() | st.sampled_from((*NAMES, *CHANNELS)),
    via=st.none() | st.sampled_from((*NAMES, *CHANNELS)),
    with_value=st.booleans(),
    from_at=st.none() | st.just(START + timedelta(hours=1)),
    to_at=st.none() | st.just(START + timedelta(days=20)),
)


transforms_of_paths = st.lists(
    st.sampled_from(
        (
            *("unique", "exposure", "first", "last_1", "last_3"),
            *(f"remove_if_not_all:{node}" for node in NAMES[:2]),
            *(f"remove_if_last_and_not_all:{node}" for node in NAMES[:2]),
        )
    ),
    max_size=3,
)


def walks_of(touches: Sequence[Touch], walks: Walks, **more: Any) -> list[network_oracle.Walk]:
    chosen: dict[str, Any] = {
        name: value
        for name, value in walks.parameters.items()
        if name not in {"with_value", "project", "groups", "strip_slash"}
    }
    people = oracle.walks(touches).values()
    return network_oracle.walks(people, now=datetime.now(UTC), groups=walks.groups, **chosen, **more)


def fresh_project() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@random_streams
@given(data=st.data(), touches=lives(), limit=st.none() | st.integers(2, 5), transforms=transforms_of_paths)
def test_paths_links_and_steps_are_those_of_the_oracle(
    clickhouse: Client, data: st.DataObject, touches: list[Touch], limit: int | None, transforms: list[str]
) -> None:
    project = fresh_project()
    walks = data.draw(chosen_walks(project))
    store(clickhouse, project, touches)
    stitch(clickhouse)
    shown = []
    for walk in walks_of(touches, walks):
        steps = list(walk.steps)
        for how in transforms:
            steps = network_oracle.transformed(steps, how)
        shown.append((walk, network_oracle.limited(steps, limit, walks.start_node, walks.end_node)))

    rows = path_walks(clickhouse, walks, step_limit=limit, transforms=transforms)
    assert sorted((row.path, sum(row.seconds_from_previous), row.outcome, row.revenue or 0) for row in rows) == sorted(
        (
            [node for node, _ in steps],
            (steps[-1][1] - steps[0][1]).total_seconds(),
            walk.outcome,
            walk.revenue if walks.with_value else 0,
        )
        for walk, steps in shown
    )
    assert all(row.revenue is None for row in rows) or walks.with_value

    links: dict[tuple[int, str, str], list[tuple[int, float, float]]] = defaultdict(list)
    places: dict[tuple[int, str], list[tuple[int, bool]]] = defaultdict(list)
    for walk, steps in shown:
        for place, ((before, at), (after, then)) in enumerate(pairwise(steps), 1):
            links[place, before, after].append((walk.person, (then - at).total_seconds(), walk.revenue))
        for place, (node, _) in enumerate(steps, 1):
            places[place, node].append((walk.person, place < len(steps)))
    for link in (found := path_links(clickhouse, walks, step_limit=limit, transforms=transforms)):
        taken = links[link.position, link.from_node, link.to_node]
        assert (link.walks, link.people) == (len(taken), len({person for person, _, _ in taken}))
        assert link.avg_seconds == pytest.approx(mean(seconds for _, seconds, _ in taken))
        assert link.median_seconds == pytest.approx(median(seconds for _, seconds, _ in taken))
        assert (link.value or 0) == (sum(brought for *_, brought in taken) if walks.with_value else 0)
    assert len(found) == len(links)
    for step in (stood := path_steps(clickhouse, walks, step_limit=limit, transforms=transforms)):
        here = places[step.position, step.node]
        assert (step.walks, step.walks_on) == (len(here), sum(on for _, on in here))
        assert step.walks == step.walks_on + step.walks_ended
        assert step.people == len({person for person, _ in here})
        assert (step.people_on, step.people_ended) == tuple(
            len({person for person, on in here if on is wanted}) for wanted in (True, False)
        )
    assert len(stood) == len(places)

    paths = top_paths(clickhouse, walks, step_limit=limit, transforms=transforms, limit=1000)
    assert Counter({tuple(row.path): row.walks for row in paths}) == Counter(
        tuple(node for node, _ in steps) for _, steps in shown
    )
    assert not paths or sum(row.share for row in paths) == pytest.approx(1)
    assert sum(row.converted for row in paths) == sum(walk.outcome == "converted" for walk, _ in shown)


@random_streams
@given(data=st.data(), touches=lives(), without_conversion=st.booleans(), with_empty=st.booleans())
def test_walks_are_those_of_the_view_and_of_the_oracle(
    clickhouse: Client, data: st.DataObject, touches: list[Touch], without_conversion: bool, with_empty: bool
) -> None:
    project = fresh_project()
    walks = data.draw(chosen_walks(project))
    store(clickhouse, project, touches)
    stitch(clickhouse)
    found = node_walks(clickhouse, walks, without_conversion=without_conversion, with_empty=with_empty)
    parameters = walks.parameters | {"without_conversion": without_conversion, "with_empty": with_empty}
    arguments = [f"{name} = {{{name}:Nullable({_type_of(name)})}}" for name in parameters]
    by_hand = clickhouse.query(
        f"SELECT * FROM node_walks({', '.join(arguments)}) ORDER BY person_id, walk_no", parameters=parameters
    )
    assert [tuple(getattr(walk, name) for name in by_hand.column_names) for walk in found] == by_hand.result_rows
    if not with_empty:
        expected = walks_of(touches, walks, without_conversion=without_conversion)
        assert sorted((walk.nodes, walk.times, walk.outcome, walk.revenue or 0) for walk in found) == sorted(
            (
                [node for node, _ in walk.steps],
                [round(at.timestamp() * 1000) for _, at in walk.steps],
                walk.outcome,
                walk.revenue if walks.with_value else 0,
            )
            for walk in expected
            if walk.steps
        )
    assert all(walk.began_ms <= min(walk.times, default=walk.began_ms) <= walk.ended_ms for walk in found)


def _type_of(parameter: str) -> str:
    if parameter in {"strip_slash", "collapse", "with_value", "without_conversion", "with_empty"}:
        return "Bool"
    usual = {"max_gap_seconds": "Float64", "from_at": "DateTime64(3, 'UTC')", "to_at": "DateTime64(3, 'UTC')"}
    return usual.get(parameter, "String")


@random_streams
@given(data=st.data(), touches=lives())
def test_moves_along_walks_are_those_of_the_oracle(
    clickhouse: Client, data: st.DataObject, touches: list[Touch]
) -> None:
    project = fresh_project()
    drawn = data.draw(chosen_walks(project))
    gap = drawn.max_gap_seconds
    walks = replace(drawn, max_gap_seconds=None, groups=(), collapse=False)
    store(clickhouse, project, touches)
    stitch(clickhouse)
    moves: dict[tuple[str, str], list[tuple[int, int, float, float]]] = defaultdict(list)
    for number, walk in enumerate(walks_of(touches, walks)):
        for (before, at), (after, then) in pairwise(walk.steps):
            if gap is None or (then - at).total_seconds() <= gap:
                moves[before, after].append((number, walk.person, (then - at).total_seconds(), walk.revenue))
    asked = {
        name: value
        for name, value in walks.parameters.items()
        if name not in {"groups", "collapse", "strip_slash", "max_gap_seconds"}
    }
    rows = transitions(clickhouse, limit=10_000, max_gap_seconds=None if gap is None else int(gap), **asked)
    assert {(row.from_node, row.to_node): row.passages for row in rows} == {
        move: len(made) for move, made in moves.items()
    }
    leaving = Counter({node: 0 for node, _ in moves})
    for (node, _), made in moves.items():
        leaving[node] += len(made)
    for row in rows:
        made = moves[row.from_node, row.to_node]
        assert row.people == len({person for _, person, _, _ in made})
        assert row.probability == pytest.approx(len(made) / leaving[row.from_node])
        assert row.median_seconds == pytest.approx(median(seconds for *_, seconds, _ in made))
        brought = sum({number: revenue for number, _, _, revenue in made}.values())
        assert row.value == (pytest.approx(brought) if walks.with_value else None)


def test_a_move_back_and_forth_brings_what_its_journey_brought_once(clickhouse: Client, project: str) -> None:
    names = ("product_viewed", "product_added", "product_viewed", "product_added", "order_completed")
    store(clickhouse, project, [touch(name, 60 * at, user_id="u") for at, name in enumerate(names)])
    stitch(clickhouse)
    rows = transitions(clickhouse, project=project, within="journey", via="product_added", with_value=True)
    assert [(row.from_node, row.to_node, row.passages, row.value) for row in rows] == [
        ("product_viewed", "product_added", 2, 10.5),
        ("product_added", "order_completed", 1, 10.5),
        ("product_added", "product_viewed", 1, 10.5),
    ]
    again = clickhouse.query(rows.sql, parameters=dict(rows.parameters)).result_rows
    assert again[0][:3] == ("product_viewed", "product_added", 2)


ZONE = ZoneInfo("Europe/Paris")
FIRST = datetime(2026, 6, 1, tzinfo=ZONE)


def period_of(interval: str) -> Any:
    def number(at: datetime) -> int:
        local = at.astimezone(ZONE)
        match interval:
            case "hour":
                return int((at - FIRST).total_seconds() // 3600)
            case "day":
                return (local.date() - FIRST.date()).days
            case "week":
                return (local.date() - FIRST.date()).days // 7
            case _:
                return (local.year - FIRST.year) * 12 + local.month - FIRST.month

    return number


@random_streams
@given(
    touches=lives(),
    interval=st.sampled_from(get_args(Interval)),
    mode=st.sampled_from(get_args(Mode)),
    start=maybe_name,
    back=maybe_name,
    intervals=st.integers(1, 6),
)
def test_the_matrix_of_retention_is_that_of_the_oracle(
    clickhouse: Client,
    touches: list[Touch],
    interval: Interval,
    mode: Mode,
    start: str | None,
    back: str | None,
    intervals: int,
) -> None:
    project = fresh_project()
    store(clickhouse, project, touches)
    stitch(clickhouse)
    retained = retention(
        clickhouse,
        f"{FIRST:%Y-%m-%d}",
        intervals,
        interval=interval,
        mode=mode,
        start_name=start,
        return_name=back,
        timezone=ZONE.key,
        project=project,
    )
    people = oracle.walks(touches).values()
    assert matrix(retained) == network_oracle.retention(
        people, period_of(interval), intervals, mode=mode, start=start, back=back
    )
    cohorts = {row.cohort_no: row.people for row in retained if row.period_no == 0}
    assert all(row.share == pytest.approx(row.people / cohorts[row.cohort_no]) for row in retained if row.people)


def test_periods_are_local_days_and_months_through_a_change_of_clocks(clickhouse: Client, project: str) -> None:
    noons = (datetime(2026, 10, day, 12, tzinfo=ZONE).astimezone(UTC) for day in (24, 25, 26))
    store(clickhouse, project, [touch("page_viewed", (at - START).total_seconds(), user_id="u") for at in noons])
    retained = retention(clickhouse, "2026-10-24", 3, timezone=ZONE.key, project=project)
    assert matrix(retained) == [[1, 1, 1], [1, 1], [1]]
    assert [row.cohort_at for row in retained if row.period_no == 0] == [
        datetime(2026, 10, day, tzinfo=ZONE) for day in (24, 25, 26)
    ]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Santiago", date(2026, 9, 5)),
        ("Africa/Cairo", date(2026, 4, 23)),
        ("Asia/Beirut", date(2026, 3, 28)),
        ("America/Sao_Paulo", date(2018, 11, 3)),
    ],
)
def test_a_day_that_does_not_begin_at_midnight_is_a_day(clickhouse: Client, project: str, zone: str, day: date) -> None:
    days = [day + timedelta(days=number) for number in range(3)]
    begins = [datetime.combine(one, time(), ZoneInfo(zone)).astimezone(UTC) for one in days]
    assert begins[1].astimezone(ZoneInfo(zone)).hour == 1
    instants = [begins[0], *(at + step for at in begins[1:] for step in (timedelta(milliseconds=-1), timedelta(0)))]
    touches = [touch("page_viewed", (at - START).total_seconds(), user_id=f"u{n}") for n, at in enumerate(instants)]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    cohorts = [row for row in retention(clickhouse, f"{day}", 3, timezone=zone, project=project) if not row.period_no]
    assert [row.people for row in cohorts] == [2, 2, 1]
    assert [row.cohort_at.astimezone(UTC) for row in cohorts] == begins


def test_hours_begin_where_the_clock_of_the_zone_says(clickhouse: Client, project: str) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    minutes = (0, 15, 59, 60, 75, 119, 120)
    first = datetime(2026, 6, 1, 10, tzinfo=zone)
    seconds = ((first + timedelta(minutes=minute) - START).total_seconds() for minute in minutes)
    store(clickhouse, project, [touch("page_viewed", at, user_id=f"u{at}") for at in seconds])
    stitch(clickhouse)
    retained = retention(clickhouse, "2026-06-01 10:20:00", 3, interval="hour", timezone=zone.key, project=project)
    assert [row.people for row in retained if row.period_no == 0] == [3, 3, 1]
    assert retained[0].cohort_at.astimezone(UTC) == first.astimezone(UTC)


@pytest.mark.parametrize(
    ("date_from", "timezone", "said"),
    [
        ("2026-6-1x", "UTC", "date_from is a day like"),
        ("", "UTC", "date_from is a day like"),
        ("2026-06-01", "Europe/Pari", "Cannot load time zone Europe/Pari"),
    ],
)
def test_a_date_or_zone_that_is_none_is_refused_by_its_name(
    clickhouse: Client, date_from: str, timezone: str, said: str
) -> None:
    with pytest.raises(DatabaseError, match=said):
        retention(clickhouse, date_from, 2, timezone=timezone)


def test_an_answer_brings_its_sql_its_parameters_and_its_columns(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("page_viewed", 0, user_id="u"), touch("product_viewed", 9, user_id="u")])
    answer = path_links(clickhouse, Walks(project=project))
    again = clickhouse.query(answer.sql, parameters=dict(answer.parameters))
    assert again.result_rows == [(1, "page_viewed", "product_viewed", 1, 1, 9.0, 9.0, None)]
    assert list(answer.columns()) == list(again.column_names)
    assert answer.columns()["from_node"] == ["page_viewed"]
    assert path_links(clickhouse, Walks(project="nobody")).columns() == {}


@pytest.mark.parametrize(
    ("walks", "transforms", "said"),
    [
        (Walks(node="nmae"), [], "node is name"),
        (Walks(within="week"), [], "within is life"),  # type: ignore[arg-type]
        (Walks(within="journey", max_gap_seconds=60), [], "journey_gap_seconds"),
        (Walks(), ["exposed"], "a transform is"),
    ],
)
def test_a_wrong_word_is_refused_with_the_right_ones(
    clickhouse: Client, walks: Walks, transforms: list[str], said: str
) -> None:
    with pytest.raises(DatabaseError, match=said):
        top_paths(clickhouse, walks, transforms=transforms)


def test_who_has_nothing_left_between_the_bounds_takes_no_path(clickhouse: Client) -> None:
    project = fresh_project()
    store(clickhouse, project, [touch("product_viewed", 0, user_id="a"), touch("product_viewed", 7200, user_id="b")])
    stitch(clickhouse)
    walks = Walks(project=project, collapse=True, from_at=START + timedelta(hours=1))
    assert [path.path for path in top_paths(clickhouse, walks, transforms=["exposure"])] == [["product_viewed"]]
