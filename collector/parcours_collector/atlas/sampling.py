"""A funnel asked of one in so many people, with the interval in which the whole one lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.names import refuse_unknown
from parcours_collector.atlas.plain_funnel import PlainFunnel
from parcours_collector.atlas.texts import one_or_more


@dataclass(frozen=True, slots=True)
class SampledStep:
    """One step: people as estimated, with the interval of their number and that of the conversion from the start."""

    step: int
    name: str
    people: int
    people_low: float
    people_high: float
    conversion_from_start: float
    conversion_low: float
    conversion_high: float
    sampled_people: int


def funnel_sampled(
    client: Client,
    steps: str | Sequence[str],
    window_seconds: int,
    *,
    one_in: int = 16,
    z: float = 1.96,
    project: str | None = None,
    channel: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    allow_unknown: bool = False,
) -> Answer[SampledStep]:
    """Return a funnel of a sample of the people, always the same ones.

    Args:
        client: A client of the migrated database.
        steps: Names of touchpoints in order, at least one.
        window_seconds: Longest time from the first step to the last, inclusive.
        one_in: One person in so many is asked.
        z: Standard deviations of the intervals: 1.96 = 95 %.
        project: Only this project.
        channel: Only touchpoints on this channel.
        from_at: Only touchpoints at or after this aware instant.
        to_at: Only touchpoints before this aware instant.
        allow_unknown: Count names that were never recorded or declared as nobody's, instead of refusing them.

    Raises:
        UnknownTouchpoint: A step names one; it says which names are near.
    """
    names = one_or_more(steps)
    if not allow_unknown:
        refuse_unknown(client, names, project=project)
    asked = PlainFunnel(
        steps=names,
        window_seconds=window_seconds,
        one_in=one_in,
        project=project,
        channel=channel,
        from_at=from_at,
        to_at=to_at,
    )
    return ask(client, "funnel_sampled", SampledStep, asked.parameters | {"z": z}, without=asked.needless)
