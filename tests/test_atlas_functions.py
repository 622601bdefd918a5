"""Every view is a typed function too, which returns the view's rows, and the page of views names it."""

import gc
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from pydantic import TypeAdapter

from parcours_collector.atlas import funnels, identity, journeys, network, paths, questions, retention, sampling
from parcours_collector.atlas import touchpoints as touchpoints_module
from parcours_collector.atlas import walks as walks_module
from parcours_collector.atlas.answer import Answer
from parcours_collector.atlas.funnel_rules import UnusableRules, UsedRules, as_json
from parcours_collector.atlas.funnels import Exclusion, Rules, Step, Where
from parcours_collector.atlas.identity import Link
from parcours_collector.atlas.network import Network
from parcours_collector.atlas.questions import Transition
from parcours_collector.atlas.walks import Walks
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.identity_cuts import cut
from parcours_collector.warehouse.identity_policy import KindPolicy, write_policy
from parcours_collector.warehouse.migrations import VIEWS
from parcours_collector.warehouse.stitching import stitch
from parcours_collector.warehouse.texts import question_text
from tests.documents import text_of
from tests.test_docs import named_in
from tests.touchpoint_rows import START, row, store, store_rows, touch

INNER = {
    "walks_indexed": "how `node_walks` reads lives fast; of it that function tells the walks, whatever a node is",
    "walks_checked": "whether `walks_indexed` has anything to mend, asked before every question over walks",
    "moves_checked": "whether kept moves are right, asked before `transitions` reads them",
    "transitions_kept": "what `transitions` reads while nothing comes",
    "transitions_walked": "what `transitions` reads of times and pauses, and while something comes",
    "nodes_known": "what numbers stand for which nodes, for the views behind `nodes` and `bright_paths`",
    "journeys_numbered": "journeys as numbers of `nodes_known`; `walks.node_walks` tells them in words",
    "funnel_asked": "the rules as one value, for the views behind",
    "funnel_walked": "the pass behind `funnel_attempts`, with the same rows; it takes rules that another view has read",
    "funnel_stepped": "the pass behind `funnel_attempts` for plain rules",
    "funnel_walks_indexed": "what `funnel_stepped` goes over, from the journey index",
    "funnel_walks_looked": "what `funnel_stepped` goes over, from the touchpoints",
    "funnel_walks_cut": "what `funnel_stepped` goes over, from either",
    "funnel_walks_alike": "the same, walks that are alike in one row, for what counts them",
    "funnel_walks_told": "what `funnel_folded` goes over, from the touchpoints",
    "funnel_folded": "the attempts of which `funnel_walked` chooses",
    "funnel_walks_told_alike": "what `funnel_folded` goes over where walks that are alike are counted together",
    "funnel_alike_counted": "the counts behind `funnel_by_rules` of such walks",
    "funnel_counted": "the counts behind `funnel_by_rules`, with the same rows; it takes rules that are read already",
    "funnel_stepped_counted": "the same for plain rules",
    "funnel_times_counted": "the histogram behind `funnel_conversion_times`; it takes rules that are read already",
}
"""The views that only other views ask, and why nobody needs a function of them."""

AS_TEXT = {
    "black_holes",
    "bright_paths",
    "funnel",
    "funnel_attempts",
    "funnel_by_rules",
    "funnel_conversion_times",
    "funnel_people",
    "funnel_sampled",
    "funnel_weekly",
    "nodes",
    "person_timeline",
    "transitions",
}
"""The views whose text is asked in their place: as a view inside a view it would be analysed twice."""

PROJECT = f"test-{uuid.uuid4().hex[:12]}"
STEPS = ("product_viewed", "order_completed")
DAY = 86_400
EXPENSIVE = Step(names=STEPS[0], where=[Where("properties.price", ">=", "500")])
RULES = Rules(
    preset="mixpanel",
    breakdown="channel",
    interval="week",
    hold="channel",
    where=[Where("channel", "!=", ("email", "app")), Where("context.page", "unset")],
    exclusions=[Exclusion(names="ticket_opened", from_step=1), Exclusion(where=[Where("source", "=", "nobody")])],
)


@dataclass(frozen=True)
class Asked:
    """A function with its arguments, and the same asked of its view by hand."""

    function: Callable[..., Answer[Any]]
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    relation: str
    as_view: Callable[[Any], dict[str, Any]] | None = None

    @property
    def name(self) -> str:
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"


def asked(function: Callable[..., Answer[Any]], relation: str, *arguments: Any, **options: Any) -> Asked:
    """A function of whose rows every field is a column of the view."""
    return Asked(function, arguments, options, relation)


def of_project(function: Callable[..., Answer[Any]], relation: str, *arguments: Any, **options: Any) -> Asked:
    return Asked(function, arguments, {"project": PROJECT, **options}, relation)


def link_as_view(link: Link) -> dict[str, Any]:
    return {
        "a_kind": link.one[0],
        "a_value": link.one[1],
        "b_kind": link.other[0],
        "b_value": link.other[1],
        "first_seen_at": link.first_seen_at,
        "last_seen_at": link.last_seen_at,
        "touchpoints": link.touchpoints,
        "sources": list(link.sources),
        "a_class": link.classes[0],
        "b_class": link.classes[1],
    }


def without_value(move: Transition) -> dict[str, Any]:
    """The row as `transitions` has it; what moves brought, `walk_transitions` alone says."""
    assert move.value is None
    return {name: value for name, value in by_field(move).items() if name != "value"}


def rules_as_view(used: UsedRules) -> dict[str, Any]:
    """The row as ClickHouse has it, where steps and exclusions have every field."""
    return by_field(used) | {
        "steps": [as_view(step) for step in used.steps],
        "exclusions": [as_view(one) for one in used.exclusions],
        "where": as_json(used.where),
    }


def as_view(told: Step | Exclusion) -> dict[str, Any]:
    return by_field(told) | {"names": list(told.names), "where": as_json(told.where)}


STEPS_TOLD = "steps = ['product_viewed', 'order_completed'], window_seconds = 86400, project = {project:String}"
RULED = (
    f"steps = '{orjson.dumps([as_json(EXPENSIVE), STEPS[1]]).decode()}', "
    f"rules = '{orjson.dumps(as_json(RULES)).decode()}'"
)
RULED_OF_PROJECT = f"{RULED}, project = {{project:String}}"
WALKED = "node = 'channel', within = 'session', collapse = 1, with_value = 1, project = {project:String}"
SESSIONS = Walks(node="channel", within="session", collapse=True, with_value=True, project=PROJECT)
CHANNELS = Network(node="channel", project=PROJECT)
AT_CHANNELS = "node = 'channel', project = {project:String}"

ASKED = {
    "identity_blocked": of_project(identity.blocked, "identity_blocked WHERE project = {project:String}"),
    "identity_apart": of_project(identity.apart, "identity_apart WHERE project = {project:String}"),
    "identity_refused": of_project(identity.refused, "identity_refused WHERE project = {project:String}"),
    "identity_evidence": Asked(
        identity.evidence,
        (("user_id", "ada"),),
        {"project": PROJECT},
        "identity_evidence(kind = 'user_id', value = 'ada', project = {project:String})",
        link_as_view,
    ),
    "identity_as_of": of_project(
        identity.as_of,
        "identity_as_of(at = '2100-01-01', project = {project:String})",
        datetime(2100, 1, 1, tzinfo=UTC),
    ),
    "identity_changes": of_project(
        identity.changes,
        "identity_changes(from_at = '2020-01-01', to_at = '2100-01-01', project = {project:String})",
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2100, 1, 1, tzinfo=UTC),
    ),
    "touchpoints_unique": of_project(
        touchpoints_module.touchpoints_unique, "touchpoints_unique WHERE project = {project:String}"
    ),
    "touchpoints_resolved": of_project(
        touchpoints_module.touchpoints_resolved,
        "touchpoints_resolved WHERE project = {project:String} AND occurred_at < '2026-06-02'",
        to_at=START + timedelta(days=1),
    ),
    "journeys": of_project(
        journeys.journeys,
        "journeys WHERE project = {project:String} AND started_at >= '2026-06-01' AND started_at < '2026-06-03'",
        from_at=START,
        to_at=START + timedelta(days=2),
    ),
    "person_timeline": of_project(
        questions.person_timeline,
        "person_timeline(kind = 'user_id', value = 'ada', project = {project:String})",
        "user_id",
        "ada",
    ),
    "transitions": Asked(
        questions.transitions,
        (),
        {"project": PROJECT, "node": "channel"},
        f"transitions({AT_CHANNELS})",
        without_value,
    ),
    "node_walks": asked(walks_module.node_walks, f"node_walks({WALKED})", SESSIONS),
    "walk_transitions": of_project(
        questions.transitions, f"walk_transitions({AT_CHANNELS}, with_value = 1)", node="channel", with_value=True
    ),
    "path_walks": asked(paths.path_walks, f"path_walks({WALKED})", SESSIONS),
    "path_links": asked(paths.path_links, f"path_links({WALKED}, step_limit = 5)", SESSIONS),
    "path_steps": asked(paths.path_steps, f"path_steps({WALKED}, step_limit = 5)", SESSIONS),
    "paths": asked(paths.top_paths, f"paths({WALKED})", SESSIONS),
    "retention": of_project(
        retention.retention,
        "retention(date_from = '2026-06-01', intervals = 3, project = {project:String})",
        "2026-06-01",
        3,
    ),
    "nodes": asked(network.nodes, f"nodes({AT_CHANNELS}, with_value = 1)", CHANNELS, with_value=True),
    "black_holes": asked(network.black_holes, f"black_holes({AT_CHANNELS})", CHANNELS),
    "bright_paths": asked(
        network.bright_paths, f"bright_paths({AT_CHANNELS}, min_journeys = 1)", CHANNELS, min_journeys=1
    ),
    "knock_on": asked(
        network.knock_on,
        f"knock_on(changed_node = 'web', changed_at = '2026-06-02', {AT_CHANNELS})",
        "web",
        START + timedelta(days=1),
        CHANNELS,
    ),
    "stage_moves": of_project(network.stage_moves, "stage_moves(project = {project:String})"),
    "funnel_people": of_project(questions.funnel_people, f"funnel_people({STEPS_TOLD})", STEPS, DAY),
    "funnel": of_project(questions.funnel, f"funnel({STEPS_TOLD})", STEPS, DAY),
    "funnel_weekly": of_project(questions.funnel_weekly, f"funnel_weekly({STEPS_TOLD})", STEPS, DAY),
    "funnel_sampled": of_project(
        sampling.funnel_sampled, f"funnel_sampled({STEPS_TOLD}, one_in = 2)", STEPS, DAY, one_in=2
    ),
    "funnel_rules": Asked(
        funnels.funnel_rules, ([EXPENSIVE, STEPS[1]], RULES), {}, f"funnel_rules({RULED})", rules_as_view
    ),
    "funnel_attempts": of_project(
        funnels.funnel_attempts, f"funnel_attempts({RULED_OF_PROJECT})", [EXPENSIVE, STEPS[1]], RULES
    ),
    "funnel_by_rules": of_project(
        funnels.funnel_by_rules, f"funnel_by_rules({RULED_OF_PROJECT})", [EXPENSIVE, STEPS[1]], RULES
    ),
    "funnel_conversion_times": of_project(
        funnels.conversion_times,
        f"funnel_conversion_times({RULED_OF_PROJECT}, bins = 2)",
        [EXPENSIVE, STEPS[1]],
        RULES,
        bins=2,
    ),
}
"""Every view that is asked from outside, asked in Python and in SQL."""


@pytest.fixture(scope="module")
def shop(clickhouse: Client) -> Client:
    """A project in which every view has rows."""
    write_policy(
        clickhouse,
        PROJECT,
        [KindPolicy("user_id", "strong", max_per_person=1), KindPolicy("anonymous_id", "weak", blocked=("=kiosk",))],
    )
    rows = []
    for n in range(6):
        for place, name in enumerate(("ad_impression", "product_viewed", "product_viewed", "ticket_opened")):
            at = n * DAY / 2 + place * 600
            one = touch(name, at, channel="ads" if place == 0 else "web", user_id=f"u{n}", anonymous_id=f"a{n}")
            rows.append(row(one, PROJECT) | {"properties": {"price": 400 + 100 * n}, "consent": {"analytics": True}})
        for late in range(1 + n % 2):
            one = touch("order_completed", n * DAY / 2 + 3600 + late * 900, channel="web", anonymous_id=f"a{n}")
            rows.append(row(one, PROJECT))
        bought = touch("order_completed", n * DAY / 2 + 1500, channel="web", user_id=f"v{n}")
        viewed = touch("product_viewed", n * DAY / 2 + 60 * n, channel="web", user_id=f"v{n}")
        rows += [row(bought, PROJECT), row(viewed, PROJECT) | {"properties": {"price": 900}}]
    store_rows(clickhouse, rows)
    stitch(clickhouse)
    store(
        clickhouse,
        PROJECT,
        [
            touch("identified", 30, user_id="ada", anonymous_id="phone", loyalty_card="card"),
            touch("product_viewed", 40, anonymous_id="phone"),
            touch("store_visited", 50, channel="store", loyalty_card="card"),
            touch("identified", 60, user_id="bob", loyalty_card="card"),
            touch("identified", 70, user_id="bob", anonymous_id="kiosk"),
            touch("identified", 80, user_id="cleo", device_id="till"),
            touch("page_viewed", 90),
        ],
    )
    stitch(clickhouse)
    cut(clickhouse, PROJECT, ("device_id", "till"), reason="the shop's")
    return clickhouse


def test_every_view_but_those_that_only_views_ask_has_a_function() -> None:
    assert set(ASKED) | set(INNER) == set(VIEWS)
    assert not set(ASKED) & set(INNER)


@pytest.mark.parametrize("view", ASKED)
def test_a_function_returns_the_rows_of_its_view_in_the_types_that_it_says(view: str, shop: Client) -> None:
    one = ASKED[view]
    answer = one.function(shop, *one.arguments, **one.options)
    asks_the_view = f"FROM {view}" in answer.sql.replace("(", "\n").splitlines()
    assert asks_the_view or (view in AS_TEXT and answer.sql.startswith(f"-- As `{view}(")), answer.sql
    told = [(one.as_view or by_field)(row) for row in answer]
    assert told, "nothing is proved without rows"
    by_hand = f"SELECT {', '.join(told[0])} FROM {one.relation}"
    found = list(shop.query(by_hand, parameters={"project": PROJECT}).named_results())
    assert comparable(told) == comparable(found)
    for one_row in answer:
        for name, hint in hints(type(one_row)).items():
            checked(hint).validate_python(getattr(one_row, name), strict=True)


def test_the_page_of_views_names_the_function_of_each() -> None:
    described = {view: others[0].strip("`") for view, others in named_in(text_of("docs/views.md"), "view").items()}
    assert described == {view: one.name for view, one in ASKED.items()}


def comparable(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Rows as texts: NaN equals NaN there, and they can be put in order. A view says 1 where Python says True."""
    return sorted(
        repr({name: int(value) if isinstance(value, bool) else value for name, value in row.items()}) for row in rows
    )


def by_field(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}


@cache
def hints(row: type) -> Mapping[str, Any]:
    return get_type_hints(row)


@cache
def checked(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def test_a_question_leaves_out_the_members_of_unions_that_it_is_told_to_and_only_such() -> None:
    whole = question_text("funnel_by_rules")
    general, from_index = (
        question_text("funnel_by_rules", left) for left in (("stepped", "alike"), ("general", "alike", "looked", "few"))
    )
    told = [
        ("arrayFold" in text, "touchpoints_unique" in text, "journey_walks" in text) for text in (general, from_index)
    ]
    assert told == [(True, True, False), (True, False, True)]
    assert len(general) + len(from_index) < len(whole)
    with pytest.raises(LookupError, match="funnel_by_rules has no part and no member of a union called steped"):
        question_text("funnel_by_rules", ("general", "steped"))


def test_a_statement_holds_the_parts_that_its_rules_have_some_of_and_no_others(shop: Client) -> None:
    marks = {
        "ties": "empty(told)",
        "exclusions": "has_exclusions AND",
        "within": "limited_3 OR",
        "resolution": "is_kept",
    }
    asked = {
        "": Rules(),
        "ties": Rules(preset="posthog"),
        "exclusions": Rules(exclusions=[Exclusion(names=["order_completed"])]),
        "resolution": Rules(resolution_seconds=60),
    }
    for part, rules in asked.items():
        told = funnels.funnel_by_rules(shop, ["page_viewed", "product_viewed"], rules, project=PROJECT).sql
        assert {name for name, mark in marks.items() if mark in told} == {part} - {""}
        assert "/* else" not in told
    hurried = ["page_viewed", "product_viewed", Step(names=["order_completed"], within_seconds=60)]
    told = funnels.funnel_by_rules(shop, hurried, project=PROJECT).sql
    assert {name for name, mark in marks.items() if mark in told} == {"within"}
    conditioned = funnels.funnel_by_rules(
        shop, ["page_viewed"], Rules(where=[Where.is_("properties.a", "b"), Where("source", "set")]), project=PROJECT
    ).sql
    assert ("test_2, 'operator'" in conditioned, "test_3, 'operator'" in conditioned) == (True, False)


def test_a_time_without_bound_is_the_longest_and_no_number_is_none(shop: Client) -> None:
    def used(rules: Rules | Mapping[str, Any]) -> UsedRules:
        return funnels.funnel_rules(shop, ["product_viewed", {"name": "order_completed"}], rules)[0]  # type: ignore[list-item]

    assert used(Rules(preset="posthog", window_seconds=float("inf"))).window_seconds == 1e12
    assert used(MappingProxyType({"window_seconds": float("inf")})).window_seconds == 1e12
    with pytest.raises(UnusableRules, match="NaN"):
        used(Rules(window_seconds=float("nan")))
    counted = [
        [
            step.counted
            for step in funnels.funnel_by_rules(shop, ["product_viewed", "order_completed"], rules, project=PROJECT)
        ]
        for rules in (Rules(ties="any", grace_seconds=1e9), Rules(ties="any", grace_seconds=1e17))
    ]
    assert counted[0] == counted[1]
    assert counted[0][0] > 0


def test_what_rules_mean_is_remembered_without_whoever_was_asked(clickhouse_url: str, shop: Client) -> None:
    once = weakref.ref(client := connect(clickhouse_url))
    rules = Rules(window_seconds=4321)
    first = funnels.funnel_by_rules(client, ["product_viewed"], rules, project=PROJECT)
    client.close()
    del client
    gc.collect()
    assert once() is None
    assert funnels.funnel_by_rules(shop, ["product_viewed"], rules, project=PROJECT) == first
