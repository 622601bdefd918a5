"""`parcours keys`: who may send."""

from typing import Annotated

import typer
from rich.table import Table

from parcours_collector.commands.options import DataOption
from parcours_collector.commands.terminal import console
from parcours_collector.intake.registry import Registry
from parcours_collector.settings import load_settings

keys = typer.Typer(help="Write keys: one for each source (a site, an app, a till, the CRM).", no_args_is_help=True)


@keys.command("create")
def create(
    source: Annotated[str, typer.Argument(help="Name of the source, such as shop-web.")],
    project: Annotated[str, typer.Option(help="Project that the source belongs to.")] = "default",
    data: DataOption = None,
) -> None:
    """Make a source and its write key. The key is printed once and kept nowhere."""
    file = load_settings(data=data).registry_file
    registry, write_key = Registry.read(file).with_source(source, project)
    registry.write(file)
    console.print(write_key, soft_wrap=True)


@keys.command("list")
def list_sources(data: DataOption = None) -> None:
    """Show the sources. Keys themselves are kept nowhere."""
    table = Table("source", "project", "made", "revoked")
    for source in Registry.read(load_settings(data=data).registry_file).sources:
        revoked = "" if source.revoked_at is None else f"{source.revoked_at:%Y-%m-%d %H:%M}"
        table.add_row(source.name, source.project, f"{source.created_at:%Y-%m-%d %H:%M}", revoked)
    console.print(table)


@keys.command("revoke")
def revoke(
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    data: DataOption = None,
) -> None:
    """Revoke the write key of a source. A running collector refuses it from its next request on."""
    file = load_settings(data=data).registry_file
    Registry.read(file).without_source(source).write(file)
    console.print(f"revoked the write key of {source}")
