"""Questions to the journeys, each answered by a documented view of the warehouse.

Every function has one `.sql` file with server-side parameters and returns its rows as frozen dataclasses: the numbers
are those that an analyst gets from the same view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import NOT_KEPT, Answer, ask, ask_kept
from parcours_collector.atlas.names import refuse_unknown
from parcours_collector.atlas.plain_funnel import PlainFunnel
from parcours_collector.atlas.texts import one_or_more
from parcours_collector.atlas.walks import Within
from parcours_collector.warehouse.moves import NODES

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step of a funnel; rates are shares from 0 to 1, NaN where nobody could convert."""

    step: int
    name: str
    people: int
    conversion_from_previous: float
    conversion_from_start: float
    median_seconds: float


@dataclass(frozen=True, slots=True)
class FunnelPerson:
    """How far one person came; `seconds_from_previous` has an entry for each step reached, 0 for the first."""

    project: str
    person_id: int
    entered_at: datetime
    reached: int
    seconds_from_previous: list[float]


@dataclass(frozen=True, slots=True)
class WeeklyFunnelStep:
    """One step of a funnel for the people who entered it in one week, which starts on the Monday `week`."""

    week: date
    step: int
    name: str
    people: int
    conversion_from_previous: float
    conversion_from_start: float
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Transition:
    """The move from one node of the network to the next; `probability` is its share of all moves out of `from_node`.

    `value` is what the walks that make the move brought, when it was asked for.
    """

    from_node: str
    to_node: str
    passages: int
    people: int
    probability: float
    median_seconds: float
    value: float | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One touchpoint of a person, column by column as the view has it; `context` and `properties` are JSON texts."""

    project: str
    person_id: int
    occurred_at: datetime
    id: UUID
    name: str
    channel: str
    source: str
    stage: str
    need: str
    valence: str
    session_no: int
    journey_no: int
    is_conversion: bool
    ids: dict[str, list[str]]
    context: str
    properties: str
    enrichment: dict[str, str]
    revenue: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many journeys ended in one way; `re_entries` are those that were not their person's first."""

    outcome: str
    journeys: int
    people: int
    re_entries: int
    mean_touchpoints: float
    mean_channels: float


@dataclass(frozen=True, slots=True)
class Totals:
    """What a project holds."""

    touchpoints: int
    people: int
    kinds: int
    channels: int


def funnel(
    client: Client,
    steps: str | Sequence[str],
    window_seconds: int,
    *,
    project: str | None = None,
    channel: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
) -> Answer[FunnelStep]:
    """Return how many people came how far through ordered steps; the rule stands in the view `funnel_people`.

    Args:
        client: A client of the migrated database.
        steps: Names of touchpoints in order, at least one; a name may come again.
        window_seconds: Longest time from the first step to the last, inclusive.
        project: Only this project.
        channel: Only touchpoints on this channel.
        from_at: Only touchpoints at or after this aware instant.
        to_at: Only touchpoints before this aware instant.
        allow_unknown: Count names that were never recorded or declared as nobody's, instead of refusing them.

    Raises:
        UnknownTouchpoint: A step names one; it says which names are near.
    """
    asked = _asked(client, steps, window_seconds, project, channel, from_at, to_at, allow_unknown=allow_unknown)
    return ask(client, "funnel", FunnelStep, asked.parameters, without=asked.needless)


def funnel_weekly(
    client: Client,
    steps: str | Sequence[str],
    window_seconds: int,
    *,
    project: str | None = None,
    channel: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
) -> Answer[WeeklyFunnelStep]:
    """Return the funnel by the week in which people entered it; arguments as `funnel`."""
    asked = _asked(client, steps, window_seconds, project, channel, from_at, to_at, allow_unknown=allow_unknown)
    return ask(client, "funnel_weekly", WeeklyFunnelStep, asked.parameters, without=asked.needless)


def funnel_people(
    client: Client,
    steps: str | Sequence[str],
    window_seconds: int,
    *,
    project: str | None = None,
    channel: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
) -> Answer[FunnelPerson]:
    """Return the people whom `funnel` counts, those who entered first first; arguments as there."""
    asked = _asked(client, steps, window_seconds, project, channel, from_at, to_at, allow_unknown=allow_unknown)
    return ask(client, "funnel_people", FunnelPerson, asked.parameters, without=asked.needless)


def transitions(
    client: Client,
    *,
    node: str = "name",
    limit: int = 100,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    max_gap_seconds: int | None = None,
    within: Within = "life",
    start_node: str | None = None,
    end_node: str | None = None,
    via: str | None = None,
    with_value: bool = False,
) -> Answer[Transition]:
    """Return the strongest moves of the network, by passages.

    Of names and channels in whole lives the view `transitions` tells; what else is asked, `walk_transitions`, which
    takes longer.

    Args:
        client: A client of the migrated database.
        node: `name`, `channel`, `name_channel`, `stage`, `source`, `place`, `properties.NAME` or `context.NAME`.
        limit: At most so many rows.
        project: Only this project.
        from_at: Only moves that begin at or after this aware instant; of sessions and journeys, those that began then.
        to_at: Only moves that end before this aware instant; of sessions and journeys, those that began before it.
        max_gap_seconds: Only moves with no longer pause.
        within: Moves inside a person's whole `life`, one `session` or one `journey`.
        start_node: Only moves from the first such node of a life, session or journey on.
        end_node: Only moves up to the first such node from there.
        via: Only moves of lives, sessions or journeys that pass this node.
        with_value: Also what these brought; it is read from the touchpoints.
    """
    parameters = {
        "node": node,
        "limit": limit,
        "project": project,
        "from_at": from_at,
        "to_at": to_at,
        "max_gap_seconds": max_gap_seconds,
    }
    walked = {"within": within, "start_node": start_node, "end_node": end_node, "via": via, "with_value": with_value}
    is_plain = walked == {**dict.fromkeys(walked), "within": "life", "with_value": False}
    if is_plain and node in NODES:
        if (from_at, to_at, max_gap_seconds) == (None, None, None):
            return ask_kept(client, "transitions", Transition, parameters)
        return ask(client, "transitions", Transition, parameters, without=NOT_KEPT)
    return ask(client, "walk_transitions", Transition, parameters | walked)


def person_timeline(client: Client, kind: str, value: str, *, project: str | None = None) -> Answer[TimelineEntry]:
    """Return everything that the person known by this identifier did, oldest first; empty when nobody is."""
    parameters = {"kind": kind, "value": value, "project": project}
    # Of one person's few touchpoints each may be looked up.
    without = ("owned",) if project is None else ("owned", "whichever")
    return ask(client, "person_timeline", _timeline_entry, parameters, without=without)


def _timeline_entry(*values: Any) -> TimelineEntry:
    entry = TimelineEntry(*values)
    return replace(entry, is_conversion=bool(entry.is_conversion))


def journey_outcomes(client: Client, *, project: str | None = None) -> Answer[OutcomeCount]:
    """Return how journeys ended."""
    return ask(client, "journey_outcomes", OutcomeCount, {"project": project})


def totals(client: Client, *, project: str | None = None) -> Totals:
    """Return how much there is."""
    return ask(client, "totals", Totals, {"project": project})[0]


def _asked(
    client: Client,
    steps: str | Sequence[str],
    window_seconds: int,
    project: str | None,
    channel: str | None,
    from_at: datetime | None,
    to_at: datetime | None,
    *,
    allow_unknown: bool,
) -> PlainFunnel:
    names = one_or_more(steps)
    if not allow_unknown:
        refuse_unknown(client, names, project=project)
    return PlainFunnel(
        steps=names, window_seconds=window_seconds, project=project, channel=channel, from_at=from_at, to_at=to_at
    )
