"""`parcours index`: the journey index, which questions about walks read."""

import typer
from clickhouse_connect.driver.client import Client

from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.terminal import console
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.indexing import IndexRun, JourneyIndex
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.moves import keep_moves

index = typer.Typer(
    help="The journey index: every identifier's touchpoints in order. A running collector keeps it.",
    no_args_is_help=True,
)


@index.command("refresh")
def refresh(clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Move what waits into the index. Questions are right before and after; after it they are fast.

    Then, if nothing waits any more, the moves of the network are kept: they are told at once until something comes.
    """
    with connect(_url(clickhouse_url)) as client:
        require_migrated(client)
        journey_index = JourneyIndex(client)
        _say(journey_index.refresh(said=console.print))
        _keep_moves(client, journey_index)


@index.command("rebuild")
def rebuild(clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Write the whole index anew from all touchpoints, and keep the moves of the network, as refresh does."""
    with connect(_url(clickhouse_url)) as client:
        require_migrated(client)
        journey_index = JourneyIndex(client)
        _say(journey_index.rebuild(said=console.print))
        _keep_moves(client, journey_index)


@index.command("check")
def check(clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Compare the index with the touchpoints, one by one; exit with status 1 when they differ."""
    with connect(_url(clickhouse_url)) as client:
        require_migrated(client)
        found = JourneyIndex(client).check()
    console.print(f"{found.indexed:,} touchpoints of persons in the index, {found.stored:,} in the table")
    if not found.same:
        console.print("They differ: run `parcours index rebuild`.")
        raise typer.Exit(1)


def _url(given: str | None) -> str:
    return load_settings(clickhouse_url=given).require_clickhouse_url()


def _keep_moves(client: Client, journey_index: JourneyIndex) -> None:
    with console.status("waiting for questions that began before, then keeping the moves of the network"):
        journey_index.settle()
        are_kept = keep_moves(client) or keep_moves(client)
    if are_kept:
        console.print("moves of the network kept: until something comes, they are told at once")
    else:
        console.print(
            "moves of the network not kept, as the index lacks something or is being merged: all walks tell them"
        )


def _say(run: IndexRun) -> None:
    how = "index written anew" if run.rebuilt else "changes moved into the index"
    console.print(f"{how}, {run.changes:,} that waited, {run.seconds:.2f} s")
