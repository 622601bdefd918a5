"""The journey index says exactly what `touchpoints_unique` says, whatever happened and in whatever order."""

import os
import uuid
from datetime import timedelta

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas.funnels import Exclusion, Rules, Step, Where, funnel_attempts, funnel_by_rules
from parcours_collector.warehouse import indexing
from parcours_collector.warehouse.index_waiting import WAITING, state_at_rest
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.stitching import stitch
from parcours_collector.warehouse.texts import view_text
from tests.oracle import Touch
from tests.touchpoint_rows import CHANNELS, IDENTIFIERS, NAMES, RECEIVED_AT, START, ids_of, store, touch

EXAMPLES = int(os.environ.get("INDEX_EXAMPLES", "6"))

_INDEXED = """
SELECT
    person_id,
    arrayMap((at_ms, name, channel) -> (at_ms, toString(name), toString(channel)), times, names, channels),
    name_numbers = arrayMap(name -> toUInt32(sipHash64(name)), names)
        AND channel_numbers = arrayMap(channel -> toUInt32(sipHash64(channel)), channels)
FROM walks_indexed WHERE project = {project:String} ORDER BY person_id
"""
_GROUPED = """
SELECT
    person_id,
    arrayMap(step -> (step.1, step.3, step.4), arraySort(step -> (step.1, step.2), groupArray(
        (toUnixTimestamp64Milli(occurred_at), id_order, toString(name), toString(channel))
    ))),
    1
FROM touchpoints_unique WHERE project = {project:String} AND person_id != 0 GROUP BY person_id ORDER BY person_id
"""


def walks(client: Client, project: str, sql: str) -> list[tuple[object, ...]]:
    return list(map(tuple, client.query(sql, parameters={"project": project}).result_rows))


def assert_exact(client: Client, project: str) -> None:
    grouped = walks(client, project, _GROUPED)
    assert walks(client, project, _INDEXED) == grouped
    if state_at_rest(client):
        at_rest = view_text("walks_indexed", (WAITING,)).partition("CREATE OR REPLACE VIEW walks_indexed AS\n")[2]
        assert walks(client, project, _INDEXED.replace("walks_indexed", f"({at_rest})")) == grouped


def late(number: int, name: str, minutes: int, identifiers: list[tuple[str, str]], channel: str, receipt: int) -> Touch:
    """A touchpoint whose id says nothing of when it is told; of one number and one receipt there may be several."""
    return Touch(
        id=uuid.UUID(int=(0x0199 << 112) | (number * 7919 % 97 << 84) | 7 << 76 | 2 << 62 | number),
        name=name,
        occurred_at=START + timedelta(minutes=minutes),
        ids=ids_of(identifiers),
        channel=channel,
        received_at=RECEIVED_AT + timedelta(seconds=receipt),
    )


some_touches = st.lists(
    st.builds(
        late,
        st.integers(1, 12),
        st.sampled_from(NAMES),
        st.integers(0, 5),
        st.lists(st.sampled_from(IDENTIFIERS[:6]), max_size=2, unique=True),
        st.sampled_from(CHANNELS),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=6,
)
happenings = st.lists(
    st.one_of(
        some_touches,
        st.sampled_from(("stitch", "rebuild people", "refresh", "refresh and keep", "rebuild", "optimize")),
    ),
    min_size=2,
    max_size=9,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(happened=happenings)
def test_after_any_inserts_retries_stitches_and_refreshes_the_index_is_the_table(
    clickhouse: Client, happened: list[list[Touch] | str]
) -> None:
    project = f"test-{uuid.uuid4().hex[:12]}"
    waits = JourneyIndex(clickhouse)
    for one in happened:
        match one:
            case "stitch":
                stitch(clickhouse)
            case "rebuild people":
                stitch(clickhouse, full=True)
            case "refresh":
                JourneyIndex(clickhouse, linger_seconds=0).refresh()
            case "refresh and keep":
                waits.refresh()
            case "rebuild":
                JourneyIndex(clickhouse, linger_seconds=0).rebuild()
            case "optimize":
                clickhouse.command("OPTIMIZE TABLE journey_index FINAL")
                clickhouse.command("OPTIMIZE TABLE journey_walks FINAL")
            case list():
                store(clickhouse, project, one)
        assert_exact(clickhouse, project)
    JourneyIndex(clickhouse, linger_seconds=0).refresh()
    assert_exact(clickhouse, project)


def test_an_earlier_receipt_under_another_identifier_takes_a_touchpoint_from_whoever_held_it(
    clickhouse: Client, project: str
) -> None:
    store(clickhouse, project, [late(1, "product_viewed", 1, [("user_id", "u")], "web", 5)])
    JourneyIndex(clickhouse, linger_seconds=0).refresh()
    store(clickhouse, project, [late(1, "product_viewed", 1, [("user_id", "v")], "web", 4)])
    clickhouse.command("OPTIMIZE TABLE touchpoints FINAL")
    assert_exact(clickhouse, project)
    JourneyIndex(clickhouse, linger_seconds=0).refresh()
    assert_exact(clickhouse, project)
    assert len(walks(clickhouse, project, _INDEXED)) == 1


def test_a_refresh_that_died_is_done_again_by_the_next_one(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("product_viewed", 0, user_id="u"), touch("order_completed", 9, user_id="u")])
    dies = JourneyIndex(clickhouse)  # it writes, and never comes to forget the changes
    assert dies.refresh().changes >= 2
    store(clickhouse, project, [touch("product_added", 5, user_id="u")])
    assert_exact(clickhouse, project)
    assert JourneyIndex(clickhouse, linger_seconds=0).refresh().changes >= 3
    assert_exact(clickhouse, project)
    assert JourneyIndex(clickhouse, linger_seconds=0).refresh().changes == 0


def test_two_that_refresh_at_once_do_no_harm(clickhouse: Client, project: str) -> None:
    first, second = JourneyIndex(clickhouse), JourneyIndex(clickhouse, linger_seconds=0)
    store(clickhouse, project, [touch("product_viewed", 0, user_id="u")])
    first.refresh()
    second.refresh()
    store(clickhouse, project, [touch("order_completed", 9, user_id="u")])
    second.refresh()
    first.refresh()
    assert_exact(clickhouse, project)


def test_touchpoints_that_were_removed_leave_the_index_once_they_are_named_as_changes(
    clickhouse_apart: Client, project: str
) -> None:
    store(
        clickhouse_apart, project, [touch("product_viewed", 0, user_id="u"), touch("order_completed", 9, user_id="v")]
    )
    index = JourneyIndex(clickhouse_apart, linger_seconds=0)
    index.refresh()
    removed = clickhouse_apart.query(
        "SELECT project, identifier, id, received_at FROM touchpoints "
        "WHERE project = {project:String} AND name = 'product_viewed'",
        parameters={"project": project},
    ).result_rows
    clickhouse_apart.command(
        "ALTER TABLE touchpoints DELETE WHERE project = {project:String} AND name = 'product_viewed' "
        "SETTINGS mutations_sync = 2",
        parameters={"project": project},
    )
    clickhouse_apart.insert(
        "journey_index_changes", removed, column_names=["project", "identifier", "id", "received_at"]
    )
    assert_exact(clickhouse_apart, project)
    index.refresh()
    assert_exact(clickhouse_apart, project)
    assert len(walks(clickhouse_apart, project, _INDEXED)) == 1


def lie(client: Client, project: str) -> None:
    """Let the walks that were gathered for the people of a project tell what never was."""
    client.command(
        "INSERT INTO journey_walks "
        "SELECT project, person_id, members, members_hash, [1], ['lie'], ['web'], version + 1 "
        "FROM journey_walks FINAL WHERE project = {project:String} AND members_hash != 0",
        parameters={"project": project},
    )


def test_a_person_of_several_identifiers_is_gathered_once_and_again_when_something_happens_to_them(
    clickhouse: Client, project: str
) -> None:
    index = JourneyIndex(clickhouse, linger_seconds=0)
    store(
        clickhouse,
        project,
        [touch("identified", 0, user_id="u", anonymous_id="a"), touch("page_viewed", 1, user_id="u")],
    )
    stitch(clickhouse)
    index.refresh()
    lie(clickhouse, project)
    ((_, told, _),) = walks(clickhouse, project, _INDEXED)
    assert [step[1] for step in told] == ["lie"], "the walk is read as it was gathered"
    store(clickhouse, project, [touch("page_viewed", 2, anonymous_id="a")])
    assert_exact(clickhouse, project)
    index.refresh()
    assert_exact(clickhouse, project)
    lie(clickhouse, project)
    store(clickhouse, project, [touch("page_viewed", 3, loyalty_card="c")])
    index.refresh()
    store(clickhouse, project, [touch("identified", 4, loyalty_card="c", anonymous_id="a")])
    stitch(clickhouse)
    assert_exact(clickhouse, project)
    assert len(walks(clickhouse, project, _INDEXED)) == 1


def test_people_whom_a_stitching_moved_are_gathered_without_any_change_waiting(
    clickhouse: Client, project: str
) -> None:
    store(
        clickhouse,
        project,
        [touch("identified", 0, user_id="u", anonymous_id="a"), touch("page_viewed", 1, user_id="u")],
    )
    index = JourneyIndex(clickhouse, linger_seconds=0)
    index.refresh()
    stitch(clickhouse)
    assert index.refresh().changes == 0
    ((gathered,),) = clickhouse.query(
        "SELECT count() FROM journey_walks FINAL WHERE project = {project:String} AND length(times) = 2",
        parameters={"project": project},
    ).result_rows
    assert gathered == 1
    assert_exact(clickhouse, project)


def marks_are_right(client: Client) -> bool:
    ((are_right,),) = client.query(read_sql("indexing/marks_checked")).result_rows
    return bool(are_right)


def marks(client: Client, project: str) -> list[int]:
    sql = "SELECT is_alone FROM journey_index FINAL WHERE project = {project:String} ORDER BY is_alone"
    return [mark for (mark,) in client.query(sql, parameters={"project": project}).result_rows]


def test_whoever_is_one_identifier_is_marked_and_wrong_marks_are_neither_believed_nor_kept(
    clickhouse_apart: Client, project: str
) -> None:
    index = JourneyIndex(clickhouse_apart, linger_seconds=0)
    three = [touch("page_viewed", minute, anonymous_id=f"a{minute}") for minute in range(3)]
    store(clickhouse_apart, project, three)
    index.refresh()
    assert (marks(clickhouse_apart, project), marks_are_right(clickhouse_apart)) == ([1, 1, 1], True)
    store(clickhouse_apart, project, [touch("identified", 4, anonymous_id="a0", user_id="u")])
    index.refresh()
    stitch(clickhouse_apart)
    assert_exact(clickhouse_apart, project)
    index.refresh()
    assert (marks(clickhouse_apart, project).count(1), marks_are_right(clickhouse_apart)) == (2, True)
    assert_exact(clickhouse_apart, project)
    clickhouse_apart.command("ALTER TABLE journey_index UPDATE is_alone = 1 WHERE 1 SETTINGS mutations_sync = 1")
    assert not marks_are_right(clickhouse_apart)
    assert_exact(clickhouse_apart, project)
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    assert (marks(clickhouse_apart, project).count(1), marks_are_right(clickhouse_apart)) == (2, True)
    assert_exact(clickhouse_apart, project)
    index.rebuild()
    assert (marks(clickhouse_apart, project).count(1), marks_are_right(clickhouse_apart)) == (2, True)
    assert_exact(clickhouse_apart, project)


WEB = Where.is_("channel", "web")


@pytest.mark.parametrize(
    "rules",
    [
        Rules(where=[WEB]),
        Rules(where=[Where(field="channel", operator="!=", values=["ads", "app"])], window_seconds=600),
        Rules(where=[Where(field="channel", operator="contains", values=["e"])], preset="posthog"),
        Rules(where=[Where(field="channel", operator=">=", values=["email"])], preset="mixpanel"),
        Rules(exclusions=[Exclusion(names=["ad_impression"], where=[WEB])]),
        Rules(where=[Where(field="name", operator="contains", values=["product", "order"])]),
    ],
)
def test_a_funnel_by_names_and_channels_counts_from_the_index_whom_the_touchpoints_list(
    clickhouse: Client, project: str, rules: Rules
) -> None:
    touches = [
        touch(
            NAMES[n * 7 % 11 % 4],
            n * 61 % 3600,
            channel=CHANNELS[n * n % 5],
            user_id=f"u-{n % 23}",
            anonymous_id=f"a-{n % 46}",
        )
        for n in range(400)
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    steps = ["product_viewed", Step(names=["product_added"], where=[WEB]), "order_completed"]
    JourneyIndex(clickhouse, linger_seconds=0).refresh()
    counted = funnel_by_rules(clickhouse, steps, rules, project=project)
    listed = funnel_attempts(clickhouse, steps, rules, project=project)
    assert ("FROM parcours.journey_walks" in counted.sql, "FROM parcours.journey_walks" in listed.sql) == (True, False)
    reached = [sum(one.reached >= step for one in listed) for step in (1, 2, 3)]
    assert [one.counted for one in counted] == reached
    assert reached[0] > reached[1] > 0


def test_the_same_people_are_sampled_wherever_their_walks_are_read_from_and_as_many_of_any_kind(
    clickhouse: Client, project: str
) -> None:
    alone = [touch("product_viewed", n, anonymous_id=f"a{n}") for n in range(1_000)]
    known = [
        touch("product_viewed", n, anonymous_id=f"k{n}", user_id=f"u{n}", loyalty_card=f"c{n}") for n in range(1_000)
    ]
    store(clickhouse, project, alone + known)
    stitch(clickhouse)
    asked = (
        "SELECT person_id, sample_key, person_id IN (SELECT person_id FROM dictionary('parcours.person_of')) AS joined "
        "FROM walks_indexed WHERE project = {project:String} ORDER BY person_id"
    )
    waiting = clickhouse.query(asked, parameters={"project": project}).result_rows
    JourneyIndex(clickhouse, linger_seconds=0).refresh()
    assert clickhouse.query(asked, parameters={"project": project}).result_rows == waiting
    for joined in (0, 1):
        sampled = sum(key < 2**64 // 4 for _, key, held in waiting if held == joined)
        assert 190 < sampled < 310, "a quarter of a thousand, within four standard deviations"


@pytest.mark.parametrize("touchpoints_a_share", [1_000_000, 5])
def test_the_check_finds_an_index_that_lies_and_a_rebuild_mends_it(
    clickhouse_apart: Client, project: str, touchpoints_a_share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_SHARE_ROWS", touchpoints_a_share)
    told = [touch("product_viewed", minute, user_id=f"u{minute}", anonymous_id="till") for minute in range(20)]
    # Those at the till lie where its number is, all of them if that is the least; these lie wherever chance has it.
    told += [touch("product_viewed", minute, anonymous_id=f"a{minute}") for minute in range(20)]
    store(clickhouse_apart, project, told)
    index = JourneyIndex(clickhouse_apart, linger_seconds=0)
    index.refresh()
    assert index.check().same
    clickhouse_apart.command(
        "INSERT INTO journey_index SELECT project, identifier, [1], ['lie'], ['web'], [generateUUIDv7()], "
        "newest_receipt, is_alone, version + 1 "
        "FROM journey_index FINAL WHERE project = {project:String}",
        parameters={"project": project},
    )
    assert not index.check().same
    shares: list[str] = []
    assert index.rebuild(said=shares.append).rebuilt
    assert len(shares) > 2 or touchpoints_a_share > 5, "a share of people and more than one of identifiers"
    assert index.check().same
    assert_exact(clickhouse_apart, project)


def test_a_timeline_reads_the_touchpoints_of_its_person_alone(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("product_viewed", 0, user_id="u"), touch("product_viewed", 0, user_id="v")])
    plan = clickhouse.query(
        "EXPLAIN indexes = 1 SELECT id FROM person_timeline(kind = 'user_id', value = 'u', project = {project:String})",
        parameters={"project": project},
    ).result_rows
    assert any("UUIDv7ToDateTime" in line and "in 1-element set" in line for (line,) in plan)
