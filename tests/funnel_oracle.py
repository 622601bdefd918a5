"""What funnels by rules mean, said again in plain Python, from the headers of `funnel_rules` and `funnel_attempts`."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from parcours_collector.atlas.funnels import Exclusion, Rules, Step, Where
from tests import oracle
from tests.oracle import Touch

CONVERSIONS = {"order_completed"}
FIELDS: dict[str, Callable[[Touch], str | float | None]] = {
    "name": lambda touch: touch.name,
    "channel": lambda touch: touch.channel,
    "properties.cart": lambda touch: properties_of(touch)["cart"],
    "properties.price": lambda touch: properties_of(touch)["price"],
}
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CARTS = (None, "", "c1", "c2", "10", "ten")
PRICES = (None, 5, 10, 2.5, "10", "9.50", -1)
DEFAULTS: dict[str, dict[str, Any]] = {
    "parcours": {},
    "strict": {"step_order": "strict"},
    "posthog": {
        "ties": "any",
        "window_seconds": 14 * 86_400,
        "exclusion_ends": "person",
        "breakdown_by": "first_touch",
    },
    "mixpanel": {"ties": "any", "window_seconds": 7 * 86_400, "attempts": "first", "grace_seconds": 2},
    "amplitude": {"ties": "any", "resolution_seconds": 1, "needs_first_step": True, "breakdown_by": "first_touch"},
}
USUAL: dict[str, Any] = {
    "step_order": "ordered", "may_go_back": False, "needs_first_step": False, "attempts": "best",
    "count_attempts": False, "count_by": "person", "window_seconds": 30 * 86_400, "ties": "arrival", "grace_seconds": 0,
    "resolution_seconds": 0, "exclusion_ends": "attempt", "breakdown_by": "attempt", "breakdown_step": 1,
    "interval": None, "timezone": "UTC", "breakdown": None, "hold": (), "exclusions": (), "where": (),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A touchpoint as a funnel sees it: which steps and exclusions it is."""

    at: datetime
    touch: Touch
    steps: frozenset[int]
    exclusions: frozenset[int]
    value: str
    is_foreign: bool


@dataclass(eq=False)
class Attempt:
    """Somebody's way through the steps: what each step reached was done with, None where it was left out."""

    steps: list[Told | None]
    is_dropped: bool = False

    @property
    def began_at(self) -> datetime:
        assert self.steps[0]
        return self.steps[0].at

    @property
    def last_at(self) -> datetime:
        return max(step.at for step in self.steps if step)

    @property
    def reached(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class Counted:
    """An attempt that counts."""

    subject: str
    value: str
    period: datetime | None
    times: tuple[datetime | None, ...]
    ids: tuple[str | None, ...] = field(default=())


class Funnel:
    """The rules, with their preset's, and the steps."""

    def __init__(self, steps: Sequence[str | Step], rules: Rules) -> None:
        self.steps = [step if isinstance(step, Step) else Step(names=[step]) for step in steps]
        preset = rules.preset or "parcours"
        given = {name: getattr(rules, name) for name in USUAL if getattr(rules, name) not in (None, ())}
        rule = USUAL | DEFAULTS[preset] | given
        self.rule = rule
        self.window = timedelta(seconds=rule["window_seconds"])
        self.grace = timedelta(seconds=rule["grace_seconds"])
        self.is_any_order = rule["step_order"] == "any"
        self.keeps_all = (
            rule["count_attempts"] or rule["interval"] or (rule["breakdown"] and rule["breakdown_by"] == "attempt")
        )

    def counted(
        self, lives: Iterable[Sequence[Touch]], from_at: datetime | None, to_at: datetime | None
    ) -> list[Counted]:
        """Every attempt that counts."""
        found = []
        for life in lives:
            firsts = {
                k: next((t for t in life if self._is(t, step)), None)
                for k, step in enumerate(self.steps, 1)
                if step.first_ever
            }
            for subject, part in self._parts(life):
                told = [
                    self._told(touch, firsts)
                    for touch in part
                    if _inside(touch.occurred_at, from_at, to_at) and _holds(touch, self.rule["where"])
                ]
                kept: list[tuple[Counted, int, bool, int]] = []
                for run in self._held_apart(told):
                    for value, walk in self._broken_down(run):
                        attempts = list(self._attempts(self._distinct(walk)))
                        kept += [
                            (self._shown(subject, value, one), one.reached, one.is_dropped, n)
                            for n, one in enumerate(attempts)
                        ]
                found += self._chosen(kept)
        return found

    def _chosen(self, kept: list[tuple[Counted, int, bool, int]]) -> Iterator[Counted]:
        if self.rule["count_attempts"]:
            yield from (one for one, _, is_dropped, _ in kept if not is_dropped)
            return
        groups: dict[tuple[str, datetime | None], list[tuple[Counted, int, bool, int]]] = {}
        for one in kept:
            groups.setdefault((one[0].value, one[0].period), []).append(one)
        for group in groups.values():
            best = min(group, key=lambda one: (-one[1], one[2], one[3], str(one[0].times[0]), one[0].ids[0]))
            if not best[2]:
                yield best[0]

    def _in_time(self, life: Sequence[Touch]) -> list[Touch]:
        is_step = {id(t): any(self._is(t, step) for step in self.steps) for t in life}
        puts_last = self.rule["ties"] == "any"
        return sorted(life, key=lambda t: (self._at(t), puts_last and not is_step[id(t)], t.occurred_at, t.id.bytes))

    def _at(self, touch: Touch) -> datetime:
        resolution = self.rule["resolution_seconds"]
        if not resolution:
            return touch.occurred_at
        return datetime.fromtimestamp(touch.occurred_at.timestamp() // resolution * resolution, UTC)

    def _parts(self, life: Sequence[Touch]) -> Iterator[tuple[str, list[Touch]]]:
        match self.rule["count_by"]:
            case "journey":
                parts = oracle.journeys(life, CONVERSIONS, datetime.now(UTC))
                yield from ((str(n), self._in_time(part)) for n, (part, _) in enumerate(parts, 1))
            case "session":
                numbers = oracle.sessions(life)
                for number in sorted(set(numbers)):
                    yield str(number), self._in_time([t for t, n in zip(life, numbers, strict=True) if n == number])
            case _:
                yield "", self._in_time(life)

    def _is(self, touch: Touch, asked: Step | Exclusion) -> bool:
        return (not asked.names or touch.name in asked.names) and _holds(touch, asked.where)

    def _told(self, touch: Touch, firsts: dict[int, Touch | None]) -> Told:
        steps = {k for k, step in enumerate(self.steps, 1) if self._is(touch, step) and firsts.get(k, touch) is touch}
        exclusions = {n for n, one in enumerate(self.rule["exclusions"]) if self._is(touch, one)}
        breakdown = self.rule["breakdown"]
        value = _text(touch, breakdown) if breakdown else ""
        is_foreign = not any(self._is(touch, step) for step in self.steps)
        return Told(self._at(touch), touch, frozenset(steps), frozenset(exclusions), value, is_foreign)

    def _held_apart(self, told: list[Told]) -> list[list[Told]]:
        fields = self.rule["hold"]
        if not fields:
            return [told]
        held = [tuple(_text(t.touch, one) for one in fields) for t in told]
        runs = []
        for values in dict.fromkeys(held):
            if "" in values:
                continue
            run = []
            for one, own in zip(told, held, strict=True):
                is_of_another = any(
                    mine and mine != value and "." in field
                    for field, mine, value in zip(fields, own, values, strict=True)
                )
                if own == values:
                    run.append(one)
                elif (one.exclusions or self.rule["step_order"] == "strict") and not is_of_another:
                    run.append(replace(one, steps=frozenset(), is_foreign=True))
            puts_last = self.rule["ties"] == "any"
            runs.append(
                sorted(run, key=lambda t: (t.at, puts_last and t.is_foreign, t.touch.occurred_at, t.touch.id.bytes))
            )
        return runs

    def _broken_down(self, walk: list[Told]) -> list[tuple[str, list[Told]]]:
        steps = [one for one in walk if one.steps]
        match self.rule["breakdown_by"] if self.rule["breakdown"] else None:
            case "first_touch" | "last_touch" as which if valued := [one.value for one in steps if one.value]:
                return [(valued[0 if which == "first_touch" else -1], walk)]
            case "each_value":
                return [(v, [t for t in walk if t.value == v]) for v in dict.fromkeys(t.value for t in walk)]
            case "step":
                k = self.rule["breakdown_step"]
                values = dict.fromkeys(t.value for t in walk if k in t.steps)
                return [
                    (
                        v,
                        [t if t.value == v else replace(t, steps=t.steps - {k}) for t in walk],
                    )
                    for v in values
                ]
        return [("", walk)]

    def _distinct(self, walk: list[Told]) -> list[Told]:
        if self.rule["step_order"] != "strict":
            walk = [one for one in walk if one.steps or one.exclusions]
        if not self.rule["resolution_seconds"]:
            return walk
        seen: set[Any] = set()
        kept = []
        for one in walk:
            key = (one.at, one.steps, one.exclusions)
            if key not in seen or not one.steps:
                kept.append(one)
            seen.add(key)
        return kept

    def _sequence(self, walk: list[Told]) -> Iterator[tuple[Told, bool]]:
        """The touchpoints in order; where several may go any way round, those before once more, late."""
        run_place = 0
        for place, one in enumerate(walk):
            if place == 0 or one.at - walk[place - 1].at > self.grace:
                run_place = place
            yield one, False
            is_last_of_instant = place + 1 == len(walk) or walk[place + 1].at != one.at
            if self.rule["ties"] == "any" and place > run_place and is_last_of_instant:
                again = [t for t in walk[run_place : place + 1] if one.at - t.at <= self.grace and t.steps]
                for _ in self.steps[1:]:
                    yield from ((t, True) for t in again)

    def _attempts(self, walk: list[Told]) -> Iterator[Attempt]:
        if self.is_any_order:
            yield from self._attempts_in_any_order(walk)
            return
        last_step, takes_first = len(self.steps), self.rule["attempts"] == "first"
        waiting: dict[int, Attempt] = {}
        dropped: dict[int, Attempt] = {}
        over: list[Attempt] = []
        for told, is_late in self._sequence(walk):
            ended_by_exclusion = False
            was_dropped = dict(dropped)
            for k, one in sorted(waiting.items()):
                is_later = told.at > one.last_at or self.rule["ties"] == "arrival"
                if told.at - one.began_at > self.window:
                    over.append(waiting.pop(k))
                elif not is_late and is_later and self._excludes(told, k):
                    one.is_dropped = self.rule["exclusion_ends"] == "person"
                    ended_by_exclusion = True
                    if one.is_dropped and self.rule["step_order"] != "strict":
                        dropped[k] = one
                    over.append(waiting.pop(k))
                elif not is_late and is_later and self._is_passed_by(told, k):
                    over.append(waiting.pop(k))
            goals: dict[int, int] = {}
            for k, one in waiting.items():
                if not (is_late and _has(one, told)):
                    goal = next((n for n in self._nexts(k) if n in told.steps and self._is_within(told, one, n)), None)
                    if goal:
                        goals[goal] = max(goals.get(goal, 0), k)
            begins = (
                1 in told.steps and not is_late and not ended_by_exclusion
                and (not takes_first or (not waiting and (bool(self.keeps_all) or not over)))
            )  # fmt: skip
            after = {k: one for k, one in waiting.items() if k not in goals.values()}
            arrivals = {goal: Attempt([*waiting[k].steps, *[None] * (goal - 1 - k), told]) for goal, k in goals.items()}
            if begins:
                arrivals[1] = Attempt([told])
            for k, one in was_dropped.items():
                if told.at - one.began_at <= self.window and not (is_late and _has(one, told)):
                    goal = next((n for n in self._nexts(k) if n in told.steps and self._is_within(told, one, n)), None)
                    if goal:
                        over.append(Attempt([*one.steps, *[None] * (goal - 1 - k), told], is_dropped=True))
                        if dropped[k] is one:
                            del dropped[k]
            for k in arrivals:
                dropped.pop(k, None)
            for k, one in sorted(arrivals.items()):
                if k in after and self.keeps_all:
                    over.append(after[k])
                after[k] = one
            if last_step in after:
                over.append(after.pop(last_step))
            waiting = after
        yield from over
        yield from (one for _, one in sorted(waiting.items()))

    def _attempts_in_any_order(self, walk: list[Told]) -> Iterator[Attempt]:
        waiting: dict[int, Told] = {}

        def told_so_far() -> list[Attempt]:
            if not waiting or (self.rule["needs_first_step"] and 1 not in waiting):
                return []
            return [Attempt(sorted(waiting.values(), key=lambda one: (one.at, str(one.touch.id))))]

        for told in walk:
            is_complete = len(waiting) == len(self.steps)
            is_over = bool(waiting) and told.at - min(one.at for one in waiting.values()) > self.window
            is_excluded = bool(waiting) and bool(told.exclusions) and told.at > max(one.at for one in waiting.values())
            if is_complete or is_over or (is_excluded and self.rule["exclusion_ends"] == "attempt"):
                yield from told_so_far()
            if is_complete or is_excluded:
                waiting = {}
            elif is_over:
                stays = not self.rule["count_attempts"]
                waiting = {k: one for k, one in waiting.items() if stays and told.at - one.at <= self.window}
            free = [k for k in sorted(told.steps) if k not in waiting]
            taken = free[:1] or ([] if self.rule["attempts"] == "first" else sorted(told.steps)[:1])
            waiting.update(dict.fromkeys(taken, told))
        yield from told_so_far()

    def _nexts(self, k: int) -> list[int]:
        found = []
        for n in range(k + 1, len(self.steps) + 1):
            found.append(n)
            if not self.steps[n - 1].optional:
                break
        return found

    def _is_within(self, told: Told, one: Attempt, step: int) -> bool:
        within = self.steps[step - 1].within_seconds
        return within is None or told.at - one.last_at <= timedelta(seconds=within)

    def _excludes(self, told: Told, k: int) -> bool:
        for n in told.exclusions:
            one = self.rule["exclusions"][n]
            if (one.from_step or 1) <= k < (one.to_step or len(self.steps)):
                return True
        return False

    def _is_passed_by(self, told: Told, k: int) -> bool:
        if self.rule["step_order"] != "strict" or told.steps & set(self._nexts(k)):
            return False
        return not (self.rule["may_go_back"] and told.steps & set(range(1, k + 1)))

    def _shown(self, subject: str, value: str, attempt: Attempt) -> Counted:
        steps = attempt.steps
        if self.rule["breakdown"] and self.rule["breakdown_by"] == "attempt":
            k = self.rule["breakdown_step"]
            step = steps[k - 1] if k <= len(steps) else None
            value = step.value if step else ""
        return Counted(
            subject, value, self._period(attempt.began_at),
            tuple(step.at if step else None for step in steps),
            tuple(str(step.touch.id) if step else None for step in steps),
        )  # fmt: skip

    def _period(self, at: datetime) -> datetime | None:
        interval = self.rule["interval"]
        if not interval:
            return None
        local = at.astimezone(ZoneInfo(self.rule["timezone"]))
        if interval == "hour":
            return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        back = {"day": 0, "week": day.weekday(), "sunday_week": day.isoweekday() % 7, "month": day.day - 1}[interval]
        return (day - timedelta(days=back)).replace(tzinfo=ZoneInfo(self.rule["timezone"])).astimezone(UTC)


def by_step(counted: Sequence[Counted], steps: int) -> dict[tuple[str, datetime | None], list[int]]:
    """How many came to each step, by breakdown value and period."""
    keyed = sorted(counted, key=lambda one: (one.value, str(one.period)))
    return {
        key: [sum(len(one.times) >= k and one.times[k - 1] is not None for one in group) for k in range(1, steps + 1)]
        for key, found in groupby(keyed, key=lambda one: (one.value, one.period))
        for group in [list(found)]
    }


def _has(one: Attempt, told: Told) -> bool:
    return any(step and step.touch is told.touch for step in one.steps)


def _inside(at: datetime, from_at: datetime | None, to_at: datetime | None) -> bool:
    return (from_at is None or at >= from_at) and (to_at is None or at < to_at)


def properties_of(touch: Touch) -> dict[str, str | float | None]:
    """The properties of a touchpoint of a random life: told by its id, so that copies of it have the same."""
    number = touch.id.int >> 70
    return {"cart": CARTS[number % len(CARTS)], "price": PRICES[number // 7 % len(PRICES)]}


def _holds(touch: Touch, conditions: Sequence[Where]) -> bool:
    return all(_meets(touch, one) for one in conditions)


def _meets(touch: Touch, one: Where) -> bool:
    text = _text(touch, one.field)
    match one.operator:
        case "=" | "!=":
            is_same_number = not isinstance(FIELDS[one.field](touch), str | None) and any(
                _number(text) == _number(value) for value in one.values
            )
            return (text in one.values or is_same_number) == (one.operator == "=")
        case "contains":
            return any(part in text for part in one.values)
        case "set" | "unset":
            return (text != "") == (one.operator == "set")
    if not text:
        return False
    asked = _number(one.values[0])
    found = _number(text)
    if asked is not None:
        return found is not None and _COMPARED[one.operator](found, asked)
    return _COMPARED[one.operator](text, one.values[0])


def _text(touch: Touch, field: str) -> str:
    value = FIELDS[field](touch)
    return "" if value is None else str(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
