"""How far people come: a case's query said in declared rules, asked through the atlas."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from parcours_collector.atlas.funnels import (
    BreakdownBy,
    Exclusion,
    Rules,
    Step,
    Where,
    conversion_times,
    funnel_attempts,
    funnel_by_rules,
)
from tests.conformance.case import Case
from tests.conformance.world import World

UNORDERED = frozenset({"completed"})
_ATTRIBUTION: dict[str, BreakdownBy] = {
    "first_touch": "first_touch",
    "last_touch": "last_touch",
    "all_events": "each_value",
}
_INTERVALS = {("posthog", "week"): "sunday_week"}
"""Whose weeks do not begin on Monday."""
_VALUE_IS_OF_THE_ATTEMPT = {"mixpanel"}
"""By whose rules a value at a step is that of the attempt; by others each value has a funnel of its own."""


def answer(world: World, case: Case) -> dict[str, Any]:
    """Send the case's events, and say how far who came."""
    world.send(case.events)
    zones = case.query.get("timezone") or "UTC"
    answers = [_asked(world, case, zone) for zone in (zones if isinstance(zones, list) else [zones])]
    if any(other != answers[0] for other in answers):
        raise AssertionError(f"the answer depends on the time zone: {answers}")
    return answers[0]


def _asked(world: World, case: Case, zone: str) -> dict[str, Any]:
    query = case.query
    steps = [_step(world, step) for step in query["steps"]]
    rules = _rules(world, query, zone)
    bounds: dict[str, Any] = {
        "project": world.project,
        "allow_unknown": True,
        "from_at": _day(query["date_from"], zone) if "date_from" in query else None,
        "to_at": _end(query["date_to"], zone) if "date_to" in query else None,
    }
    counted = funnel_by_rules(world.client, steps, rules, **bounds)
    told: dict[str, Any] = {}
    if rules.interval:
        return {"trend": list(_trend(query, zone, counted.rows))}
    if rules.breakdown:
        values = dict.fromkeys(row.breakdown_value for row in counted)
        by_value = {value: [row.counted for row in counted if row.breakdown_value == value] for value in values}
        return {"by_breakdown": by_value}
    told["step_counts"] = [row.counted for row in counted]
    told["avg_step_s"] = [row.avg_seconds for row in counted]
    told["median_step_s"] = [row.median_seconds for row in counted]
    told["dropoff"] = [row.lost for row in counted]
    if case.expected.keys() & {"reached", "completed", "time_to_convert_avg_s"}:
        attempts = funnel_attempts(world.client, steps, rules, limit=1_000_000, **bounds).rows
        whole = [one for one in attempts if one.reached == len(steps)]
        first, last = _ends(query)
        asked = [one.seconds_from_previous[first:last] for one in attempts if one.reached >= last]
        seconds = [sum(pause or 0 for pause in pauses) for pauses in asked]
        told["reached"] = {_named(world, one): one.reached for one in attempts}
        told["completed"] = [_named(world, one) for one in whole]
        told["time_to_convert_avg_s"] = sum(seconds) / len(seconds) if seconds else None
    if "bins" in case.expected:
        first, last = _ends(query)
        times = conversion_times(
            world.client, steps, rules, from_step=first, to_step=last, bins=query.get("bin_count"), **bounds
        )
        told["bins"] = [[one.from_seconds, one.counted] for one in times]
    return told


def _named(world: World, attempt: Any) -> str:
    return attempt.subject or world.person_names[attempt.person_id]


def _step(world: World, told: dict[str, Any]) -> Step:
    return Step(
        names=_names(world, told.get("event")),
        where=_where(told.get("where")),
        optional=bool(told.get("optional")),
        within_seconds=told.get("within_s"),
        first_ever=bool(told.get("first_ever")),
    )


def _names(world: World, told: Any) -> list[str]:
    return [world.name_of(one) for one in (told if isinstance(told, list) else [told]) if one is not None]


def _where(told: dict[str, Any] | None) -> list[Where]:
    return [
        Where(f"properties.{key}", "unset")
        if value is None
        else Where.is_(f"properties.{key}", *map(_text, value if isinstance(value, list) else [value]))
        for key, value in (told or {}).items()
    ]


def _ends(query: dict[str, Any]) -> tuple[int, int]:
    """The steps, from 1, between which a time is asked."""
    return query.get("from_step", 0) + 1, query.get("to_step", len(query["steps"]) - 1) + 1


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field(told: str) -> str:
    return told.replace("props.", "properties.", 1)


def _rules(world: World, query: dict[str, Any], zone: str) -> Rules:
    aggregate = query.get("aggregate_by")
    attribution = query.get("breakdown_attribution") or "first_touch"
    by_step = attribution.startswith("step")
    step_kind: BreakdownBy = "attempt" if query["profile"] in _VALUE_IS_OF_THE_ATTEMPT else "step"
    hold = query.get("hold") or ()
    return Rules(
        preset=query["profile"],
        step_order=query.get("order"),
        window_seconds=query.get("window_s"),
        attempts={"first": "first", "optimized": "best", None: None}[query.get("reentry")],
        count_attempts=query.get("count") == "totals",
        count_by=_field(aggregate) if aggregate else None,
        hold=[_field(one) for one in ([hold] if isinstance(hold, str) else hold)],
        # A case states its own grace and resolution; without one, instants are as they are.
        grace_seconds=query.get("grace_s") or 0,
        resolution_seconds=query.get("resolution_s") or 0,
        exclusions=[
            Exclusion(
                names=_names(world, one.get("event")),
                where=_where(one.get("where")),
                from_step=one["from_step"] + 1,
                to_step=one["to_step"] + 1,
            )
            for one in query.get("exclusions") or ()
        ],
        where=_where(query.get("filter")),
        breakdown=_field(query["breakdown"]) if query.get("breakdown") else None,
        breakdown_by=(step_kind if by_step else _ATTRIBUTION[attribution]) if query.get("breakdown") else None,
        breakdown_step=int(attribution.rpartition("_")[2]) + 1 if by_step else None,
        interval=_INTERVALS.get((query["profile"], query.get("interval")), query.get("interval"))
        if query.get("view") == "trend"
        else None,
        timezone=zone,
    )


def _day(told: str, zone: str) -> datetime:
    return datetime.fromisoformat(told).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _end(told: str, zone: str) -> datetime:
    """The end of the day, or just after the instant where the time of day is told."""
    at = datetime.fromisoformat(told).replace(tzinfo=None)
    later = timedelta(milliseconds=1) if at.time() != time.min else timedelta(days=1)
    return (at + later).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _trend(query: dict[str, Any], zone: str, rows: Any) -> Iterator[dict[str, int]]:
    first, last = _ends(query)
    counted: dict[tuple[datetime, int], int] = {}
    for row in rows:
        key = row.period_at.astimezone(UTC), row.step
        counted[key] = counted.get(key, 0) + row.counted
    start = _start(query)
    end = datetime.fromisoformat(query["date_to"]).replace(tzinfo=None) + timedelta(days=1)
    while start < end:
        at = start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        yield {"from": counted.get((at, first), 0), "to": counted.get((at, last), 0)}
        start = _next(start, query["interval"])


def _start(query: dict[str, Any]) -> datetime:
    """Where the period begins that the first day lies in."""
    start = datetime.fromisoformat(query["date_from"]).replace(tzinfo=None)
    match query["interval"]:
        case "month":
            return start.replace(day=1)
        case "week":
            is_from_sunday = (query["profile"], "week") in _INTERVALS
            return start - timedelta(days=start.isoweekday() % 7 if is_from_sunday else start.weekday())
        case _:
            return start


def _next(start: datetime, interval: str) -> datetime:
    match interval:
        case "month":
            return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[interval]
