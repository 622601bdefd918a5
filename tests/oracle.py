"""What the views mean, said again in plain Python: the oracle that the SQL is proved against.

It is written from the headers of the views, not from their SQL, and prefers the obvious to the fast.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from uuid import UUID

WEB = {"web", "search", "social", "ads"}
MESSAGE = {"email", "sms", "push", "mail"}


@dataclass(frozen=True)
class Touch:
    """One touchpoint as recorded."""

    id: UUID
    name: str
    occurred_at: datetime
    ids: dict[str, tuple[str, ...]] = field(hash=False)
    channel: str = "web"
    received_at: datetime | None = None
    placeholders: tuple[str, ...] = ()

    @property
    def identifiers(self) -> list[tuple[str, str]]:
        return sorted(
            {(kind, value) for kind, values in self.ids.items() for value in values if value not in self.placeholders}
        )


Person = frozenset[tuple[str, str]]


def unique(touches: Iterable[Touch]) -> list[Touch]:
    """Each id once: the earliest receipt."""
    kept: dict[UUID, Touch] = {}
    for touch in touches:
        before = kept.get(touch.id)
        if before is None or touch.received_at < before.received_at:  # type: ignore[operator]
            kept[touch.id] = touch
    return list(kept.values())


def people(touches: Iterable[Touch]) -> dict[tuple[str, str], Person]:
    """Connected components, by union of sets."""
    component: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for touch in touches:
        joined: set[tuple[str, str]] = set()
        for identifier in touch.identifiers:
            joined |= component.get(identifier, {identifier})
        for identifier in joined:
            component[identifier] = joined
    return {identifier: frozenset(members) for identifier, members in component.items()}


def walks(touches: Sequence[Touch], evidence: Sequence[Touch] | None = None) -> dict[Person, list[Touch]]:
    """Every person's touchpoints in order; those of nobody are left out."""
    person_of = people(touches if evidence is None else evidence)
    by_person: dict[Person, list[Touch]] = defaultdict(list)
    for touch in unique(touches):
        if touch.identifiers:
            by_person[person_of[touch.identifiers[0]]].append(touch)
    return {person: sorted(walk, key=lambda t: (t.occurred_at, t.id.bytes)) for person, walk in by_person.items()}


def channel_family(channel: str) -> str:
    return "web" if channel in WEB else "message" if channel in MESSAGE else channel


def sessions(walk: Sequence[Touch], gap: timedelta = timedelta(minutes=30)) -> list[int]:
    """The session_no of every touchpoint of a walk."""
    last: dict[str, tuple[datetime, int]] = {}
    numbers, started = [], 0
    for touch in walk:
        family = channel_family(touch.channel)
        if family not in last or touch.occurred_at - last[family][0] > gap:
            started += 1
            last[family] = (touch.occurred_at, started)
        last[family] = (touch.occurred_at, last[family][1])
        numbers.append(last[family][1])
    return numbers


def journeys(
    walk: Sequence[Touch], conversions: set[str], now: datetime, gap: timedelta = timedelta(days=30)
) -> list[tuple[list[Touch], str]]:
    """The journeys of a walk with their outcomes."""
    parts: list[list[Touch]] = []
    for touch in walk:
        if not parts or parts[-1][-1].name in conversions or touch.occurred_at - parts[-1][-1].occurred_at > gap:
            parts.append([])
        parts[-1].append(touch)

    def outcome(number: int) -> str:
        last = parts[number][-1]
        if last.name in conversions:
            return "converted"
        return "lost" if number + 1 < len(parts) or now - last.occurred_at > gap else "open"

    return [(part, outcome(number)) for number, part in enumerate(parts)]


def transitions(all_walks: Iterable[Sequence[Touch]]) -> dict[tuple[str, str], int]:
    """Passages from each name to each next one."""
    return dict(Counter((before.name, after.name) for walk in all_walks for before, after in pairwise(walk)))


def reached(walk: Sequence[Touch], steps: Sequence[str], window: timedelta) -> list[float]:
    """The seconds from the previous step at the first moment each step was reached; its length is the furthest step.

    Every attempt is kept in full, as the list of its times: nothing is folded away.
    """
    attempts: list[tuple[datetime, ...]] = []
    first: dict[int, float] = {}
    for touch in walk:
        grown = []
        for attempt in attempts:
            k = len(attempt)
            if k < len(steps) and steps[k] == touch.name and touch.occurred_at - attempt[0] <= window:
                grown.append((*attempt, touch.occurred_at))
        if touch.name == steps[0]:
            grown.append((touch.occurred_at,))
        for k in {len(attempt) for attempt in grown} - set(first):
            # Of the attempts that reach it now: the one that began last, and of those the first at the step before.
            began = max(attempt[0] for attempt in grown if len(attempt) == k)
            before = min((a[-2] for a in grown if len(a) == k and a[0] == began), default=None) if k > 1 else None
            first[k] = 0.0 if before is None else (touch.occurred_at - before).total_seconds()
        attempts.extend(attempt for attempt in grown if attempt not in attempts)
    return [first[k] for k in sorted(first)]


def funnel(
    all_walks: Iterable[Sequence[Touch]], steps: Sequence[str], window: timedelta
) -> list[tuple[int, float | None]]:
    """People and the median of the seconds from the previous step, a step."""
    furthest = [seconds for walk in all_walks if (seconds := reached(walk, steps, window))]
    table: list[tuple[int, float | None]] = []
    for k in range(len(steps)):
        times = sorted(seconds[k] for seconds in furthest if len(seconds) > k)
        table.append((len(times), median(times) if times else None))
    return table
