"""The answers about the network as tables for the terminal."""

import math
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from parcours_collector.atlas.funnels import CountedStep, UsedRules
from parcours_collector.atlas.network import BlackHole, BrightPath, KnockOn, Node
from parcours_collector.commands.tables import duration, percent, plain_table

_BAR_CELLS = 20


def ruled_funnel_table(rows: Sequence[CountedStep], rules: UsedRules) -> Table:
    """Draw a funnel by rules: a row a step of each period and breakdown value, with what was lost there."""
    title = (
        f"Funnel by rules, within {duration(rules.window_seconds)} of the first step: counted, and lost at each step"
    )
    table = plain_table(f"{title} (* = its window is not over)" if rules.interval else title)
    parts = [*([f"{rules.interval} of"] if rules.interval else []), *([rules.breakdown] if rules.breakdown else [])]
    columns = [*parts, "step", "counted", "people", "lost", "from previous", "from start", "median wait"]
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place <= len(parts) else "right")
    zone = ZoneInfo(rules.timezone)
    for row in rows:
        part = [row.breakdown_value] if rules.breakdown else []
        if row.period_at is not None:
            shown = f"{row.period_at.astimezone(zone):{'%Y-%m-%d %H:%M' if rules.interval == 'hour' else '%Y-%m-%d'}}"
            part.insert(0, shown if row.is_complete else f"{shown} *")
        table.add_row(
            *(part if row.step == 1 else [""] * len(part)),
            f"{row.step} {row.name}",
            f"{row.counted:,}",
            f"{row.people:,}",
            f"{row.lost:,}",
            percent(row.conversion_from_previous),
            percent(row.conversion_from_start),
            "" if row.step == 1 else duration(row.median_seconds),
        )
    return table


def nodes_table(rows: Sequence[Node]) -> Table:
    """Draw what each node does: its own rate beside its effect on the whole."""
    first = rows[0]
    table = plain_table(f"Nodes: {first.journeys:,} journeys that are over, {percent(first.base_conversion)} converted")
    for column in ("node", "visits", "people", "go on", "convert from here", "whole without it", "whole if none lost"):
        table.add_column(column, justify="left" if column == "node" else "right")
    for row in rows:
        table.add_row(
            row.node,
            f"{row.visits:,}",
            f"{row.people:,}",
            percent(row.own_rate),
            percent(row.conversion_probability),
            percent(row.base_conversion * (1 - row.removal_effect)),
            percent(row.conversion_if_mended),
        )
    return table


def black_holes_table(rows: Sequence[BlackHole], *, with_value: bool) -> Table:
    """Draw where journeys are lost; the bar is the share of all that were lost."""
    table = plain_table("Black holes: where journeys end unconverted, what costs most conversions first")
    columns = ["node", "lost here", "of all lost", "would have converted", *(["revenue"] if with_value else []), ""]
    for column in columns:
        table.add_column(column, justify="left" if column in {"node", ""} else "right")
    for row in rows:
        value = [f"{row.lost_value or 0:,.2f}"] if with_value else []
        table.add_row(
            row.node,
            f"{row.lost:,}",
            percent(row.lost_share),
            f"{row.expected_conversions:,.1f}",
            *value,
            Text("█" * round(row.lost_share * _BAR_CELLS), style="red"),
        )
    return table


def bright_paths_table(rows: Sequence[BrightPath]) -> Table:
    """Draw the paths that convert most surely, with the interval of their rate."""
    table = plain_table("Bright paths: what converts most surely (95 % interval; ★ = clearly above the base)")
    for column in ("path", "journeys", "converted", "rate", "interval", "lift", ""):
        table.add_column(column, justify="left" if column in {"path", ""} else "right")
    for row in rows:
        table.add_row(
            " → ".join(row.path),
            f"{row.journeys:,}",
            f"{row.converted:,}",
            percent(row.conversion_rate),
            f"{percent(row.low)} – {percent(row.high)}",
            f"{row.lift:.2f} ×" if row.base_conversion else "–",
            Text("★" if row.is_bright else "", style="yellow"),
        )
    return table


def knock_on_table(rows: Sequence[KnockOn], next_node: str | None) -> Table:
    """Draw rates before and after a change, each with the interval of their difference."""
    table = plain_table("Before and after (95 % interval of the difference; ▲ ▼ = clearly so)")
    for column in ("", "journeys before", "after", "rate before", "after", "difference", "interval", " "):
        table.add_column(column, justify="left" if column in {"", " "} else "right")
    names = {
        "whole": "the whole converts",
        "changed": f"{{}} → {next_node}" if next_node else "{} goes on",
        "later": "converts after it: {}",
    }
    for row in rows:
        sign = ("▲" if row.low > 0 else "▼") if row.is_clear else ""
        table.add_row(
            names[row.role].format(row.node),
            f"{row.journeys_before:,}",
            f"{row.journeys_after:,}",
            percent(row.rate_before),
            percent(row.rate_after),
            percent(row.difference),
            "–" if math.isnan(row.low) else f"{percent(row.low)} – {percent(row.high)}",
            Text(sign, style="green" if sign == "▲" else "red"),
        )
    return table
