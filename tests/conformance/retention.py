"""Who comes back: the matrix of cohorts and periods, asked through the atlas."""

from datetime import datetime, timedelta
from typing import Any

from parcours_collector.atlas.retention import Mode, matrix, retention
from tests.conformance.case import Case
from tests.conformance.world import World

UNORDERED: frozenset[str] = frozenset()
_MODES: dict[str, Mode] = {
    "recurring": "recurring",
    "first": "first",
    "first_time": "first",
    "retention_first_time": "first",
}
_WEEK_BEGINS_ON_SUNDAY = {"posthog"}
"""Whose weeks are calendar weeks, whatever the weekday of `date_from`."""


def answer(world: World, case: Case) -> dict[str, Any]:
    """Send the case's events, and say who of each cohort came back."""
    world.send(case.events)
    query = case.query
    interval = query.get("interval", "day")
    date_from = datetime.fromisoformat(query["date_from"]).replace(tzinfo=None)
    if interval == "week" and query.get("profile") in _WEEK_BEGINS_ON_SUNDAY:
        date_from -= timedelta(days=date_from.isoweekday() % 7)
    started, returned = query.get("target") or query.get("start"), query.get("returning") or query.get("return")
    retained = retention(
        world.client,
        f"{date_from:%Y-%m-%d %H:%M:%S}",
        query["intervals"],
        interval=interval,
        mode=_MODES[query.get("mode") or "recurring"],
        start_name=None if started is None else world.name_of(started),
        return_name=None if returned is None else world.name_of(returned),
        timezone=query.get("timezone") or "UTC",
        project=world.project,
    )
    return {"matrix": matrix(retained)}
