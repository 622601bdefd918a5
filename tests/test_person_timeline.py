"""What one person did is what `touchpoints_resolved` says of them: the same rows, by the view and by the function."""

import os
import random
from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas import questions
from parcours_collector.warehouse import stitching
from parcours_collector.warehouse.identity_policy import KindPolicy, write_policy
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.stitching import stitch
from parcours_collector.warehouse.texts import question_text, view_text
from tests.oracle import Touch
from tests.test_shared_devices import POLICIES
from tests.test_stitching import fresh_project
from tests.touchpoint_rows import IDENTIFIERS, lives, row, store, store_rows, touch

random_lives = settings(
    max_examples=int(os.environ.get("TIMELINE_EXAMPLES", "3")),
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
COLUMNS = """
    project, person_id, occurred_at, id, name, channel, source, stage, need, valence, session_no, journey_no,
    is_conversion, ids, context, properties, enrichment, revenue, currency
"""
OF_PERSON = """
FROM touchpoints_resolved
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND (project, person_id) IN
      (
          SELECT project, dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier)
          FROM identity_persons
          WHERE kind = {kind:String} AND value = {value:String}
      )
ORDER BY
"""
BY_VIEW = "FROM person_timeline(kind = {kind:String}, value = {value:String}, project = {project:Nullable(String)})"


@random_lives
@given(
    told=st.tuples(lives(max_touches=12), lives(max_touches=6)),
    policies=POLICIES,
    piece=st.integers(0, 12),
    order=st.randoms(use_true_random=False),
)
def test_a_timeline_is_what_is_resolved_of_its_person(
    clickhouse: Client,
    told: tuple[list[Touch], list[Touch]],
    policies: tuple[KindPolicy, ...],
    piece: int,
    order: random.Random,
) -> None:
    index = JourneyIndex(clickhouse, linger_seconds=0)
    projects = fresh_project(), fresh_project()
    write_policy(clickhouse, projects[0], policies)
    rows = [
        row(one, project) | {"properties": {"n": n}}
        for project, touches in zip(projects, told, strict=True)
        for n, one in enumerate(touches)
    ]
    arriving = order.sample(rows, len(rows))
    for part in (arriving[:piece], arriving[piece:], order.sample(rows, len(rows) // 3)):
        store_rows(clickhouse, part)
        if order.random() < 0.5:
            stitch(clickhouse)
        if order.random() < 0.5:
            index.refresh()
        for kind, value in order.sample(IDENTIFIERS, 2):
            assert_resolved(clickhouse, kind, value, order.choice((*projects, None)))


def assert_resolved(client: Client, kind: str, value: str, project: str | None) -> None:
    """The view and the function tell what `touchpoints_resolved` says of the person, column by column, in order."""
    parameters = {"kind": kind, "value": value, "project": project}
    by_person = " person_id, occurred_at, toUInt128(id)"
    expected = client.query(f"SELECT {COLUMNS} {OF_PERSON} project, {by_person}", parameters=parameters)
    found = client.query(f"SELECT {COLUMNS} {BY_VIEW}", parameters=parameters)
    assert found.result_rows == expected.result_rows
    assert found.column_types == expected.column_types
    answer = questions.person_timeline(client, kind, value, project=project)
    assert list(answer) == [questions.TimelineEntry(*entry) for entry in expected.result_rows]
    again = client.query(answer.sql, parameters=dict(answer.parameters))
    assert again.result_rows == expected.result_rows


def test_while_a_run_is_not_seen_yet_the_timeline_is_that_of_the_person_there_was(
    clickhouse: Client, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(
        clickhouse,
        project,
        [touch("identified", 0, anonymous_id="a", user_id="u"), touch("identified", 1, user_id="u")],
    )
    store(clickhouse, project, [touch("identified", 2, anonymous_id="b", loyalty_card="c")])
    stitch(clickhouse)
    store(clickhouse, project, [touch("identified", 3, user_id="u", loyalty_card="c")])

    def dies(_client: Client, _name: str) -> None:
        raise OSError("died")

    with monkeypatch.context() as dying:
        dying.setattr(stitching, "reload_dictionary", dies)
        with pytest.raises(OSError, match="died"):
            stitch(clickhouse)
    clickhouse.command("OPTIMIZE TABLE identity_persons FINAL")
    everybody = [("anonymous_id", "a"), ("user_id", "u"), ("anonymous_id", "b"), ("loyalty_card", "c")]
    for kind, value in everybody:
        assert_resolved(clickhouse, kind, value, project)
    stitch(clickhouse)
    for kind, value in everybody:
        assert_resolved(clickhouse, kind, value, project)
        assert len(questions.person_timeline(clickhouse, kind, value, project=project)) == 4


def test_an_identifier_that_nobody_carries_has_no_timeline(clickhouse: Client, project: str) -> None:
    for known_in in (project, None):
        assert not questions.person_timeline(clickhouse, "user_id", f"nobody-of-{project}", project=known_in)


@pytest.mark.parametrize("read", [view_text, question_text])
def test_a_text_inside_another_has_no_order_of_its_own(read: Callable[[str], str]) -> None:
    text = read("person_timeline")
    assert text.count("\nORDER BY\n") == 1
    assert view_text("touchpoints_unique").partition("AS\n")[2] in text
