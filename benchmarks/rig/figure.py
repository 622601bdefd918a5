"""A figure: the same work by two sides in the same rounds, and the ratio between them.

Only the ratio is meant to travel from machine to machine. It is taken round by round, so that what slows a machine for
a while slows both of its sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median


class Size(StrEnum):
    """How much work: `FULL` for figures to keep, `QUICK` while working on something, `SMOKE` to prove that it runs."""

    FULL = "full"
    QUICK = "quick"
    SMOKE = "smoke"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of the ratio, or, when it is `of_ours`, of our side by itself: at least `least`, or at most `most`."""

    least: float | None = None
    most: float | None = None
    of_ours: bool = False

    def is_met_by(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        bound = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return f"ours {bound}" if self.of_ours else bound


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in rounds: `ours[n]` and `theirs[n]` stood beside each other in round n.

    Attributes:
        name: What is measured.
        against: What `theirs` is.
        unit: Of both sides, such as `events/s of CPU`.
        ours: One number a round.
        theirs: Likewise.
        goal: What the ratio ours ÷ theirs, or the median of `ours`, has to be; None = only reported.
    """

    name: str
    against: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    goal: Goal | None = None

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return median(self.ratios)

    @property
    def meets_goal(self) -> bool | None:
        """Whether it does; None when it has none."""
        if self.goal is None:
            return None
        return self.goal.is_met_by(median(self.ours) if self.goal.of_ours else self.ratio)

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "against": self.against,
            "unit": self.unit,
            "ours": list(self.ours),
            "theirs": list(self.theirs),
            "ratio": self.ratio,
            "ratios": self.ratios,
            "goal": None if self.goal is None else str(self.goal),
            "goal_met": self.meets_goal,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark found: its figures, and what a reader must know to read them."""

    figures: Sequence[Figure]
    notes: Sequence[str] = field(default=())


class Void(Exception):
    """The two sides did not do the same work, so that a ratio would say nothing."""
