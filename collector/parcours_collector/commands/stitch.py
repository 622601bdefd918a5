"""`parcours stitch`: join identifiers into people, now."""

from typing import Annotated

import typer

from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.terminal import console
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.stitching import stitch as stitch_people


def stitch(
    full: Annotated[
        bool, typer.Option("--full", help="Rebuild people from all evidence, not from what is new.")
    ] = False,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Join identifiers into people. A running collector does this by itself every few seconds."""
    settings = load_settings(clickhouse_url=clickhouse_url)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        run = stitch_people(client, full=full)
    console.print(
        f"{run.mode}: {run.edges:,} edges, {run.passes} passes, "
        f"{run.moved:,} identifiers moved to another person, {run.seconds:.2f} s"
    )
