"""Funnels by declared rules: who tried, how far they came, when; the rules stand in the view `funnel_rules`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.names import refuse_unknown

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "set", "unset"]
Preset = Literal["parcours", "posthog", "mixpanel", "amplitude", "strict"]
StepOrder = Literal["ordered", "strict", "any"]
BreakdownBy = Literal["first_touch", "last_touch", "each_value", "step", "attempt"]
Period = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on one field of a touchpoint; with several values, `=` is any of them and `!=` none.

    Attributes:
        field: `name`, `channel`, `source`, `place`, `currency`, `revenue`, `properties.NAME` or `context.NAME`.
        operator: How it is compared: numbers as numbers, else text. What lacks the field is the empty text.
        values: What it is compared with; none for `set` and `unset`.
    """

    field: str
    operator: Operator = "="
    values: Sequence[str] = ()

    @classmethod
    def is_(cls, field: str, *values: str) -> "Where":
        """Return the condition that the field has one of these values."""
        return cls(field, "=", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that is more than a name.

    Attributes:
        names: Any of these touchpoints; none = any touchpoint.
        where: Conditions that it fulfils.
        optional: It may be left out; the first step may not.
        within_seconds: Longest time from the step done before, inclusive.
        first_ever: Only the first such touchpoint in the person's life.
    """

    names: Sequence[str] = ()
    where: Sequence[Where] = ()
    optional: bool = False
    within_seconds: float | None = None
    first_ever: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What ends an attempt between two steps; `from_step` and `to_step` count from 1, by default first and last."""

    names: Sequence[str] = ()
    where: Sequence[Where] = ()
    from_step: int | None = None
    to_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a funnel is judged; what is None is as the preset has it. The view `funnel_rules` explains each of them."""

    preset: Preset | None = None
    step_order: StepOrder | None = None
    may_go_back: bool | None = None
    needs_first_step: bool | None = None
    attempts: Literal["best", "first"] | None = None
    count_attempts: bool | None = None
    count_by: str | None = None
    window_seconds: float | None = None
    hold: Sequence[str] = ()
    ties: Literal["arrival", "any"] | None = None
    grace_seconds: float | None = None
    resolution_seconds: float | None = None
    exclusions: Sequence[Exclusion] = ()
    exclusion_ends: Literal["attempt", "person"] | None = None
    where: Sequence[Where] = ()
    breakdown: str | None = None
    breakdown_by: BreakdownBy | None = None
    breakdown_step: int | None = None
    interval: Period | None = None
    timezone: str | None = None


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
    steps: Sequence[str | Step],
    rules: Rules | None = None,
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
    """
    _refuse_unknown(client, steps, rules, project, allow_unknown=allow_unknown)
    return ask(client, "funnel_by_rules", CountedStep, _parameters(steps, rules, project, from_at, to_at))


def funnel_attempts(
    client: Client,
    steps: Sequence[str | Step],
    rules: Rules | None = None,
    *,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
    limit: int = 1000,
) -> Answer[FunnelAttempt]:
    """Return up to `limit` of the attempts that `funnel_by_rules` counts; other arguments as there."""
    _refuse_unknown(client, steps, rules, project, allow_unknown=allow_unknown)
    parameters = {**_parameters(steps, rules, project, from_at, to_at), "limit": limit}
    return ask(client, "funnel_attempts", FunnelAttempt, parameters)


def conversion_times(
    client: Client,
    steps: Sequence[str | Step],
    rules: Rules | None = None,
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
    _refuse_unknown(client, steps, rules, project, allow_unknown=allow_unknown)
    asked = {"from_step": from_step, "to_step": to_step, "bins": bins}
    parameters = _parameters(steps, rules, project, from_at, to_at) | asked
    return ask(client, "funnel_conversion_times", ConversionTime, parameters)


def _refuse_unknown(
    client: Client, steps: Sequence[str | Step], rules: Rules | None, project: str | None, *, allow_unknown: bool
) -> None:
    if allow_unknown:
        return
    names = [name for step in steps for name in ([step] if isinstance(step, str) else step.names)]
    names += [name for exclusion in (rules or Rules()).exclusions for name in exclusion.names]
    refuse_unknown(client, names, project=project)


def _parameters(
    steps: Sequence[str | Step],
    rules: Rules | None,
    project: str | None,
    from_at: datetime | None,
    to_at: datetime | None,
) -> dict[str, Any]:
    return {
        "steps": orjson.dumps([_plain(step) for step in steps]).decode(),
        "rules": orjson.dumps(_plain(rules or Rules())).decode(),
        "project": project,
        "from_at": from_at,
        "to_at": to_at,
    }


def _plain(told: Any) -> Any:
    """Return what is declared as JSON has it: conditions as lists, the others as objects of what was given."""
    match told:
        case Where(field, operator, values):
            return [field, operator, *values]
        case Step() | Exclusion() | Rules():
            given = {one.name: getattr(told, one.name) for one in fields(told)}
            return {key: _plain(value) for key, value in given.items() if value is not None and value != ()}
        case str() | bool() | int() | float():
            return told
        case Sequence():
            return [_plain(one) for one in told]
        case _:
            raise TypeError(f"a funnel's rules hold no {type(told).__name__}")
