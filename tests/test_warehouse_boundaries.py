"""Where a funnel's window, a session and a journey end: to the millisecond."""

from datetime import timedelta

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas import questions
from parcours_collector.warehouse.stitching import stitch
from tests.touchpoint_rows import store, touch


def sessions_and_journeys(client: Client, project: str) -> list[tuple[object, ...]]:
    return [
        tuple(values)
        for values in client.query(
            "SELECT session_no, journey_no FROM touchpoints_resolved WHERE project = {project:String} "
            "ORDER BY occurred_at",
            parameters={"project": project},
        ).result_rows
    ]


@pytest.mark.parametrize(("milliseconds_late", "reached"), [(-1, 3), (0, 3), (1, 2)])
def test_a_step_exactly_as_late_as_the_window_is_long_counts_and_one_millisecond_later_does_not(
    clickhouse: Client, project: str, milliseconds_late: int, reached: int
) -> None:
    steps = ["ad_impression", "product_viewed", "order_completed"]
    store(
        clickhouse,
        project,
        [
            touch(steps[0], 0, user_id="u"),
            touch(steps[1], 3599, user_id="u"),
            touch(steps[2], 3600 + milliseconds_late / 1000, user_id="u"),
        ],
    )
    stitch(clickhouse)
    people = [row.people for row in questions.funnel(clickhouse, steps, 3600, project=project)]
    assert people == [int(step <= reached) for step in (1, 2, 3)]
    weekly = questions.funnel_weekly(clickhouse, steps, 3600, project=project)
    assert [row.people for row in sorted(weekly, key=lambda row: row.step)] == people


@pytest.mark.parametrize(("milliseconds_late", "session"), [(-1, 1), (0, 1), (1, 2)])
def test_a_silence_of_exactly_thirty_minutes_is_in_one_session_and_one_millisecond_more_is_not(
    clickhouse: Client, project: str, milliseconds_late: int, session: int
) -> None:
    late = timedelta(minutes=30).total_seconds() + milliseconds_late / 1000
    store(clickhouse, project, [touch("page_viewed", 0, user_id="u"), touch("page_viewed", late, user_id="u")])
    stitch(clickhouse)
    assert sessions_and_journeys(clickhouse, project) == [(1, 1), (session, 1)]


@pytest.mark.parametrize(("milliseconds_late", "journey"), [(-1, 1), (0, 1), (1, 2)])
def test_a_silence_of_exactly_thirty_days_is_in_one_journey_and_one_millisecond_more_is_not(
    clickhouse: Client, project: str, milliseconds_late: int, journey: int
) -> None:
    late = timedelta(days=30).total_seconds() + milliseconds_late / 1000
    store(clickhouse, project, [touch("page_viewed", 0, user_id="u"), touch("page_viewed", late, user_id="u")])
    stitch(clickhouse)
    assert sessions_and_journeys(clickhouse, project) == [(1, 1), (2, journey)]
