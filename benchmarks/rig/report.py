"""The table at the end, and the same as JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.rig.figure import Figure, Outcome, Size

RESULTS = Path(__file__).parents[1] / "results"


def print_table(outcomes: Mapping[str, Outcome], facts: Mapping[str, str], size: Size) -> None:
    """Print every figure: medians, and the ratio with the least and the greatest of its rounds."""
    console = Console(width=150)
    table = Table(title=f"ours ÷ theirs, medians of alternating rounds ({size} size)", title_justify="left")
    table.add_column("figure")
    table.add_column("against")
    table.add_column("unit")
    for heading in ("ours", "theirs", "ratio", "min – max", "rounds", "goal"):
        table.add_column(heading, justify="right")
    for outcome in outcomes.values():
        table.add_section()
        for figure in outcome.figures:
            table.add_row(*_cells(figure))
    console.print(table)
    for name, outcome in outcomes.items():
        for note in outcome.notes:
            console.print(f"{name}: {note}", markup=False, highlight=False, soft_wrap=True)
    for name, fact in facts.items():
        console.print(f"{name}: {fact}", markup=False, highlight=False, soft_wrap=True)


def write_json(outcomes: Mapping[str, Outcome], facts: Mapping[str, str], size: Size, file: Path | None) -> Path:
    """Write everything that was measured, every round of it; return where."""
    now = datetime.now(UTC)
    file = file or RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}-{size}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "finished_at": now.isoformat(timespec="seconds"),
        "size": size,
        "machine": dict(facts),
        "benchmarks": {
            name: {"figures": [figure.as_json() for figure in outcome.figures], "notes": list(outcome.notes)}
            for name, outcome in outcomes.items()
        },
    }
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def _cells(figure: Figure) -> tuple[str, ...]:
    ratios = figure.ratios
    goal = ""
    if figure.goal is not None:
        goal = f"{figure.goal} {'met' if figure.meets_goal else 'missed'}"
    return (
        figure.name,
        figure.against,
        figure.unit,
        _number(median(figure.ours)),
        _number(median(figure.theirs)),
        f"{figure.ratio:.3f}",
        f"{min(ratios):.3f} – {max(ratios):.3f}",
        str(len(ratios)),
        goal,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
