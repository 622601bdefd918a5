"""Who is who: policies are set as an operator sets them, and people are read from the documented tables and views."""

import random
import re
from typing import Any

from pydantic import SecretStr

from parcours_collector.atlas import questions
from parcours_collector.commands.person import at_rest
from parcours_collector.settings import Settings
from parcours_collector.warehouse.identity_policy import (
    ALL_KINDS,
    CLASS_OF_KIND,
    IdentifierClass,
    KindPolicy,
    write_policy,
)
from parcours_schemas.identifiers import HASHED_KINDS, is_placeholder
from tests.conformance.case import Case, Event
from tests.conformance.world import AS_TEXT, LABEL, World, kind_of

UNORDERED = frozenset({"clusters", "same_person"})
_ORDERS_TRIED = 3
_LIMITS_OF_PROFILE = {profile: {"user_id": 1} for profile in ("posthog", "mixpanel.simplified", "amplitude", "segment")}
"""By whose rules a person has one user: a device that two have used stays with the first. A case may state others."""
_LONG_SECONDS = 10 * 365 * 86_400


def answer(world: World, case: Case) -> dict[str, Any]:
    """Set the case's policy, send its events, and say who is who."""
    write_policy(world.client, world.project, _policies(world, case.query))
    events = case.events or _generated(case.query.get("gen", ""))
    sent = world.send(events)
    people = _people(world, events)
    clusters = sorted(sorted({value for _, value in held}) for held in people.values())
    told = {
        "clusters": clusters,
        "persons": len(people),
        "largest_cluster": max((len(cluster) for cluster in clusters), default=0),
        "rejected": _count(world, "SELECT count() FROM parcours.identity_refused WHERE project = {project:String}"),
        "same_person": [
            [one, other, any({one, other} <= set(cluster) for cluster in clusters)]
            for one, other, _ in case.expected.get("same_person") or []
        ],
        "warning": _warning(world),
    }
    if case.query.get("permute_merges"):
        told["clusters"] = _agreed(world, case, events, clusters)
    if "person_of_event" in case.expected:
        told["person_of_event"] = _person_of_event(world, sent, people)
    if "journey" in case.expected:
        told["journey"] = _journey(world, sent, events)
    if case.query.get("funnel"):
        steps = questions.funnel(
            world.client,
            [world.name_of(step) for step in case.query["funnel"]],
            project=world.project,
            window_seconds=_LONG_SECONDS,
        )
        told["step_counts"] = [step.people for step in steps]
    return told


def _policies(world: World, query: dict[str, Any]) -> list[KindPolicy]:
    limits: dict[str, int] = query.get("limits") or _LIMITS_OF_PROFILE.get(str(query.get("profile")), {})
    priority: list[str] = query.get("priority") or []
    policies = []
    for told in {**limits, **dict.fromkeys(priority)}:
        kind = kind_of(told)
        for kept in [HASHED_KINDS[kind], f"{kind}{AS_TEXT}"] if kind in HASHED_KINDS else [kind]:
            # A declared order says all there is to say; without one a kind stands in its usual class.
            usual: IdentifierClass = "medium" if priority else CLASS_OF_KIND.get(kept, "medium")
            place = priority.index(told) if told in priority else 100
            policies.append(KindPolicy(kept, usual, place, max_per_person=limits.get(told, 0)))
    blocked, most = tuple(query.get("blocked") or ()), int(query.get("max_ids_per_person") or 0)
    if blocked or most:
        kept_blocked = [at for value in blocked if value.startswith("=") for at in _kept(world, value[1:])]
        policies.append(KindPolicy(ALL_KINDS, max_per_person=most, blocked=(*blocked, *kept_blocked)))
    return policies


def _kept(world: World, value: str) -> list[str]:
    """A blocked value as it stands at rest, where it may be an e-mail address or a phone number."""
    if is_placeholder(value):
        return []
    return [f"={_at_rest(world, kind, value)[1]}" for kind in HASHED_KINDS if kind_of(kind, value) == kind]


def _at_rest(world: World, kind: str, value: str) -> tuple[str, str]:
    assert world.sender
    settings = Settings(data=world.folder, port=0, clickhouse_url=SecretStr(world.url))
    return at_rest(kind, value, world.project, settings)[0]


def _generated(told: str) -> list[Event]:
    found = re.fullmatch(r"merge (\w+) with (\w*?)(\d+)\.\.\2(\d+)", told)
    if found is None:
        return []
    centre, stem, first, last = found.groups()
    return [
        Event("merge", number, {"id": [centre, f"{stem}{number}"]}, {}) for number in range(int(first), int(last) + 1)
    ]


def _people(world: World, events: list[Event]) -> dict[int, list[tuple[str, str]]]:
    """Every person's identifiers, those that may join, as the case writes them."""
    clear = _clear_values(world, events)
    blocked = {
        (str(kind), str(value))
        for kind, value in world.client.query(
            "SELECT kind, value FROM parcours.identity_blocked WHERE project = {project:String}",
            parameters={"project": world.project},
        ).result_rows
    }
    return {
        person: named
        for person, held in world.persons().items()
        if (
            named := [
                (kind, meant)
                for kind, value in held
                if (kind, value) not in blocked
                for meant in clear.get((kind, value), [value])
            ]
        )
    }


def _clear_values(world: World, events: list[Event]) -> dict[tuple[str, str], list[str]]:
    """What stands at rest for an identifier that is kept hashed → the values that were sent."""
    clear: dict[tuple[str, str], list[str]] = {}
    sent = {(kind_of(kind, one), one) for event in events for kind, values in event.ids.items() for one in values}
    for kind, value in sorted(sent):
        if kind in HASHED_KINDS and not is_placeholder(value):
            clear.setdefault(_at_rest(world, kind, value), []).append(value)
    return clear


def _count(world: World, query: str) -> int:
    return int(world.client.query(query, parameters={"project": world.project}).result_rows[0][0])


def _warning(world: World) -> str | None:
    marked = (
        "SELECT count() FROM parcours.touchpoints_unique WHERE project = {project:String} AND notEmpty(placeholders)"
    )
    blocked = "SELECT count() FROM parcours.identity_blocked WHERE project = {project:String}"
    return "illegal_id" if _count(world, marked) or _count(world, blocked) else None


def _agreed(world: World, case: Case, events: list[Event], clusters: list[list[str]]) -> list[list[str]]:
    """The clusters, if they are the same however the events arrive; else those of an order that says otherwise."""
    for order in range(_ORDERS_TRIED):
        folder = world.folder / f"order-{order}"
        folder.mkdir()
        again = World(world.url, world.client, folder, f"{world.project}-{order}")
        write_policy(again.client, again.project, _policies(again, case.query))
        again.send(random.Random(order).sample(events, len(events)))
        other = sorted(sorted({value for _, value in held}) for held in _people(again, events).values())
        if other != clusters:
            return other
    return clusters


def _person_of_event(world: World, sent: list[str], people: dict[int, list[tuple[str, str]]]) -> list[str | None]:
    person_of = dict(
        world.client.query(
            "SELECT toString(id), person_id FROM parcours.touchpoints_unique WHERE project = {project:String}",
            parameters={"project": world.project},
        ).result_rows
    )
    order = {"strong": 1, "medium": 2, "weak": 3}
    names = {
        person: min(held, key=lambda one: (order[CLASS_OF_KIND.get(one[0], "medium")], one[1]))[1]
        for person, held in people.items()
    }
    return [names.get(person_of[id_]) for id_ in sent]


def _journey(world: World, sent: list[str], events: list[Event]) -> list[str]:
    """What the person of most touchpoints did; a word that two values of one kind are one person is no contact."""
    words = {
        id_ for id_, event in zip(sent, events, strict=True) if any(len(values) > 1 for values in event.ids.values())
    }
    rows = world.client.query(
        "SELECT person_id, toString(id), JSONExtractString(properties, {label:String}) "
        "FROM parcours.touchpoints_unique WHERE project = {project:String} ORDER BY occurred_at, id_order",
        parameters={"project": world.project, "label": LABEL},
    ).result_rows
    journeys: dict[int, list[str]] = {}
    for person, id_, label in rows:
        if id_ not in words:
            journeys.setdefault(person, []).append(label)
    return max(journeys.values(), key=len, default=[])
