"""`parcours columns`: properties that analysts use often, as columns of their own."""

import time
from typing import Annotated

import typer
from rich.table import Table

from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.terminal import console, progress_bar
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.column_changes import (
    active_parts,
    add_column,
    fill_column,
    remove_column,
    storing_parts,
)
from parcours_collector.warehouse.hot_columns import ColumnKind, HotColumn, recorded_columns
from parcours_collector.warehouse.migrations import require_migrated

_LOOK_SECONDS = 0.1

columns = typer.Typer(help="Hot columns: properties that are read without parsing JSON.", no_args_is_help=True)

PathArgument = Annotated[str, typer.Argument(metavar="NAME.PROPERTY", help="Such as product_viewed.brand.")]


@columns.command("add")
def add(
    path: PathArgument,
    kind: Annotated[
        ColumnKind,
        typer.Option(
            "--type",
            help="What it holds; `word` is a text of few values. What is not of the type is null, or '' of texts.",
        ),
    ],
    fill: Annotated[
        bool, typer.Option(help="Store it for rows that are there already, too; without, they compute it when read.")
    ] = True,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Give a property of a touchpoint a column in `touchpoints` and the views. Safe to repeat, and while it is used."""
    column = HotColumn.parse(path, kind)
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        is_new = add_column(client, column)
        console.print(f"{column.name} ({kind}) {'is a column now' if is_new else 'was a column already'}")
        if not fill:
            return
        with progress_bar() as bar:
            total = active_parts(client)
            task = bar.add_task("filling parts", total=total)
            for left in fill_column(client, column):
                bar.update(task, completed=max(total - left, 0))
                if left:
                    time.sleep(_LOOK_SECONDS)
        console.print("all rows have it stored")


@columns.command("list")
def list_columns(clickhouse_url: ClickHouseUrlOption = None) -> None:
    """List the hot columns, and in how many parts each is stored; other parts compute it when they are read."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        storing, parts = storing_parts(client), active_parts(client)
        table = Table("column", "touchpoint", "property", "type", "since", "stored in")
        for one in recorded_columns(client):
            if one.is_wanted:
                column = one.column
                since = f"{one.updated_at:%Y-%m-%d %H:%M}"
                stored = f"{storing.get(column.name, 0)} of {parts} parts"
                table.add_row(column.name, column.touchpoint, column.key, column.kind, since, stored)
    console.print(table)


@columns.command("remove")
def remove(path: PathArgument, clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Take the column away; the property stays in `properties`."""
    column = HotColumn.parse(path)
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        remove_column(client, column)
    console.print(f"{column.name} is no column any more")
