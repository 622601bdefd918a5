"""Stitching: whatever the order and the pieces in which evidence comes, people are its connected components."""

import os
import random
import uuid
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas import questions
from parcours_collector.warehouse import stitching
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from tests import oracle
from tests.oracle import Person
from tests.touchpoint_rows import START, Touch, lives, store, touch

real_engine = settings(
    max_examples=int(os.environ.get("STITCHING_EXAMPLES", "12")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fresh_project() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def working_rows(client: Client) -> list[int]:
    """How many rows the runs have left in each of their working tables."""
    return [
        int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])
        for table in ("stitching_labels", "stitching_edges")
    ]


def people_of(client: Client, project: str) -> dict[int, Person]:
    """Every person of the table, as their identifiers."""
    rows = client.query(
        "SELECT person_id, kind, value FROM identity_persons FINAL WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    members: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for person_id, kind, value in rows:
        members[person_id].add((kind, value))
    return {person_id: frozenset(identifiers) for person_id, identifiers in members.items()}


@real_engine
@given(
    touches=lives(), cuts=st.lists(st.integers(0, 40), max_size=3), most_in_memory=st.sampled_from((0, 1, 3, 100_000))
)
def test_people_are_the_components_of_the_evidence_however_it_was_cut_into_runs(
    clickhouse: Client, touches: list[Touch], cuts: list[int], most_in_memory: int
) -> None:
    project = fresh_project()
    edges = [0, *sorted(min(cut, len(touches)) for cut in cuts), len(touches)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stitching, "MOST_IN_MEMORY", most_in_memory)
        for start, end in pairwise(edges):
            if end > start:
                store(clickhouse, project, touches[start:end])
                stitch(clickhouse)
    incremental = people_of(clickhouse, project)
    assert set(incremental.values()) == set(oracle.people(touches).values())
    stitch(clickhouse, full=True)
    assert people_of(clickhouse, project) == incremental


@pytest.mark.parametrize("order", range(4))
def test_the_person_is_the_least_identifier_whatever_the_order_of_arrival(
    clickhouse: Client, project: str, order: int
) -> None:
    links = [("a", "b"), ("c", "d"), ("b", "c"), ("e", "d"), ("f", "a")]
    for left, right in random.Random(order).sample(links, len(links)):
        store(
            clickhouse,
            project,
            [
                touch("identified", 0, anonymous_id=left, user_id=right),
                touch("identified", 0, anonymous_id=right, user_id=right),
                touch("identified", 0, anonymous_id=left, user_id=left),
            ],
        )
        if order % 2:
            stitch(clickhouse)
    stitch(clickhouse)
    least = clickhouse.query(
        "SELECT min(sipHash64({project:String}, kind, value)) FROM identity_persons WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows[0][0]
    assert list(people_of(clickhouse, project)) == [least]


@pytest.mark.parametrize("most_in_memory", [0, 100, 100_000])
def test_a_long_chain_is_one_person_after_few_passes(
    clickhouse: Client, project: str, monkeypatch: pytest.MonkeyPatch, most_in_memory: int
) -> None:
    monkeypatch.setattr(stitching, "MOST_IN_MEMORY", most_in_memory)
    length = 3000
    links = [touch("identified", 0, user_id=str(n)) for n in range(length)]
    chain = [
        Touch(one.id, one.name, START, {"user_id": (str(n), str(n + 1))}, received_at=START)
        for n, one in enumerate(links)
    ]
    random.Random(1).shuffle(chain)
    store(clickhouse, project, chain)
    run = stitch(clickhouse)
    assert len(people_of(clickhouse, project)) == 1
    assert run.passes < 25


def test_a_run_without_news_does_nothing(tmp_path: Path) -> None:
    # An engine of its own: what other tests have just told of projects with a policy is judged again.
    with EngineProcess.start(tmp_path) as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            store(client, "shop", [touch("identified", 0, anonymous_id="a", user_id="u")])
            assert stitch(client).moved == 1
            again = stitch(client)
            assert (again.edges, again.passes, again.moved) == (0, 0, 0)


def test_the_dictionary_and_the_table_agree_after_a_run(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("identified", n, anonymous_id=f"a{n}", user_id="u") for n in range(5)])
    stitch(clickhouse)
    rows = clickhouse.query(
        "SELECT countIf(dictGetOrDefault('person_of', 'person_id', identifier, identifier) != person_id), count() "
        "FROM identity_persons FINAL WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows == [(0, 6)]


def test_a_run_leaves_no_working_rows_behind(clickhouse: Client, project: str) -> None:
    # A process that another test killed may have left some, which stay for a day.
    before = working_rows(clickhouse)
    store(clickhouse, project, [touch("identified", 0, anonymous_id="a", user_id="u")])
    assert stitch(clickhouse).edges > 0
    assert working_rows(clickhouse) == before


def test_a_run_that_died_before_the_views_could_see_its_people_is_finished_by_the_next(
    clickhouse: Client, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(clickhouse, project, [touch("identified", 0, anonymous_id="a", user_id="u")])
    store(clickhouse, project, [touch("page_viewed", 1, anonymous_id="a"), touch("page_viewed", 2, user_id="u")])

    def died(_client: Client, _name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stitching, "reload_dictionary", died)
        with pytest.raises(KeyboardInterrupt):
            stitch(clickhouse)
    assert questions.totals(clickhouse, project=project).people == 2
    assert stitch(clickhouse).moved == 0
    assert questions.totals(clickhouse, project=project).people == 1


def test_people_whom_a_run_beside_has_moved_are_seen_when_a_run_that_found_nothing_left_ends(
    clickhouse: Client, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(clickhouse, project, [touch("identified", 0, anonymous_id="a"), touch("identified", 0, user_id="u")])
    stitch(clickhouse)
    store(clickhouse, project, [touch("identified", 1, anonymous_id="a", user_id="u")])
    reload_dictionary = stitching.reload_dictionary
    policies = stitching._policies

    def late(_client: Client, _name: str) -> None:
        raise KeyboardInterrupt

    def beside(client: Client, since: datetime) -> object:
        with monkeypatch.context() as patched:
            patched.setattr(stitching, "_policies", policies)
            patched.setattr(stitching, "reload_dictionary", late)
            with pytest.raises(KeyboardInterrupt):
                stitch(client)
        monkeypatch.setattr(stitching, "reload_dictionary", reload_dictionary)
        return policies(client, since)

    monkeypatch.setattr(stitching, "_policies", beside)
    assert stitch(clickhouse).moved == 0
    assert questions.totals(clickhouse, project=project).people == 1


def test_later_evidence_counts_after_a_version_from_the_future(clickhouse_apart: Client, project: str) -> None:
    # Apart: every later run's number, which says when it was, is an hour ahead too.
    store(clickhouse_apart, project, [touch("identified", 0, anonymous_id="a", user_id="u")])
    stitch(clickhouse_apart)
    clickhouse_apart.command(
        "INSERT INTO identity_persons SELECT project, identifier, kind, value, person_id, version + 3600000000 "
        "FROM identity_persons FINAL WHERE project = {project:String}",
        parameters={"project": project},
    )
    store(clickhouse_apart, project, [touch("identified", 1, anonymous_id="b", user_id="u")])
    assert stitch(clickhouse_apart).moved >= 1
    assert len(people_of(clickhouse_apart, project)) == 1
    assert questions.totals(clickhouse_apart, project=project).people == 1
