"""Answers of the atlas as tables for the terminal."""

import math
from collections.abc import Sequence
from itertools import groupby, zip_longest

import orjson
from rich import box
from rich.table import Table
from rich.text import Text

from parcours_collector.atlas.questions import FunnelStep, OutcomeCount, TimelineEntry, Transition, WeeklyFunnelStep

_BAR_CELLS = 24


def funnel_table(steps: Sequence[FunnelStep], window_seconds: int) -> Table:
    """Draw a funnel: a row a step, with a bar for its share of step 1."""
    table = plain_table(f"Funnel, of people, within {duration(window_seconds)} of the first step")
    for column in ("step", "people", "from previous", "from start", "median wait", ""):
        table.add_column(column, justify="left" if column in {"step", ""} else "right")
    for step in steps:
        nobody = not steps[0].people
        share = 0.0 if nobody or math.isnan(step.conversion_from_start) else step.conversion_from_start
        table.add_row(
            f"{step.step} {step.name}",
            f"{step.people:,}",
            percent(math.nan if nobody else step.conversion_from_previous),
            percent(math.nan if nobody else step.conversion_from_start),
            "" if step.step == 1 else duration(step.median_seconds),
            Text("█" * round(share * _BAR_CELLS), style="cyan"),
        )
    return table


def weekly_table(weeks: Sequence[WeeklyFunnelStep], names: Sequence[str]) -> Table:
    """Draw a funnel week by week: people who entered, and the rate from each step to the next."""
    table = plain_table("Week by week, by the week of entry (* = its window is not over)")
    table.add_column("week of")
    table.add_column(names[0], justify="right")
    for name in names[1:]:
        table.add_column(f"→ {name}", justify="right")
    for week, rows in groupby(weeks, key=lambda row: row.week):
        steps = list(rows)
        label = f"{week:%Y-%m-%d}{'' if steps[0].is_complete else ' *'}"
        table.add_row(label, f"{steps[0].people:,}", *(percent(step.conversion_from_previous) for step in steps[1:]))
    return table


def transitions_table(moves: Sequence[Transition]) -> Table:
    """Draw the strongest moves of the network."""
    table = plain_table("Strongest transitions")
    is_valued = any(move.value is not None for move in moves)
    columns = ("from", "to", "passages", "people", "probability", "median pause", *(["revenue"] if is_valued else []))
    for column in columns:
        table.add_column(column, justify="left" if column in {"from", "to"} else "right")
    for move in moves:
        node = f"{move.to_node} ↺" if move.from_node == move.to_node else move.to_node
        table.add_row(
            move.from_node,
            node,
            f"{move.passages:,}",
            f"{move.people:,}",
            percent(move.probability),
            duration(move.median_seconds),
            *([f"{move.value or 0:,.2f}"] if is_valued else []),
        )
    return table


def timeline_table(entries: Sequence[TimelineEntry]) -> Table:
    """Draw one person's touchpoints in order; a line stands between two journeys."""
    table = plain_table("One person, every channel")
    table.add_column("when (UTC)", no_wrap=True)
    table.add_column("journey.session", justify="right")
    table.add_column("channel", no_wrap=True)
    table.add_column("touchpoint", no_wrap=True)
    table.add_column("stage", no_wrap=True)
    table.add_column("known by")
    table.add_column("what", no_wrap=True, overflow="ellipsis", max_width=36)
    for entry, following in zip_longest(entries, entries[1:]):
        table.add_row(
            f"{entry.occurred_at:%a %d %b %H:%M}",
            f"{entry.journey_no}.{entry.session_no}",
            entry.channel,
            Text(entry.name, style="bold green" if entry.is_conversion else ""),
            entry.stage,
            ", ".join(kind.removesuffix("_sha256") for kind in entry.ids),
            _gist(entry.properties),
            end_section=following is not None and following.journey_no != entry.journey_no,
        )
    return table


def outcomes_table(outcomes: Sequence[OutcomeCount]) -> Table:
    """Draw how journeys ended."""
    table = plain_table("Journeys")
    for column in ("outcome", "journeys", "people", "re-entries", "touchpoints each", "channels each"):
        table.add_column(column, justify="left" if column == "outcome" else "right")
    for row in outcomes:
        table.add_row(
            row.outcome,
            f"{row.journeys:,}",
            f"{row.people:,}",
            f"{row.re_entries:,}",
            f"{row.mean_touchpoints:.1f}",
            f"{row.mean_channels:.1f}",
        )
    return table


def plain_table(title: str) -> Table:
    """Return an empty table with this title, in the house style."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def percent(share: float) -> str:
    """Write a share of 0 to 1 as a percentage; a share of nobody as a dash."""
    return "–" if math.isnan(share) else f"{share:.1%}"


def duration(seconds: float) -> str:
    """Write a time in the unit that reads best; the time of nobody as a dash."""
    if math.isnan(seconds):
        return "–"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


_TOLD_FIRST = ("campaign_name", "coupon", "coupon_name", "total", "name", "title", "order_id")


def _gist(properties: str) -> str:
    held = orjson.loads(properties or b"{}")
    return ", ".join(str(held[name]) for name in _TOLD_FIRST if name in held)
