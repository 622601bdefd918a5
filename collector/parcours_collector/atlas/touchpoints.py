"""Touchpoints one by one, each once: as `touchpoints_unique` has them, and as `touchpoints_resolved` reads them.

A hot column is in the views alone: whoever wants one asks `Answer.sql` with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask


@dataclass(frozen=True, slots=True)
class StoredTouchpoint:
    """What was recorded; instants are UTC, `context` and `properties` are JSON texts, addresses are kept hashed."""

    project: str
    id: UUID
    name: str
    schema_version: str
    channel: str
    source: str
    occurred_at: datetime
    client_occurred_at: datetime
    sent_at: datetime | None
    received_at: datetime
    ids: Mapping[str, list[str]]
    placeholders: list[str]
    context: str
    properties: str
    consent: Mapping[str, bool]
    enrichment: Mapping[str, str]
    revenue: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class UniqueTouchpoint(StoredTouchpoint):
    """A touchpoint and whose it is.

    Attributes:
        identifier: The least of its identifiers, as a number; 0 = it names nobody.
        owner: The identifier whose person it is of.
        person_id: That person, as of the last stitching; 0 = nobody.
        id_order: The id as a number: the order of touchpoints of one instant.
    """

    identifier: int
    owner: int
    person_id: int
    id_order: int


@dataclass(frozen=True, slots=True)
class ResolvedTouchpoint(StoredTouchpoint):
    """A touchpoint, what its kind means, and its place in the person's sessions and journeys.

    Attributes:
        person_id: The person as of the last stitching; 0 = nobody.
        stage: What its kind means; empty for a kind that nobody described, as `need` and `valence`.
        need: The same.
        valence: The same.
        is_conversion: Whether it ends its journey as converted.
        channel_family: `web`, `message`, or the channel itself.
        session_no: 1, 2, … for a person, in order of start; 0 of nobody.
        journey_no: The same of journeys.
    """

    person_id: int
    stage: str
    need: str
    valence: str
    is_conversion: bool
    channel_family: str
    session_no: int
    journey_no: int


def touchpoints_unique(
    client: Client,
    *,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    limit: int = 1000,
) -> Answer[UniqueTouchpoint]:
    """Return up to `limit` touchpoints with whose they are, project by project, the oldest first.

    Args:
        client: A client of the migrated database.
        project: Only this project.
        from_at: Only what occurred at or after this aware instant.
        to_at: Only what occurred before this aware instant.
        limit: At most so many rows.
    """
    return ask(client, "touchpoints_unique", UniqueTouchpoint, _parameters(project, from_at, to_at, limit))


def touchpoints_resolved(
    client: Client,
    *,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    limit: int = 1000,
) -> Answer[ResolvedTouchpoint]:
    """Return up to `limit` touchpoints with their place in sessions and journeys, project by project, the oldest first.

    Sessions and journeys are numbered from all touchpoints of a person, whatever is left out; arguments as
    `touchpoints_unique`.
    """
    return ask(client, "touchpoints_resolved", ResolvedTouchpoint, _parameters(project, from_at, to_at, limit))


def _parameters(project: str | None, from_at: datetime | None, to_at: datetime | None, limit: int) -> dict[str, Any]:
    return {"project": project, "from_at": from_at, "to_at": to_at, "limit": limit}
