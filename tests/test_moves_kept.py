"""Moves are kept while nothing happens, and an answer never depends on whether they are."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas.answer import NOT_KEPT
from parcours_collector.atlas.questions import Transition, transitions
from parcours_collector.forgetting.erasure import erase
from parcours_collector.forgetting.person import find_person
from parcours_collector.warehouse import index_keeper
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.index_keeper import IndexKeeper
from parcours_collector.warehouse.index_waiting import state_now
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.moves import NODES, keep_moves
from parcours_collector.warehouse.retention import delete_expired, expired
from parcours_collector.warehouse.stitching import stitch
from parcours_collector.warehouse.texts import question_text
from tests.running import wait_until
from tests.test_index_waiting import Heard, shopping
from tests.touchpoint_rows import store, touch

KEPT, WALKED = "journey_moves", "journey_nodes"
"""What alone is read of each."""


def settled(client: Client) -> None:
    stitch(client)
    JourneyIndex(client, linger_seconds=0).refresh()


def walked(client: Client, **asked: Any) -> tuple[Transition, ...]:
    """The same, by going through all walks."""
    parameters = {
        "node": "name",
        "limit": 100,
        "project": None,
        "from_at": None,
        "to_at": None,
        "max_gap_seconds": None,
    }
    rows = client.query(question_text("transitions", NOT_KEPT), parameters={**parameters, **asked}).result_rows
    return tuple(Transition(*row) for row in rows)


@pytest.mark.parametrize("node", NODES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    touches=st.lists(
        st.tuples(
            st.sampled_from("ab"), st.integers(0, 3), st.sampled_from("xyz"), st.integers(0, 9), st.sampled_from("wm")
        ),
        max_size=30,
    )
)
def test_kept_moves_are_those_of_the_walks_of_each_project_and_of_all(
    node: str, touches: list[tuple[str, int, str, int, str]], clickhouse_apart: Client, project: str
) -> None:
    for part in "ab":
        rows = [
            touch(name, minute, channel=channel, anonymous_id=f"{part}{person}")
            for of, person, name, minute, channel in touches
            if of == part
        ]
        if rows:
            store(clickhouse_apart, f"{project}-{part}", rows)
    settled(clickhouse_apart)
    assert keep_moves(clickhouse_apart)
    for one in (f"{project}-a", f"{project}-b", None):
        heard = Heard(clickhouse_apart)
        told = transitions(heard, node=node, project=one)  # type: ignore[arg-type]
        assert (KEPT in heard.asked, WALKED in heard.asked) == (True, False)
        assert told.rows == walked(clickhouse_apart, node=node, project=one)
        by_hand = clickhouse_apart.query(told.sql, parameters=dict(told.parameters)).result_rows
        assert tuple(Transition(*row) for row in by_hand) == told.rows


def test_moves_are_read_while_they_are_those_of_the_walks_of_now(clickhouse_apart: Client, project: str) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)
    heard = Heard(clickhouse_apart)

    def is_kept() -> bool:
        told = transitions(heard, project=project)  # type: ignore[arg-type]
        assert told.rows == walked(clickhouse_apart, project=project)
        by_hand = clickhouse_apart.query(told.sql, parameters=dict(told.parameters)).result_rows
        assert tuple(Transition(*row) for row in by_hand) == told.rows
        return WALKED not in heard.asked

    assert not is_kept()
    assert keep_moves(clickhouse_apart)
    assert is_kept()
    shopping(clickhouse_apart, project, range(6, 9))
    assert not is_kept(), "something waits"
    assert not keep_moves(clickhouse_apart)
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    assert not is_kept(), "they are of other walks"
    stitch(clickhouse_apart)
    assert not is_kept(), "people are others"
    settled(clickhouse_apart)
    assert keep_moves(clickhouse_apart)
    assert is_kept()
    transitions(heard, project=project, max_gap_seconds=60)  # type: ignore[arg-type]
    assert (KEPT in heard.asked, WALKED in heard.asked) == (False, True)
    transitions(heard, project=project, to_at=datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]
    assert (KEPT in heard.asked, WALKED in heard.asked) == (False, True)
    ((partitions,),) = clickhouse_apart.query("SELECT uniqExact(run) FROM journey_moves").result_rows
    assert partitions == 1, "what was kept before is dropped"


class Interrupted(Heard):
    """Does something once, just before a statement or an insert."""

    def __init__(self, client: Client, before: str, what: Any) -> None:
        super().__init__(client)
        self._before, self._what = before, what

    def query(self, sql: str, **more: Any) -> Any:
        self._interrupt(sql)
        return super().query(sql, **more)

    def command(self, sql: str, **more: Any) -> Any:
        self._interrupt(sql)
        return self._client.command(sql, **more)

    def insert(self, table: str, rows: Any, **more: Any) -> Any:
        self._interrupt(f"INSERT INTO {table}")
        return self._client.insert(table, rows, **more)

    def _interrupt(self, sql: str) -> None:
        if self._before in sql and self._what is not None:
            what, self._what = self._what, None
            what()


@pytest.mark.parametrize("before", ["median_seconds", "INSERT INTO journey_moves", "system.parts\nWHERE database = c"])
def test_moves_that_something_came_between_are_not_told(before: str, clickhouse_apart: Client, project: str) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)

    def more() -> None:
        shopping(clickhouse_apart, project, range(6, 9))
        settled(clickhouse_apart)

    keep_moves(Interrupted(clickhouse_apart, before, more))  # type: ignore[arg-type]
    assert transitions(clickhouse_apart, project=project).rows == walked(clickhouse_apart, project=project)
    assert keep_moves(clickhouse_apart)
    assert transitions(clickhouse_apart, project=project).rows == walked(clickhouse_apart, project=project)


@pytest.mark.parametrize("before", ["INSERT INTO journey_moves", "system.parts\nWHERE database = c"])
@pytest.mark.parametrize(
    "what",
    [lambda client: client.command("TRUNCATE TABLE journey_moves"), keep_moves],
    ids=["somebody deletes", "somebody keeps"],
)
def test_moves_are_whole_or_not_told_whoever_does_something_between(
    before: str, what: Any, clickhouse_apart: Client, project: str
) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)
    keep_moves(Interrupted(clickhouse_apart, before, lambda: what(clickhouse_apart)))  # type: ignore[arg-type]
    told = transitions(clickhouse_apart, project=project)
    assert told.rows == walked(clickhouse_apart, project=project)
    by_hand = clickhouse_apart.query(told.sql, parameters=dict(told.parameters)).result_rows
    assert tuple(Transition(*row) for row in by_hand) == told.rows


def test_moves_of_which_some_are_missing_are_not_told(clickhouse_apart: Client, project: str) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)
    assert keep_moves(clickhouse_apart)
    clickhouse_apart.command("ALTER TABLE journey_moves DELETE WHERE node = 'name' SETTINGS mutations_sync = 1")
    heard = Heard(clickhouse_apart)
    assert transitions(heard, project=project).rows == walked(clickhouse_apart, project=project)  # type: ignore[arg-type]
    assert WALKED in heard.asked
    assert not clickhouse_apart.query("SELECT * FROM transitions_kept(node = '', project = '')").result_rows


def test_moves_that_are_kept_while_they_are_looked_for_are_not_remembered_for_the_time_before(
    clickhouse_apart: Client, project: str
) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)
    wait_until(lambda: (now := state_now(clickhouse_apart)) is not None and now.may_be_remembered)
    hurried = Interrupted(clickhouse_apart, "kept_run\nFROM", lambda: keep_moves(clickhouse_apart))
    transitions(hurried, project=project)  # type: ignore[arg-type]
    clickhouse_apart.command("TRUNCATE TABLE journey_moves")
    assert transitions(clickhouse_apart, project=project).rows == walked(clickhouse_apart, project=project)


def test_an_erasure_forgets_what_was_kept(clickhouse_apart: Client, project: str) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)
    assert keep_moves(clickhouse_apart)
    person = find_person(clickhouse_apart, project, [[("anonymous_id", "a2")]], whole=True, unseen=False)
    erase(clickhouse_apart, person, lambda _: None)
    assert clickhouse_apart.query("SELECT count() FROM journey_moves").result_rows == [(0,)]
    assert transitions(clickhouse_apart, project=project).rows == walked(clickhouse_apart, project=project)


def test_what_is_deleted_after_its_time_is_not_kept(clickhouse_apart: Client, project: str) -> None:
    shopping(clickhouse_apart, project, range(6))
    settled(clickhouse_apart)
    assert keep_moves(clickhouse_apart)
    delete_expired(clickhouse_apart, expired(clickhouse_apart, project, 1, datetime(2200, 1, 1, tzinfo=UTC)))
    assert clickhouse_apart.query("SELECT count() FROM journey_moves").result_rows == [(0,)]
    assert not transitions(clickhouse_apart, project=project)


def test_whoever_can_only_read_is_told_kept_moves_and_what_a_node_is(tmp_path: Path, project: str) -> None:
    with EngineProcess.start(tmp_path / "clickhouse") as engine:
        migrate(engine.url)
        with connect(engine.url) as client, connect(engine.analyst_url) as analyst:
            shopping(client, project, range(6))
            settled(client)
            assert keep_moves(client)
            heard = Heard(analyst)
            assert transitions(heard, project=project).rows == walked(client, project=project)  # type: ignore[arg-type]
            assert WALKED not in heard.asked
            with pytest.raises(DatabaseError, match="node is name, channel or name_channel"):
                analyst.query("SELECT * FROM transitions(node = 'place')")


async def test_a_collector_keeps_moves_once_nothing_has_come_for_a_while(
    tmp_path: Path, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_keeper, "_QUIET_SECONDS", 0.0)
    with EngineProcess.start(tmp_path / "clickhouse") as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            shopping(client, project, range(6))
            stitch(client)
            heard = Heard(client)

            def is_kept() -> bool:
                transitions(heard, project=project)  # type: ignore[arg-type]
                return WALKED not in heard.asked

            assert not is_kept()
            keeper = IndexKeeper(engine.url, interval_seconds=0.05)
            keeper.start()
            try:
                await asyncio.to_thread(wait_until, is_kept)
            finally:
                await keeper.stop()
            assert transitions(client, project=project).rows == walked(client, project=project)
