"""What the views of the network mean, said again in plain Python, from their headers."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests import oracle
from tests.oracle import Touch

CONVERSIONS = {"order_completed"}
REVENUE = 10.5
"""What each order of `touchpoint_rows` brings."""
NODES: dict[str, Callable[[Touch], str]] = {
    "name": lambda touch: touch.name,
    "channel": lambda touch: touch.channel,
    "name_channel": lambda touch: f"{touch.name} · {touch.channel}",
    "place": lambda touch: touch.channel,
}

Step = tuple[str, datetime]


@dataclass(frozen=True)
class Walk:
    """One walk: whose, its nodes with their times, how its journey ended, and what it brought."""

    person: int
    steps: tuple[Step, ...]
    outcome: str
    revenue: float


def walks(
    lives: Iterable[Sequence[Touch]],
    *,
    now: datetime,
    node: str = "name",
    within: str = "life",
    max_gap_seconds: float | None = None,
    groups: Sequence[str] = (),
    collapse: bool = False,
    start_node: str | None = None,
    end_node: str | None = None,
    via: str | None = None,
    without_conversion: bool = False,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
) -> list[Walk]:
    """The walks of everybody; without their conversions they may be empty."""
    found = []
    for person, life in enumerate(lives):
        for part, outcome in _cut(life, within, now, max_gap_seconds):
            touches = [t for t in part if _inside(t.occurred_at, from_at, to_at)] if within == "life" else part
            if not touches or (within != "life" and not _inside(part[0].occurred_at, from_at, to_at)):
                continue
            shown = touches[:-1] if without_conversion and outcome == "converted" else touches
            steps = [(_grouped(NODES[node](touch), groups), touch.occurred_at) for touch in shown]
            steps = exposure(steps) if collapse else steps
            steps = _between(steps, start_node, end_node)
            if (steps or without_conversion) and (via is None or via in [name for name, _ in steps]):
                revenue = REVENUE * sum(touch.name == "order_completed" for touch in touches)
                found.append(Walk(person, tuple(steps), outcome, revenue))
    return found


def _inside(at: datetime, from_at: datetime | None, to_at: datetime | None) -> bool:
    return (from_at is None or at >= from_at) and (to_at is None or at < to_at)


def _cut(life: Sequence[Touch], within: str, now: datetime, gap: float | None) -> list[tuple[list[Touch], str]]:
    match within:
        case "journey":
            parts = oracle.journeys(life, CONVERSIONS, now)
        case "session":
            numbers = oracle.sessions(life)
            parts = [
                ([t for t, n in zip(life, numbers, strict=True) if n == number], "") for number in sorted(set(numbers))
            ]
        case _:
            parts = [(list(life), "")]
    if gap is None:
        return parts
    pieces: list[tuple[list[Touch], str]] = []
    for part, outcome in parts:
        for before, touch in zip([None, *part], part, strict=False):
            if before is None or touch.occurred_at - before.occurred_at > timedelta(seconds=gap):
                pieces.append(([], outcome))
            pieces[-1][0].append(touch)
    return pieces


def _grouped(node: str, groups: Sequence[str]) -> str:
    for group in groups:
        if re.search(".*".join(re.escape(part) for part in group.split("*")), node, re.DOTALL):
            return group
    return node


def _between(steps: list[Step], start: str | None, end: str | None) -> list[Step]:
    names = [name for name, _ in steps]
    first = 0 if start is None else names.index(start) if start in names else len(names)
    names, steps = names[first:], steps[first:]
    if end is not None:
        steps = steps[: names.index(end) + 1] if end in names else []
    return steps


def exposure(steps: Sequence[Step]) -> list[Step]:
    """The last of each run of one node."""
    return [step for step, after in zip(steps, [*steps, None][1:], strict=True) if after is None or after[0] != step[0]]


def transformed(steps: Sequence[Step], how: str) -> list[Step]:
    """A path after one transform."""
    name, _, wanted = how.partition(":")
    kept = [step for step in steps if step[0] != wanted]
    match name:
        case "unique":
            return list(steps)
        case "exposure":
            return exposure(steps)
        case "first":
            names = [node for node, _ in steps]
            return [step for place, step in enumerate(steps) if step[0] not in names[:place]]
        case "remove_if_not_all":
            return kept or list(steps)
        case "remove_if_last_and_not_all":
            rest = list(steps)
            while kept and rest[-1][0] == wanted:
                rest.pop()
            return rest
        case _:
            return list(steps)[-int(name.removeprefix("last_")) :]


def limited(steps: Sequence[Step], most: int | None, start: str | None, end: str | None) -> list[Step]:
    """A path of at most so many nodes."""
    if most is None or len(steps) <= most:
        return list(steps)
    if start is not None and end is not None:
        half = most // 2
        return [*steps[:half], ("...", steps[half][1]), *steps[-half:]]
    return list(steps[-most:] if end is not None else steps[:most])


def retention(
    lives: Iterable[Sequence[Touch]],
    period_of: Callable[[datetime], int],
    intervals: int,
    *,
    mode: str,
    start: str | None,
    back: str | None,
) -> list[list[int]]:
    """People by cohort and period after it."""
    lives = list(lives)
    table = []
    for cohort in range(intervals):
        row = [0] * (intervals - cohort)
        for life in lives:
            started = [period_of(t.occurred_at) for t in life if start in (None, t.name)]
            if cohort not in (started[:1] if mode == "first" else started):
                continue
            row[0] += 1
            for period in {period_of(t.occurred_at) for t in life if back in (None, t.name)}:
                if cohort < period < intervals:
                    row[period - cohort] += 1
        table.append(row)
    return table
