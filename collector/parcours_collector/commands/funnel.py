"""`parcours funnel`: ask a funnel of the people, on the terminal."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from parcours_collector.atlas.funnels import UnusableRules, funnel_by_rules, funnel_rules
from parcours_collector.atlas.questions import funnel as ask_funnel
from parcours_collector.atlas.questions import funnel_weekly
from parcours_collector.commands.network_tables import ruled_funnel_table
from parcours_collector.commands.options import ClickHouseUrlOption, ProjectOption
from parcours_collector.commands.tables import funnel_table, weekly_table
from parcours_collector.commands.terminal import console
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated

_DEFAULT_WINDOW_DAYS = 7.0


def funnel(
    steps: Annotated[
        list[str], typer.Argument(help="Names of touchpoints in order, such as product_viewed order_completed.")
    ],
    window_days: Annotated[
        float | None,
        typer.Option(help="Longest time from the first step to the last. Default: 7, or the preset's.", min=0),
    ] = None,
    weekly: Annotated[bool, typer.Option("--weekly", help="A row for each week in which people entered.")] = False,
    preset: Annotated[
        str | None, typer.Option(help="By the rules of posthog, mixpanel, amplitude or strict.", show_default=False)
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option(
            help='More rules as JSON, as docs/views.md explains: {"breakdown": "channel"}.', show_default=False
        ),
    ] = None,
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
    between, and every occurrence of the first step begins a new attempt. With --preset or --rules the funnel goes by
    those, and says what was lost at each step.
    """
    settings = load_settings(clickhouse_url=clickhouse_url)
    window_seconds = round((_DEFAULT_WINDOW_DAYS if window_days is None else window_days) * 86_400)
    from_at, to_at = _utc(from_at), _utc(to_at)
    declared = _declared(preset, rules, window_days, channel)
    if weekly and declared is not None:
        raise UnusableRules(
            "--weekly does not go with --preset or --rules.",
            remedy="""Ask for weeks in the rules: --rules '{"interval": "week"}'.""",
        )
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        if declared is not None:
            used = funnel_rules(client, steps, declared)[0]
            counted = funnel_by_rules(client, steps, declared, project=project, from_at=from_at, to_at=to_at)
            console.print(ruled_funnel_table(counted, used))
            return
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


def _declared(
    preset: str | None, rules: str | None, window_days: float | None, channel: str | None
) -> dict[str, Any] | None:
    """Return the rules that were declared, as `funnel_rules` reads them; None when there are none."""
    if preset is None and rules is None:
        return None
    try:
        told = orjson.loads(rules or "{}")
    except orjson.JSONDecodeError as error:
        raise UnusableRules(f"--rules is no JSON: {error}.") from None
    if not isinstance(told, dict):
        raise UnusableRules("--rules is no JSON object.")
    if preset is not None:
        told["preset"] = preset
    if window_days is not None:
        told["window_seconds"] = window_days * 86_400
    elif told.get("preset") is None and told.get("window_seconds") is None:
        told["window_seconds"] = _DEFAULT_WINDOW_DAYS * 86_400
    if channel is not None:
        where = told.get("where") or []
        # What is no list is left for the view to refuse.
        told["where"] = [*where, ["channel", "=", channel]] if isinstance(where, list) else where
    return told


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)
