"""Who comes back: the people of each cohort in each period after it, as the view `retention` counts them."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.names import refuse_unknown

Interval = Literal["hour", "day", "week", "month"]
Mode = Literal["recurring", "first"]


@dataclass(frozen=True, slots=True)
class Retained:
    """The people of one cohort who came back `period_no` periods later, and their share of the cohort."""

    cohort_no: int
    cohort_at: datetime
    period_no: int
    people: int
    share: float


def retention(
    client: Client,
    date_from: str,
    intervals: int,
    *,
    interval: Interval = "day",
    mode: Mode = "recurring",
    start_name: str | None = None,
    return_name: str | None = None,
    timezone: str = "UTC",
    project: str | None = None,
    allow_unknown: bool = False,
) -> Answer[Retained]:
    """Return, cohort by cohort, how many came back in each period after it.

    Args:
        client: A client of the migrated database.
        date_from: A day, `2026-06-01`, or a local time; the first period is the one that holds it.
        intervals: How many periods.
        interval: How long one is. Weeks begin on the weekday of `date_from`.
        mode: `recurring`: a person is of every cohort in whose period they came. `first`: of their very first only.
        start_name: What makes a person of a cohort; any touchpoint by default.
        return_name: What is coming back; any touchpoint by default.
        timezone: Whose days and months.
        project: Only this project.
        allow_unknown: Count names that were never recorded or declared as nobody's, instead of refusing them.

    Raises:
        UnknownTouchpoint: `start_name` or `return_name` is one; it says which names are near.
    """
    names = [name for name in (start_name, return_name) if name is not None]
    if names and not allow_unknown:
        refuse_unknown(client, names, project=project)
    return ask(
        client,
        "retention",
        Retained,
        {
            "date_from": date_from,
            "intervals": intervals,
            "interval": interval,
            "mode": mode,
            "start_name": start_name,
            "return_name": return_name,
            "timezone": timezone,
            "project": project,
        },
    )


def matrix(retained: Answer[Retained]) -> list[list[int]]:
    """Return the people as a triangle: a row a cohort, its periods from 0 on."""
    return [[row.people for row in rows] for _, rows in groupby(retained, key=lambda row: row.cohort_no)]
