"""What a project lets an identifier do, and how a conflict of limits is judged.

The judgement reads the evidence alone: edges are heard from the strongest to the weakest, the oldest first, and one
that would put more identifiers into a person than a limit allows is refused. So no order of arrival can change who is
who.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.sql import read_sql

ALL_KINDS = "*"
"""The kind of a policy for all identifiers of a person together."""

IdentifierClass = Literal["strong", "medium", "weak"]

CLASS_OF_KIND: dict[str, IdentifierClass] = {
    "user_id": "strong",
    "crm_contact": "strong",
    "loyalty_card": "strong",
    "email_sha256": "medium",
    "phone_sha256": "medium",
    "anonymous_id": "weak",
    "device_id": "weak",
}
"""What identifiers of these kinds usually say; another kind is medium."""


@dataclass(frozen=True, slots=True)
class KindPolicy:
    """What identifiers of one kind may do in a project.

    Attributes:
        kind: Of identifier; `*` = all kinds together (only `max_per_person` and `blocked` have a meaning then).
        identifier_class: How much it says of a person.
        priority: The least is heard first among kinds of one class.
        max_per_person: How many of the kind one person may have; 0 = no limit.
        max_strong: A weak or medium identifier that is seen with more strong ones joins nobody; 0 = no limit.
        window_seconds: For how long after a strong identifier was seen with a shared one of the kind the touchpoints of
            that are its person's; 0 = while the session lasts.
        blocked: Values that join nobody: `=value`, or a regular expression (RE2) that is found anywhere in the value.
    """

    kind: str
    identifier_class: IdentifierClass = "medium"
    priority: int = 100
    max_per_person: int = 0
    max_strong: int = 0
    window_seconds: int = 0
    blocked: tuple[str, ...] = ()


RECOMMENDED: tuple[KindPolicy, ...] = (
    KindPolicy("user_id", "strong", priority=100, max_per_person=1),
    KindPolicy("crm_contact", "strong", priority=110, max_per_person=3),
    KindPolicy("loyalty_card", "strong", priority=120, max_per_person=3),
    KindPolicy("email_sha256", "medium", priority=100, max_per_person=5, max_strong=7),
    KindPolicy("phone_sha256", "medium", priority=110, max_per_person=5, max_strong=7),
    KindPolicy("anonymous_id", "weak", priority=100, max_strong=7),
    KindPolicy("device_id", "weak", priority=110, max_strong=7),
)
"""Rules to begin with: an account is one person, who may have a few contacts, cards, addresses and numbers, and any
number of browsers and devices. One person may have seven strong identifiers; what was seen with more is shared."""


class Evidence(NamedTuple):
    """One edge of a component in conflict; `a` < `b`."""

    project: str
    a: int
    b: int
    a_kind: str
    b_kind: str
    first_seen_ms: int


class Rank(NamedTuple):
    """What a judgement knows of a kind: 1 = strong, 3 = weak; the least priority is heard first."""

    identifier_class: int = 2
    priority: int = 100
    max_per_person: int = 0


def write_policy(client: Client, project: str, policies: Iterable[KindPolicy]) -> None:
    """Set what kinds of identifiers may do; the next stitching judges all evidence of the project by it."""
    rows = [
        (
            project,
            one.kind,
            one.identifier_class,
            one.priority,
            one.max_per_person,
            one.max_strong,
            one.window_seconds,
            list(one.blocked),
        )
        for one in policies
    ]
    if rows:
        client.insert(
            "identity_policy",
            rows,
            column_names=[
                "project",
                "kind",
                "class",
                "priority",
                "max_per_person",
                "max_strong",
                "window_seconds",
                "blocked",
            ],
        )


def read_policy(client: Client, project: str) -> list[KindPolicy]:
    """Return the rules of a project, the strongest kinds first; none if it has set none."""
    rows = client.query(read_sql("stitching/policy_of_project"), parameters={"project": project}).result_rows
    return [
        KindPolicy(kind, said, priority, most, most_strong, window, tuple(blocked))
        for kind, said, priority, most, most_strong, window, blocked in rows
    ]


@dataclass(slots=True)
class _People:
    """Disjoint sets of identifiers, each with how many of a kind it has."""

    above: dict[int, int] = field(default_factory=dict)
    held: dict[int, Counter[str]] = field(default_factory=dict)

    def add(self, identifier: int, kind: str) -> None:
        if identifier not in self.above:
            self.above[identifier] = identifier
            self.held[identifier] = Counter({kind: 1, ALL_KINDS: 1})

    def of(self, identifier: int) -> int:
        while self.above[identifier] != identifier:
            self.above[identifier] = self.above[self.above[identifier]]
            identifier = self.above[identifier]
        return identifier


def judge(edges: Sequence[Evidence], ranks: Mapping[tuple[str, str], Rank]) -> dict[int, int]:
    """Return the person of every identifier of these edges: the least identifier that it is joined to.

    Args:
        edges: All edges that join in the components in question, in any order.
        ranks: What is known of a (project, kind); a kind that is not in it has no limit.
    """
    people = _People()
    for edge in edges:
        people.add(edge.a, edge.a_kind)
        people.add(edge.b, edge.b_kind)
    for edge in sorted(edges, key=lambda one: _turn(one, ranks)):
        one, other = sorted((people.of(edge.a), people.of(edge.b)))
        if one == other:
            continue
        together = people.held[one] + people.held[other]
        if all(_allows(ranks.get((edge.project, kind)), count) for kind, count in together.items()):
            people.above[other] = one
            people.held[one] = together
    return {identifier: people.of(identifier) for identifier in people.above}


def _allows(rank: Rank | None, count: int) -> bool:
    return rank is None or not rank.max_per_person or count <= rank.max_per_person


def _turn(edge: Evidence, ranks: Mapping[tuple[str, str], Rank]) -> tuple[object, ...]:
    ends = sorted((ranks.get((edge.project, kind), Rank())[:2] for kind in (edge.a_kind, edge.b_kind)), reverse=True)
    return (*ends, edge.first_seen_ms, edge.a, edge.b)
