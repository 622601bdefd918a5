"""Funnels by declared rules: who tried, how far they came, when."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.funnel_rules import (
    BreakdownBy,
    Declared,
    Exclusion,
    Period,
    Preset,
    Rules,
    Step,
    StepOrder,
    UnusableRules,
    UsedRules,
    Where,
    as_json,
    as_used,
)
from parcours_collector.atlas.names import refuse_unknown
from parcours_collector.atlas.ruled_funnel import needless_parts

__all__ = [
    "BreakdownBy",
    "ConversionTime",
    "CountedStep",
    "Declared",
    "Exclusion",
    "FunnelAttempt",
    "Period",
    "Preset",
    "Rules",
    "Step",
    "StepOrder",
    "UnusableRules",
    "UsedRules",
    "Where",
    "conversion_times",
    "funnel_attempts",
    "funnel_by_rules",
    "funnel_rules",
]

Row = TypeVar("Row")

_SAID = re.compile(r"DB::Exception: (.*?)(?:: while executing 'FUNCTION (?:throwIf|and)|\. \(FUNCTION_THROW)")
"""What a view has said of its parameters, in a message of ClickHouse."""
_ARRIVED = "arrived while they were read: ask again"
"""What `funnel_walks_indexed` says where walks and what conditions look at are of different moments."""
_MOST_REMEMBERED = 256
_read_before: dict[tuple[str, str], Mapping[str, Any]] = {}
_reading = Lock()
_NO_ZONE = re.compile(r"DB::Exception: Cannot load time zone (.*?): In scope")


class _ArrivedMeanwhile(Exception):
    """A walk was read that holds touchpoints which what conditions look at does not: every touchpoint is to be read."""


@dataclass(frozen=True, slots=True)
class FunnelAttempt:
    """One attempt that counts; `reached` is its furthest step, the lists have an entry for each step up to it."""

    project: str
    person_id: int
    subject: str
    breakdown_value: str
    period_at: datetime | None
    is_complete: bool | None
    entered_at: datetime
    reached: int
    step_times: list[datetime | None]
    seconds_from_previous: list[float | None]
    touchpoint_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class CountedStep:
    """One step, for one breakdown value and period: what the rules count, its people, and those who went no further."""

    breakdown_value: str
    period_at: datetime | None
    is_complete: bool | None
    step: int
    name: str
    counted: int
    people: int
    lost: int
    conversion_from_previous: float
    conversion_from_start: float
    avg_seconds: float
    median_seconds: float


@dataclass(frozen=True, slots=True)
class ConversionTime:
    """How many took from `from_seconds` to less than `to_seconds`."""

    from_seconds: float
    to_seconds: float
    counted: int


def funnel_by_rules(
    client: Client,
    steps: str | Sequence[str | Step],
    rules: Declared = None,
    *,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
) -> Answer[CountedStep]:
    """Return how many came to each step, by breakdown value and period where these are asked.

    Args:
        client: A client of the migrated database.
        steps: In order: names of touchpoints, or `Step`.
        rules: How the funnel is judged; the preset `parcours` by default.
        project: Only this project.
        from_at: Only touchpoints at or after this aware instant.
        to_at: Only touchpoints before this aware instant.
        allow_unknown: Count names that were never recorded or declared as nobody's, instead of refusing them.

    Raises:
        UnknownTouchpoint: A step or an exclusion names one; it says which names are near.
        UnusableRules: No funnel can go by them; it says what is expected, and of misspelt keys which are near.
    """
    parameters = _parameters(steps, rules, project, from_at, to_at)
    r = _read(client, parameters)
    _refuse_unknown(client, r, project, allow_unknown=allow_unknown)
    return _ask_of_walks(client, "funnel_by_rules", CountedStep, r, parameters)


def funnel_attempts(
    client: Client,
    steps: str | Sequence[str | Step],
    rules: Declared = None,
    *,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
    limit: int = 1000,
) -> Answer[FunnelAttempt]:
    """Return up to `limit` of the attempts that `funnel_by_rules` counts; other arguments as there."""
    parameters = {**_parameters(steps, rules, project, from_at, to_at), "limit": limit}
    r = _read(client, parameters)
    _refuse_unknown(client, r, project, allow_unknown=allow_unknown)
    without = needless_parts("funnel_attempts", r, parameters, needs_ids=True)
    return _ask(client, "funnel_attempts", FunnelAttempt, parameters | {"r": _as_tuples(r)}, without=without)


def conversion_times(
    client: Client,
    steps: str | Sequence[str | Step],
    rules: Declared = None,
    *,
    from_step: int | None = None,
    to_step: int | None = None,
    bins: int | None = None,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
) -> Answer[ConversionTime]:
    """Return a histogram of the time from one step (the first) to another (the last); other arguments as above."""
    asked = {"from_step": from_step, "to_step": to_step, "bins": bins}
    parameters = _parameters(steps, rules, project, from_at, to_at) | asked
    r = _read(client, parameters)
    first = 1 if from_step is None else from_step
    last = r["step_count"] if to_step is None else to_step
    if not 1 <= first < last <= r["step_count"]:
        raise UnusableRules("from_step lies before to_step, both are steps, from 1.")
    _refuse_unknown(client, r, project, allow_unknown=allow_unknown)
    return _ask_of_walks(client, "funnel_conversion_times", ConversionTime, r, parameters)


def funnel_rules(client: Client, steps: str | Sequence[str | Step], rules: Declared = None) -> Answer[UsedRules]:
    """Return what a funnel goes by when it is asked so, as the one row; names are not looked up.

    Args:
        client: A client of the migrated database.
        steps: In order: names of touchpoints, or `Step`.
        rules: How the funnel is judged; the preset `parcours` by default.

    Raises:
        UnusableRules: No funnel can go by them.
    """
    parameters = {name: value for name, value in _parameters(steps, rules).items() if name in {"steps", "rules"}}
    return _ask(client, "funnel_rules", as_used, parameters)


def _read(client: Client, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have the rules read once, by a question of their own: as a constant they cost the next one little to analyse.

    What they mean lies in their texts alone, whoever is asked, so it is remembered.
    """
    told = parameters["steps"], parameters["rules"]
    if (r := _read_before.get(told)) is None:
        asked: Answer[dict[str, Any]] = _ask(client, "funnel_asked", dict, {"steps": told[0], "rules": told[1]})
        r = MappingProxyType(asked[0])
        with _reading:
            if len(_read_before) >= _MOST_REMEMBERED:
                _read_before.clear()
            _read_before[told] = r
    return r


def _as_tuples(value: Any) -> Any:
    """A named tuple comes as a dictionary, and goes as a tuple."""
    match value:
        case Mapping():
            return tuple(map(_as_tuples, value.values()))
        case list():
            return list(map(_as_tuples, value))
        case _:
            return value


def _ask_of_walks(
    client: Client, question: str, row: Callable[..., Row], r: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Answer[Row]:
    """Ask of the index, and of touchpoints what it lacks; of these alone where the two are of different moments."""
    given = {**parameters, "r": _as_tuples(r)}
    try:
        return _ask(client, question, row, given, without=needless_parts(question, r, parameters))
    except _ArrivedMeanwhile:
        return _ask(client, question, row, given, without=needless_parts(question, r, parameters, reads_all=True))


def _ask(
    client: Client,
    question: str,
    row: Callable[..., Row],
    parameters: Mapping[str, Any],
    *,
    without: tuple[str, ...] = (),
) -> Answer[Row]:
    try:
        return ask(client, question, row, parameters, without=without)
    except DatabaseError as error:
        if _ARRIVED in str(error):
            raise _ArrivedMeanwhile from None
        if said := _SAID.search(str(error)):
            raise UnusableRules(f"{said[1].rstrip('.')}.") from None
        if zone := _NO_ZONE.search(str(error)):
            raise UnusableRules(
                f"There is no time zone {zone[1]}.", remedy="Zones are called as in Europe/Paris."
            ) from None
        raise


def _refuse_unknown(client: Client, r: Mapping[str, Any], project: str | None, *, allow_unknown: bool) -> None:
    if not allow_unknown:
        refuse_unknown(client, [name for asked in r["asked"] for name in asked["names"]], project=project)


def _listed(steps: str | Sequence[str | Step]) -> Sequence[str | Step]:
    return [steps] if isinstance(steps, str) else steps


def _parameters(
    steps: str | Sequence[str | Step],
    rules: Declared,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
) -> dict[str, Any]:
    return {
        "steps": orjson.dumps([as_json(step) for step in _listed(steps)]).decode(),
        "rules": orjson.dumps(as_json(Rules() if rules is None else rules)).decode(),
        "project": project,
        "from_at": from_at,
        "to_at": to_at,
    }
