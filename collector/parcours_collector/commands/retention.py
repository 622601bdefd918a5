"""`parcours retention`: for how long a project keeps what it recorded."""

from dataclasses import replace
from typing import Annotated

import typer

from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.tables import plain_table
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.project_rules import read_rules, write_rules
from parcours_collector.warehouse.retention import delete_expired, expired, keeping_projects

retention = typer.Typer(help="For how long a project keeps what it recorded.", no_args_is_help=True)


class NothingToKeep(OperatorError):
    """A project keeps for ever."""

    tag = "nothing_expires"
    remedy = "`parcours retention set DAYS --project NAME` says for how long."


@retention.command("set")
def set_days(
    days: Annotated[int, typer.Argument(min=0, help="What happened longer ago is deleted; 0 = keep for ever.")],
    project: Annotated[str, typer.Option("--project", help="Whose.")] = "default",
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Say for how long a project keeps touchpoints, dead letters and evidence.

    A running collector deletes within the hour, `parcours retention apply` at once. Look with --dry-run first.
    """
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        write_rules(client, project, replace(read_rules(client, project), keep_days=days))
    console.print(f"{project}: " + (f"kept for {days} days" if days else "kept for ever"))


@retention.command("show")
def show(clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Show the projects that keep for a time only, and what of them waits to be deleted."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        found = [(days, expired(client, name, days)) for name, days in keeping_projects(client).items()]
    table = plain_table("Kept for a time only; all other projects for ever")
    for column in ("project", "days", "expired touchpoints", "dead letters", "evidence"):
        table.add_column(column, justify="left" if column == "project" else "right")
    for days, one in found:
        counts = (one.touchpoints, one.dead_letters, one.identity_edges)
        table.add_row(one.project, str(days), *(f"{count:,}" for count in counts))
    console.print(table)


@retention.command("apply")
def apply(
    project: Annotated[str, typer.Option("--project", help="Whose.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Delete what a project no longer keeps, and join its people anew from what is left."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        days = keeping_projects(client).get(project)
        if days is None:
            raise NothingToKeep(f"The project '{project}' keeps for ever.")
        found = expired(client, project, days)
        if not dry_run:
            with console.status("deleting"):
                delete_expired(client, found)
    console.print(
        f"{project}: {'would delete' if dry_run else 'deleted'} {found.touchpoints:,} touchpoints, "
        f"{found.dead_letters:,} dead letters, {found.identity_edges:,} pieces of evidence "
        f"from before {found.before_at:%Y-%m-%d %H:%M} UTC"
    )
