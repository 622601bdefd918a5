"""Who is who, since when, and why: people at an instant, what joins nobody, and the evidence of who is one person."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask

Identifier = tuple[str, str]
"""Kind and value, as they are kept: an e-mail address is `email_sha256` and its hash."""


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that `one` and `other` are one person: touchpoints that carried both.

    Attributes:
        one: The end nearer to the beginning of the chain.
        other: The other end.
        first_seen_at: When the earliest of the touchpoints happened, UTC.
        last_seen_at: When the latest did.
        touchpoints: How many receipts said so; 0 = from before they were counted.
        sources: Who emitted them, in the order of their names.
        classes: What the policy says of the kinds of both ends; empty text where it has no rule.
    """

    one: Identifier
    other: Identifier
    first_seen_at: datetime
    last_seen_at: datetime
    touchpoints: int
    sources: tuple[str, ...]
    classes: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """Identifiers that went from one person to another between two instants; `change` says what became of both.

    Attributes:
        project: Theirs.
        person_before: At the first instant.
        person_after: At the second.
        change: `merged`, `split`, `regrouped` or `renamed`.
        identifiers: How many went this way.
        touchpoints: Those of these identifiers.
    """

    project: str
    person_before: int
    person_after: int
    change: str
    identifiers: int
    touchpoints: int


@dataclass(frozen=True, slots=True)
class Membership:
    """Whose an identifier was at an instant.

    Attributes:
        project: Its own.
        identifier: As a number: `sipHash64(project, kind, value)`.
        person_id: The person it belonged to.
        run: The stitching that said so, as the microseconds since 1970 at which it began.
    """

    project: str
    identifier: int
    person_id: int
    run: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """An identifier that joins nobody because the policy of its project blocks its value.

    Attributes:
        project: Whose policy says so.
        identifier: As a number.
        kind: Of the identifier.
        value: As it is kept.
    """

    project: str
    identifier: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Apart:
    """An identifier that joins nobody.

    Attributes:
        project: Whose rules say so.
        kind: Of the identifier.
        value: As it is kept.
        reason: `shared`, `cut` or `blocked`.
        strong: How many strong identifiers a shared one was seen with; None where that is not the reason.
    """

    project: str
    kind: str
    value: str
    reason: str
    strong: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Evidence that joined nobody: touchpoints that carried two identifiers of two people."""

    project: str
    a_kind: str
    a_value: str
    b_kind: str
    b_value: str
    first_seen_at: datetime
    last_seen_at: datetime
    touchpoints: int
    sources: list[str]


def as_of(client: Client, at: datetime, *, project: str | None = None, limit: int = 1000) -> Answer[Membership]:
    """Return who was who at an aware instant: up to `limit` identifiers, person by person.

    An identifier that no stitching had moved by then is not among them: its person had its own number, as the person
    has that others were joined to.
    """
    return ask(client, "identity_as_of", Membership, {"at": at, "project": project, "limit": limit})


def blocked(client: Client, *, project: str | None = None, limit: int = 1000) -> Answer[Blocked]:
    """Return up to `limit` identifiers that a policy keeps from joining anybody for their value, project by project."""
    return ask(client, "identity_blocked", Blocked, {"project": project, "limit": limit})


def apart(client: Client, *, project: str | None = None) -> Answer[Apart]:
    """Return the identifiers that join nobody, and why: tills, kiosks, what is cut or blocked."""
    return ask(client, "identity_apart", Apart, {"project": project})


def refused(client: Client, *, project: str | None = None, limit: int = 1000) -> Answer[Refused]:
    """Return evidence that joined nobody, the oldest first; what no stitching has heard yet is among it."""
    return ask(client, "identity_refused", Refused, {"project": project, "limit": limit})


def changes(
    client: Client, from_at: datetime, to_at: datetime, *, project: str | None = None, limit: int = 1000
) -> Answer[Change]:
    """Return who became whom between two aware instants, those with most touchpoints first."""
    parameters = {"from_at": from_at, "to_at": to_at, "project": project, "limit": limit}
    return ask(client, "identity_changes", Change, parameters)


def evidence(client: Client, identifier: Identifier, *, project: str) -> Answer[Link]:
    """Return all evidence inside the person of an identifier, the oldest first; the rows of `identity_evidence`."""
    kind, value = identifier
    return ask(client, "identity_evidence", _link, {"kind": kind, "value": value, "project": project})


def why(client: Client, one: Identifier, other: Identifier, *, project: str) -> list[Link] | None:
    """Return the shortest chain of evidence from one identifier to another; None if they are not one person.

    Of chains of the same length, the one whose first links are the oldest. An identifier and itself: an empty chain.
    Time and memory grow with the evidence inside that one person.
    """
    if one == other:
        return []
    return shortest_chain(evidence(client, one, project=project), one, other)


def shortest_chain(links: Sequence[Link], one: Identifier, other: Identifier) -> list[Link] | None:
    """Return the fewest links that lead from one identifier to another, each turned to the way it is walked."""
    beside: dict[Identifier, list[Link]] = defaultdict(list)
    for link in links:
        beside[link.one].append(link)
        beside[link.other].append(_turned(link))
    came_by: dict[Identifier, Link | None] = {one: None}
    waiting = deque([one])
    while waiting and other not in came_by:
        here = waiting.popleft()
        for link in beside[here]:
            if link.other not in came_by:
                came_by[link.other] = link
                waiting.append(link.other)
    if other not in came_by:
        return None
    chain: list[Link] = []
    while (link_here := came_by[chain[-1].one if chain else other]) is not None:
        chain.append(link_here)
    return chain[::-1]


def _link(*row: Any) -> Link:
    a_kind, a_value, b_kind, b_value, first, last, touchpoints, sources, a_class, b_class = row
    return Link((a_kind, a_value), (b_kind, b_value), first, last, touchpoints, tuple(sources), (a_class, b_class))


def _turned(link: Link) -> Link:
    first, second = link.classes
    return Link(
        link.other, link.one, link.first_seen_at, link.last_seen_at, link.touchpoints, link.sources, (second, first)
    )
