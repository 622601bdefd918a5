"""A statement goes without what mends the journey index exactly while the index lacks nothing."""

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.funnels import funnel_by_rules
from parcours_collector.atlas.network import black_holes, bright_paths, nodes
from parcours_collector.atlas.questions import funnel, funnel_people, transitions
from parcours_collector.atlas.sampling import funnel_sampled
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.identity_cuts import cut
from parcours_collector.warehouse.index_waiting import lacks_nothing
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from tests.touchpoint_rows import store, touch

STEPS = ["product_viewed", "product_added", "order_completed"]
MENDS = "journey_index_changes"
"""What no statement reads that mends nothing."""


class Heard:
    """A client that remembers what it asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.statements: list[str] = []

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
    assert lacks_nothing(clickhouse_apart)
    shopping(clickhouse_apart, project, range(9))
    assert not lacks_nothing(clickhouse_apart)
    index.refresh()
    assert lacks_nothing(clickhouse_apart)
    stitch(clickhouse_apart)
    assert not lacks_nothing(clickhouse_apart), "people of several identifiers are not gathered"
    index.refresh()
    assert lacks_nothing(clickhouse_apart)
    cut(clickhouse_apart, project, ("anonymous_id", "a1"), reason="another's")
    assert not lacks_nothing(clickhouse_apart)
    index.refresh()
    assert lacks_nothing(clickhouse_apart)
    clickhouse_apart.command(
        "ALTER TABLE journey_index UPDATE is_alone = NOT is_alone WHERE true SETTINGS mutations_sync = 1"
    )
    assert not lacks_nothing(clickhouse_apart)


def test_an_index_is_looked_through_once_as_long_as_nothing_happens(clickhouse_apart: Client, project: str) -> None:
    shopping(clickhouse_apart, project, range(9))
    stitch(clickhouse_apart)
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    heard = Heard(clickhouse_apart)
    assert lacks_nothing(heard)  # type: ignore[arg-type]
    looked_through = len(heard.statements)
    assert lacks_nothing(heard)  # type: ignore[arg-type]
    assert len(heard.statements) == looked_through + 1
    clickhouse_apart.command("SYSTEM RELOAD DICTIONARY person_of")
    assert lacks_nothing(heard)  # type: ignore[arg-type]
    assert len(heard.statements) > looked_through + 2, "another load of the dictionary may hold others"


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, project: funnel(client, STEPS, 86_400, project=project),
        lambda client, project: funnel_people(client, STEPS, 86_400, project=project, channel="web"),
        lambda client, project: funnel_sampled(client, STEPS, 86_400, project=project, one_in=1),
        lambda client, project: funnel_by_rules(client, STEPS, project=project),
        lambda client, project: transitions(client, project=project),
        lambda client, _: nodes(client),
        lambda client, _: black_holes(client),
        lambda client, _: bright_paths(client, min_journeys=1),
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
    assert MENDS not in heard.statements[-1]
    assert MENDS in at_rest.sql
    assert len(at_rest)
    same = clickhouse_rested.query(at_rest.sql, parameters=dict(at_rest.parameters)).result_rows
    shopping(clickhouse_rested, project, range(30, 40))
    waiting = ask(heard, project)
    assert MENDS in heard.statements[-1]
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
            assert not lacks_nothing(analyst)
            stitch(client)
            JourneyIndex(client, linger_seconds=0).refresh()
            assert lacks_nothing(analyst)
            heard = Heard(analyst)
            told = funnel(heard, STEPS, 86_400, project=project)  # type: ignore[arg-type]
            assert told.rows == funnel(client, STEPS, 86_400, project=project).rows
            assert MENDS not in heard.statements[-1]
