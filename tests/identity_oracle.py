"""What a policy says of identifiers and touchpoints, in plain Python: the oracle of identity.

It is written from docs/views.md, not from the SQL, and prefers the obvious to the fast.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.identity_policy import KindPolicy
from tests.oracle import Person, Touch, unique

CLASSES = ("strong", "medium", "weak")
Identifier = tuple[str, str]


def keys_of(client: Client, project: str) -> dict[tuple[str, str], int]:
    rows = client.query(
        "SELECT kind, value, identifier FROM identity_persons FINAL WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    return {(kind, value): identifier for kind, value, identifier in rows}


class Rules:
    """The policies of a project, with the evidence that makes an identifier shared."""

    def __init__(self, touches: Iterable[Touch], policies: Iterable[KindPolicy], key: dict[Identifier, int]) -> None:
        self.of_kind = {one.kind: one for one in policies}
        self.key = key
        self.first_seen: dict[tuple[Identifier, Identifier], object] = {}
        self.seen_with: dict[Identifier, set[Identifier]] = {}
        for one in touches:
            for identifier in one.identifiers:
                self.seen_with.setdefault(identifier, set())
            named = sorted((i for i in one.identifiers if not self.is_blocked(i)), key=lambda i: key[i])
            for place, a in enumerate(named):
                for b in named[place + 1 :]:
                    seen = self.first_seen.get((a, b), one.occurred_at)
                    self.first_seen[a, b] = min(seen, one.occurred_at)  # type: ignore[call-overload]
                    self.seen_with[a].add(b)
                    self.seen_with[b].add(a)

    def is_blocked(self, identifier: Identifier) -> bool:
        kind, value = identifier
        rules = [self.of_kind[one] for one in ("*", kind) if one in self.of_kind]
        tests = [one for rule in rules for one in rule.blocked]
        return any(value == one[1:] if one.startswith("=") else re.search(one, value) for one in tests)

    def is_shared(self, identifier: Identifier) -> bool:
        rule = self.of_kind.get(identifier[0])
        if rule is None or not rule.max_strong or rule.identifier_class == "strong":
            return False
        return sum(self.is_strong(other) for other in self.seen_with[identifier]) > rule.max_strong

    def is_strong(self, identifier: Identifier) -> bool:
        return identifier[0] in self.of_kind and self.of_kind[identifier[0]].identifier_class == "strong"

    def rank(self, identifier: Identifier) -> tuple[int, int, int]:
        rule = self.of_kind.get(identifier[0], KindPolicy(identifier[0]))
        return CLASSES.index(rule.identifier_class), rule.priority, self.key[identifier]


def people_by(touches: list[Touch], policies: list[KindPolicy], key: dict[Identifier, int]) -> set[Person]:
    """The people of a project: sets joined one edge at a time. `key` breaks the last ties."""
    rules = Rules(touches, policies, key)

    def turn(edge: tuple[Identifier, Identifier]) -> object:
        said = [rules.of_kind.get(kind, KindPolicy(kind)) for kind, _ in edge]
        ends = sorted(((CLASSES.index(one.identifier_class), one.priority) for one in said), reverse=True)
        return (ends, rules.first_seen[edge], key[edge[0]], key[edge[1]])

    person = {identifier: {identifier} for identifier in rules.seen_with}
    for a, b in sorted(rules.first_seen, key=turn):  # type: ignore[arg-type]
        together = person[a] | person[b]
        fits = all(
            not rule.max_per_person or sum(rule.kind in (kind, "*") for kind, _ in together) <= rule.max_per_person
            for rule in rules.of_kind.values()
        )
        if fits and not rules.is_shared(a) and not rules.is_shared(b):
            for identifier in together:
                person[identifier] = together
    return {frozenset(members) for members in person.values()}


def owners_by(
    touches: list[Touch],
    policies: list[KindPolicy],
    key: dict[Identifier, int],
    *,
    cut: Iterable[Identifier] = (),
    gap: timedelta = timedelta(minutes=30),
) -> dict[UUID, Identifier]:
    """The identifier whose person each touchpoint is of, by rank or by time slice; those of nobody are left out."""
    rules = Rules(touches, policies, key)
    cut = set(cut)
    kept = sorted((one for one in unique(touches) if one.identifiers), key=lambda t: (t.occurred_at, t.id.bytes))
    ranked = {one.id: sorted(one.identifiers, key=rules.rank) for one in kept}

    def joins(identifier: Identifier) -> bool:
        return not (rules.is_blocked(identifier) or rules.is_shared(identifier) or identifier in cut)

    owner: dict[UUID, Identifier] = {}
    holds: dict[UUID, Identifier] = {}
    calls_strong = any(rule.identifier_class == "strong" for rule in rules.of_kind.values())
    for one in kept:
        named = next((i for i in ranked[one.id] if joins(i)), None)
        if named is not None:
            owner[one.id] = named
            if rules.is_strong(named) or not calls_strong:
                holds[one.id] = named
    for one in kept:
        if one.id not in owner:
            devices = [i for i in ranked[one.id] if not rules.is_blocked(i)]
            slices = (_slice(one, device, kept, holds, rules, gap) for device in devices)
            found = next((each for each in slices if each is not None), None)
            owner[one.id] = found or min(one.identifiers, key=lambda i: key[i])
    return owner


def _slice(
    one: Touch, device: Identifier, kept: list[Touch], holds: dict[UUID, Identifier], rules: Rules, gap: timedelta
) -> Identifier | None:
    there = [t for t in kept if device in t.identifiers]
    session = [0]
    for before, after in pairwise(there):
        session.append(session[-1] + (after.occurred_at - before.occurred_at > gap))
    place = next(n for n, t in enumerate(there) if t.id == one.id)
    rule = rules.of_kind.get(device[0])
    window = timedelta(seconds=rule.window_seconds if rule else 0)
    for n in range(place - 1, -1, -1):
        if there[n].id in holds:
            ago = one.occurred_at - there[n].occurred_at
            if ago <= window if window else session[n] == session[place]:
                return holds[there[n].id]
            break
    following = (n for n in range(place + 1, len(there)) if session[n] == session[place] and there[n].id in holds)
    return next((holds[there[n].id] for n in following), None)
