"""A statement goes without what mends the journey index exactly while the index lacks nothing."""

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.atlas.funnels import Rules, funnel_attempts, funnel_by_rules
from parcours_collector.atlas.network import Network, black_holes, bright_paths, nodes
from parcours_collector.atlas.questions import funnel, funnel_people, transitions
from parcours_collector.atlas.sampling import funnel_sampled
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.identity_cuts import cut
from parcours_collector.warehouse.index_waiting import state_at_rest, state_now
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from tests.running import wait_until
from tests.touchpoint_rows import store, touch

STEPS = ["product_viewed", "product_added", "order_completed"]
MENDS = "journey_index_changes"
"""What no statement reads that mends nothing."""


_TURN_MARKS = "ALTER TABLE journey_index UPDATE is_alone = NOT is_alone WHERE true SETTINGS mutations_sync = 1"


class Heard:
    """A client that remembers what it asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.statements: list[str] = []

    @property
    def asked(self) -> str:
        """The last statement but for looking at the index."""
        return next(one for one in reversed(self.statements) if "system.parts" not in one)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, sql: str, **more: Any) -> Any:
        self.statements.append(sql)
        return self._client.query(sql, **more)


def shopping(client: Client, project: str, people: range) -> None:
    store(
        client,
        project,
        [
            touch(name, minute * 10 + n, anonymous_id=f"a{n}", user_id=f"u{n // 2}")
            if minute
            else touch(name, n, anonymous_id=f"a{n}")
            for n in people
            for minute, name in enumerate(STEPS[: 1 + n % 3])
        ],
    )


def test_the_index_lacks_what_came_and_whom_a_stitching_moved_until_it_is_written(
    clickhouse_apart: Client, project: str
) -> None:
    index = JourneyIndex(clickhouse_apart, linger_seconds=0)
    assert state_at_rest(clickhouse_apart)
    shopping(clickhouse_apart, project, range(9))
    assert not state_at_rest(clickhouse_apart)
    index.refresh()
    assert state_at_rest(clickhouse_apart)
    stitch(clickhouse_apart)
    assert not state_at_rest(clickhouse_apart), "people of several identifiers are not gathered"
    index.refresh()
    assert state_at_rest(clickhouse_apart)
    cut(clickhouse_apart, project, ("anonymous_id", "a1"), reason="another's")
    assert not state_at_rest(clickhouse_apart)
    index.refresh()
    assert state_at_rest(clickhouse_apart)
    clickhouse_apart.command(_TURN_MARKS)
    assert not state_at_rest(clickhouse_apart)


def test_an_index_is_looked_through_once_as_long_as_nothing_happens(clickhouse_apart: Client, project: str) -> None:
    index = JourneyIndex(clickhouse_apart, linger_seconds=0)
    shopping(clickhouse_apart, project, range(9))
    stitch(clickhouse_apart)
    index.refresh()
    heard = Heard(clickhouse_apart)

    def looks_through() -> bool:
        heard.statements.clear()
        state_at_rest(heard)  # type: ignore[arg-type]
        return any("dictionary('parcours.person_of')" in one for one in heard.statements)

    assert looks_through()
    assert looks_through(), "another load of the dictionary within the second could not be told from this one"
    wait_until(lambda: (now := state_now(clickhouse_apart)) is not None and now.may_be_remembered)
    assert [looks_through() for _ in range(3)] == [True, False, False]
    clickhouse_apart.command("SYSTEM RELOAD DICTIONARY person_of")
    assert looks_through(), "another load of the dictionary may hold others"
    clickhouse_apart.command(_TURN_MARKS)
    wait_until(lambda: (now := state_now(clickhouse_apart)) is not None and now.may_be_remembered)
    assert [looks_through() for _ in range(3)] == [True, False, False]
    assert state_at_rest(clickhouse_apart) is None, "that it lacks something is remembered as well"


@pytest.mark.parametrize("before", ["all_are_told_apart", "median_seconds"], ids=["looking", "reading"])
def test_an_index_that_is_written_while_it_is_asked_is_asked_again_with_what_mends_it(
    before: str, clickhouse_apart: Client, project: str
) -> None:
    index = JourneyIndex(clickhouse_apart, linger_seconds=0)
    store(clickhouse_apart, project, [touch(STEPS[0], n, anonymous_id=f"a{n}") for n in range(4)])
    index.refresh()

    class Hurried(Heard):
        """People are joined, and their walks gathered but not marked yet, just before a statement."""

        def query(self, sql: str, **more: Any) -> Any:
            if before in sql and not self.statements.count("joined"):
                self.statements.append("joined")
                joins = [touch("identified", 9, anonymous_id=f"a{n}", user_id="one") for n in range(4)]
                store(self._client, project, joins)
                stitch(self._client)
                with pytest.MonkeyPatch.context() as patched:
                    patched.setattr(index, "_mend_marks", lambda: None)
                    index.refresh()
            return super().query(sql, **more)

    hurried = Hurried(clickhouse_apart)
    told = funnel(hurried, STEPS[:1], 60, project=project, allow_unknown=True)  # type: ignore[arg-type]
    assert "joined" in hurried.statements
    assert told[0].people == 1


def test_a_question_is_answered_as_of_its_beginning_when_something_comes_while_it_is_asked(
    clickhouse_apart: Client, project: str
) -> None:
    shopping(clickhouse_apart, project, range(6))
    stitch(clickhouse_apart)
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    before = funnel(clickhouse_apart, STEPS, 86_400, project=project)

    class Busy(Heard):
        """Something comes just before a statement."""

        def query(self, sql: str, **more: Any) -> Any:
            if "median_seconds" in sql:
                shopping(self._client, project, range(6, 9))
            return super().query(sql, **more)

    busy = Busy(clickhouse_apart)
    assert funnel(busy, STEPS, 86_400, project=project).rows == before.rows  # type: ignore[arg-type]
    assert sum("median_seconds" in one for one in busy.statements) == 1
    assert funnel(clickhouse_apart, STEPS, 86_400, project=project).rows != before.rows


def test_whoever_may_not_see_the_parts_of_the_engine_is_answered_by_the_whole_statement(
    clickhouse_apart: Client, project: str
) -> None:
    class Refused(Heard):
        def query(self, sql: str, **more: Any) -> Any:
            if "system.parts" in sql:
                raise DatabaseError("Not enough privileges. (ACCESS_DENIED)", code=497)
            return super().query(sql, **more)

    shopping(clickhouse_apart, project, range(9))
    stitch(clickhouse_apart)
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    refused = Refused(clickhouse_apart)
    told = funnel(refused, STEPS, 86_400, project=project)  # type: ignore[arg-type]
    assert told.rows == funnel(clickhouse_apart, STEPS, 86_400, project=project).rows
    assert MENDS in refused.statements[-1]


def test_a_question_that_does_not_read_the_index_does_not_look_at_it(clickhouse: Client, project: str) -> None:
    shopping(clickhouse, project, range(3))
    heard = Heard(clickhouse)
    funnel_attempts(heard, STEPS, project=project)  # type: ignore[arg-type]
    funnel_by_rules(heard, STEPS, Rules(interval="week"), project=project)  # type: ignore[arg-type]
    assert not any("system.parts" in one for one in heard.statements)
    funnel_by_rules(heard, STEPS, project=project)  # type: ignore[arg-type]
    assert any("system.parts" in one for one in heard.statements)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, project: funnel(client, STEPS, 86_400, project=project),
        lambda client, project: funnel_people(client, STEPS, 86_400, project=project, channel="web"),
        lambda client, project: funnel_sampled(client, STEPS, 86_400, project=project, one_in=1),
        lambda client, project: funnel_by_rules(client, STEPS, project=project),
        lambda client, project: transitions(client, project=project),
        lambda client, project: nodes(client, Network(project=project)),
        lambda client, project: black_holes(client, Network(project=project)),
        lambda client, project: bright_paths(client, Network(project=project), min_journeys=1),
    ],
    ids=["funnel", "people", "sampled", "rules", "transitions", "nodes", "black holes", "bright paths"],
)
def test_a_question_is_asked_without_what_mends_while_nothing_waits_and_its_sql_is_right_at_any_time(
    clickhouse_rested: Client, project: str, ask: Any
) -> None:
    index = JourneyIndex(clickhouse_rested, linger_seconds=0)
    shopping(clickhouse_rested, project, range(30))
    stitch(clickhouse_rested)
    index.refresh()
    heard = Heard(clickhouse_rested)
    at_rest = ask(heard, project)
    assert MENDS not in heard.asked
    assert MENDS in at_rest.sql
    assert len(at_rest)
    same = clickhouse_rested.query(at_rest.sql, parameters=dict(at_rest.parameters)).result_rows
    shopping(clickhouse_rested, project, range(30, 40))
    waiting = ask(heard, project)
    assert MENDS in heard.asked
    later = clickhouse_rested.query(at_rest.sql, parameters=dict(at_rest.parameters)).result_rows
    assert later != same
    index.refresh()
    assert ask(heard, project).rows == waiting.rows


@pytest.fixture(scope="module")
def clickhouse_rested(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client of an engine of this module's own: nobody else's changes wait."""
    with EngineProcess.start(tmp_path_factory.mktemp("rested")) as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            yield client


def test_whoever_can_only_read_is_told_the_same(tmp_path_factory: pytest.TempPathFactory, project: str) -> None:
    with EngineProcess.start(tmp_path_factory.mktemp("read")) as engine:
        migrate(engine.url)
        with connect(engine.url) as client, connect(engine.analyst_url) as analyst:
            shopping(client, project, range(9))
            assert not state_at_rest(analyst)
            stitch(client)
            JourneyIndex(client, linger_seconds=0).refresh()
            assert state_at_rest(analyst)
            heard = Heard(analyst)
            told = funnel(heard, STEPS, 86_400, project=project)  # type: ignore[arg-type]
            assert told.rows == funnel(client, STEPS, 86_400, project=project).rows
            assert MENDS not in heard.asked
