"""`parcours funnel`: ask a funnel of the people, on the terminal."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer

from parcours_collector.atlas.questions import funnel as ask_funnel
from parcours_collector.atlas.questions import funnel_weekly, known_names
from parcours_collector.commands.options import ClickHouseUrlOption, ProjectOption
from parcours_collector.commands.tables import funnel_table, weekly_table
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated


class UnknownStep(OperatorError):
    """A step of a funnel names no touchpoint that was ever recorded or declared."""

    tag = "unknown_step"


def funnel(
    steps: Annotated[
        list[str], typer.Argument(help="Names of touchpoints in order, such as product_viewed order_completed.")
    ],
    window_days: Annotated[float, typer.Option(help="Longest time from the first step to the last.", min=0)] = 7.0,
    weekly: Annotated[bool, typer.Option("--weekly", help="A row for each week in which people entered.")] = False,
    channel: Annotated[str | None, typer.Option(help="Only touchpoints on this channel.", show_default=False)] = None,
    from_at: Annotated[
        datetime | None, typer.Option("--from", help="Only touchpoints from this UTC instant on.", show_default=False)
    ] = None,
    to_at: Annotated[
        datetime | None, typer.Option("--to", help="Only touchpoints before this UTC instant.", show_default=False)
    ] = None,
    project: ProjectOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Show how many people came how far through ordered steps.

    A person reaches a step when they did all steps up to it in order within the window; other touchpoints may lie
    between, and every occurrence of the first step begins a new attempt.
    """
    settings = load_settings(clickhouse_url=clickhouse_url)
    window_seconds = round(window_days * 86_400)
    from_at, to_at = _utc(from_at), _utc(to_at)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        _refuse_unknown(steps, known_names(client, project=project))
        table = funnel_table(
            ask_funnel(client, steps, window_seconds, project=project, channel=channel, from_at=from_at, to_at=to_at),
            window_seconds,
        )
        weeks = (
            funnel_weekly(client, steps, window_seconds, project=project, channel=channel, from_at=from_at, to_at=to_at)
            if weekly
            else []
        )
    console.print(table)
    if weekly:
        console.print(weekly_table(weeks, steps))


def _refuse_unknown(steps: Sequence[str], known: Collection[str]) -> None:
    for step in steps:
        if step not in known:
            near = get_close_matches(step, sorted(known), n=3)
            raise UnknownStep(
                f"No touchpoint is called '{step}'.",
                remedy=f"Did you mean {' or '.join(near)}?" if near else "`parcours schemas list` shows the names.",
            )


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)
