"""Journeys one by one, as the view `journeys` has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask

Outcome = Literal["converted", "lost", "open"]


@dataclass(frozen=True, slots=True)
class Journey:
    """The touchpoints of one person up to a conversion, or until a long silence.

    Attributes:
        project: Whose rules say what a conversion and a long silence are.
        person_id: The person as of the last stitching.
        journey_no: 1, 2, … for a person; above 1 it is a re-entry.
        started_at: Of its first touchpoint, UTC.
        ended_at: Of its last.
        outcome: `open` while it may still go on.
        touchpoints: How many.
        channels: In order of first use.
        path: The names in order, loops kept.
        revenue: In the project's currency; other currencies are not converted, and not in it.
        revenue_by_currency: The same for every currency.
    """

    project: str
    person_id: int
    journey_no: int
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    touchpoints: int
    channels: list[str]
    path: list[str]
    revenue: Decimal
    revenue_by_currency: Mapping[str, Decimal]


def journeys(
    client: Client,
    *,
    project: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    limit: int = 1000,
) -> Answer[Journey]:
    """Return up to `limit` journeys, project by project, those that began first first.

    Args:
        client: A client of the migrated database.
        project: Only this project.
        from_at: Only journeys that began at or after this aware instant.
        to_at: Only journeys that began before this aware instant.
        limit: At most so many rows.
    """
    parameters = {"project": project, "from_at": from_at, "to_at": to_at, "limit": limit}
    return ask(client, "journeys", Journey, parameters)
