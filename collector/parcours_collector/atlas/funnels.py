"""Funnels by declared rules: who tried, how far they came, when; the rules stand in the view `funnel_rules`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.names import refuse_unknown
from parcours_collector.atlas.texts import one_or_more
from parcours_collector.errors import OperatorError

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "set", "unset"]
Preset = Literal["parcours", "posthog", "mixpanel", "amplitude", "strict"]
StepOrder = Literal["ordered", "strict", "any"]
BreakdownBy = Literal["first_touch", "last_touch", "each_value", "step", "attempt"]
Period = Literal["hour", "day", "week", "month"]
Row = TypeVar("Row")

_SAID = re.compile(r"DB::Exception: (.*?)(?:: while executing 'FUNCTION (?:throwIf|and)|\. \(FUNCTION_THROW)")
"""What a view has said of its parameters, in a message of ClickHouse."""
_NO_ZONE = re.compile(r"DB::Exception: Cannot load time zone (.*?): In scope")
_VALUES = dict.fromkeys(("<", "<=", ">", ">="), (1, 1)) | dict.fromkeys(("set", "unset"), (0, 0))
"""The least and the most values an operator takes; the others take one or more."""


class UnusableRules(OperatorError):
    """Steps or rules that no funnel can go by."""

    tag = "unusable_rules"
    remedy = "docs/views.md explains the rules of a funnel."


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on one field of a touchpoint; with several values, `=` is any of them and `!=` none.

    Attributes:
        field: `name`, `channel`, `source`, `place`, `currency`, `revenue`, `properties.NAME` or `context.NAME`.
        operator: How it is compared. `=` and `!=` compare texts, and numbers with numbers by value; `<` to `>=` compare
            as numbers where the value is one, else as texts. What lacks the field is the empty text.
        values: What it is compared with, one or several; one for `<` to `>=`, none for `set` and `unset`.

    Raises:
        UnusableRules: There are more or fewer values than the operator takes.
    """

    field: str
    operator: Operator = "="
    values: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        """Take a single text as the one value that it is."""
        object.__setattr__(self, "values", one_or_more(self.values))
        least, most = _VALUES.get(self.operator, (1, max(2, len(self.values))))
        if not least <= len(self.values) <= most:
            wanted = {(0, 0): "no value", (1, 1): "one value"}.get((least, most), "at least one value")
            raise UnusableRules(f"A condition by {self.operator} has {wanted}: {self.field} has {len(self.values)}.")

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

    names: str | Sequence[str] = ()
    where: Sequence[Where] = ()
    optional: bool = False
    within_seconds: float | None = None
    first_ever: bool = False

    def __post_init__(self) -> None:
        """Take a single name as the one that it is."""
        object.__setattr__(self, "names", one_or_more(self.names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What ends an attempt between two steps; `from_step` and `to_step` count from 1, by default first and last."""

    names: str | Sequence[str] = ()
    where: Sequence[Where] = ()
    from_step: int | None = None
    to_step: int | None = None

    def __post_init__(self) -> None:
        """Take a single name as the one that it is."""
        object.__setattr__(self, "names", one_or_more(self.names))


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
    hold: str | Sequence[str] = ()
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

    def __post_init__(self) -> None:
        """Take a single field that is held as the one that it is."""
        object.__setattr__(self, "hold", one_or_more(self.hold))


Declared = Rules | Mapping[str, Any] | None
"""Rules, or the same as JSON has them."""


@dataclass(frozen=True, slots=True)
class UsedRules:
    """What a funnel goes by when its preset has filled in what was not declared."""

    window_seconds: float
    breakdown: str
    interval: str
    timezone: str
    excluded_names: list[str]


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
    _refuse_unknown(client, steps, rules, project, allow_unknown=allow_unknown)
    return _ask(client, "funnel_by_rules", CountedStep, _parameters(steps, rules, project, from_at, to_at))


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
    _refuse_unknown(client, steps, rules, project, allow_unknown=allow_unknown)
    parameters = {**_parameters(steps, rules, project, from_at, to_at), "limit": limit}
    return _ask(client, "funnel_attempts", FunnelAttempt, parameters)


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
    _refuse_unknown(client, steps, rules, project, allow_unknown=allow_unknown)
    asked = {"from_step": from_step, "to_step": to_step, "bins": bins}
    parameters = _parameters(steps, rules, project, from_at, to_at) | asked
    return _ask(client, "funnel_conversion_times", ConversionTime, parameters)


def used_rules(client: Client, steps: str | Sequence[str | Step], rules: Declared = None) -> UsedRules:
    """Return what a funnel goes by when it is asked so.

    Raises:
        UnusableRules: No funnel can go by them.
    """
    parameters = {name: value for name, value in _parameters(steps, rules).items() if name in {"steps", "rules"}}
    return _ask(client, "funnel_rules", UsedRules, parameters)[0]


def _ask(client: Client, question: str, row: type[Row], parameters: Mapping[str, Any]) -> Answer[Row]:
    try:
        return ask(client, question, row, parameters)
    except DatabaseError as error:
        if said := _SAID.search(str(error)):
            raise UnusableRules(f"{said[1].rstrip('.')}.") from None
        if zone := _NO_ZONE.search(str(error)):
            raise UnusableRules(
                f"There is no time zone {zone[1]}.", remedy="Zones are called as in Europe/Paris."
            ) from None
        raise


def _refuse_unknown(
    client: Client, steps: str | Sequence[str | Step], rules: Declared, project: str | None, *, allow_unknown: bool
) -> None:
    if allow_unknown:
        return
    names = [name for step in _listed(steps) for name in ([step] if isinstance(step, str) else step.names)]
    if isinstance(rules, Mapping):
        names += used_rules(client, steps, rules).excluded_names
    elif rules is not None:
        names += [name for exclusion in rules.exclusions for name in exclusion.names]
    refuse_unknown(client, names, project=project)


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
        "steps": orjson.dumps([_plain(step) for step in _listed(steps)]).decode(),
        "rules": orjson.dumps(rules if isinstance(rules, Mapping) else _plain(rules or Rules())).decode(),
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
