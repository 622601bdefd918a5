"""What a funnel by rules is declared by, and goes by: steps, conditions, exclusions; `funnel_rules` explains each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import copysign, isinf, isnan
from typing import Any, Literal

from parcours_collector.atlas.texts import one_or_more
from parcours_collector.errors import OperatorError

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "set", "unset"]
Preset = Literal["parcours", "posthog", "mixpanel", "amplitude", "strict"]
StepOrder = Literal["ordered", "strict", "any"]
Attempts = Literal["best", "first"]
Ties = Literal["arrival", "any"]
ExclusionEnds = Literal["attempt", "person"]
BreakdownBy = Literal["first_touch", "last_touch", "each_value", "step", "attempt"]
Period = Literal["hour", "day", "week", "sunday_week", "month"]
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
        field: `name`, `channel`, `source`, `place`, `currency`, `revenue`, `properties.NAME` or `context.NAME`; for
            what lies inside, `NAME.NAME`.
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
    attempts: Attempts | None = None
    count_attempts: bool | None = None
    count_by: str | None = None
    window_seconds: float | None = None
    hold: str | Sequence[str] = ()
    ties: Ties | None = None
    grace_seconds: float | None = None
    resolution_seconds: float | None = None
    exclusions: Sequence[Exclusion] = ()
    exclusion_ends: ExclusionEnds | None = None
    where: Sequence[Where] = ()
    breakdown: str | None = None
    breakdown_by: BreakdownBy | None = None
    breakdown_step: int | None = None
    interval: Period | None = None
    timezone: str | None = None

    def __post_init__(self) -> None:
        """Take a single field that is held as the one that it is."""
        object.__setattr__(self, "hold", one_or_more(self.hold))


@dataclass(frozen=True, slots=True)
class UsedRules:
    """What a funnel goes by when its preset has filled in what was not declared; fields that `Rules` has are as there.

    Attributes:
        steps: What was declared, with every name.
        step_names: How the steps are called.
        exclusions: What was declared, with the steps between which it counts.
        breakdown: A field; empty when there is none.
        interval: A period; empty when there is none.
        fields: Every field that the rules look at.
    """

    preset: Preset
    step_order: StepOrder
    may_go_back: bool
    needs_first_step: bool
    attempts: Attempts
    count_attempts: bool
    count_by: str
    window_seconds: float
    hold: list[str]
    ties: Ties
    grace_seconds: float
    resolution_seconds: float
    steps: list[Step]
    step_names: list[str]
    exclusions: list[Exclusion]
    exclusion_ends: ExclusionEnds
    where: list[Where]
    breakdown: str
    breakdown_by: BreakdownBy
    breakdown_step: int
    interval: Period | Literal[""]
    timezone: str
    fields: list[str]


Declared = Rules | Mapping[str, Any] | None
"""Rules, or the same as JSON has them."""


def as_json(told: Any) -> Any:
    """Return what is declared as JSON has it: conditions as lists, the others as objects of what was given."""
    match told:
        case Where(field, operator, values):
            return [field, operator, *values]
        case Step() | Exclusion() | Rules():
            given = {one.name: getattr(told, one.name) for one in fields(told)}
            return {key: as_json(value) for key, value in given.items() if value is not None and value != ()}
        case float() if isnan(told):
            raise UnusableRules("A number of a funnel's rules is NaN.", remedy="For no bound leave the rule out.")
        case float() if isinf(told):
            # JSON has no such number, and no time is longer than this one.
            return copysign(1e12, told)
        case str() | bool() | int() | float():
            return told
        case Mapping():
            return {key: value if value is None else as_json(value) for key, value in told.items()}
        case Sequence():
            return [as_json(one) for one in told]
        case _:
            raise TypeError(f"a funnel's rules hold no {type(told).__name__}")


def as_used(*row: Any) -> UsedRules:
    """Return a row of the view `funnel_rules`, its steps, exclusions and conditions as they are declared in Python."""
    told = UsedRules(*row)
    return replace(
        told,
        steps=[Step(**_conditioned(step)) for step in told.steps],
        exclusions=[Exclusion(**_conditioned(exclusion)) for exclusion in told.exclusions],
        where=_conditions(told.where),
    )


def _conditioned(told: Any) -> dict[str, Any]:
    return {**told, "names": tuple(told["names"]), "where": tuple(_conditions(told["where"]))}


def _conditions(told: Any) -> list[Where]:
    return [Where(field, operator, tuple(values)) for field, operator, *values in told]
