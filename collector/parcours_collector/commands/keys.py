"""`parcours keys`: who may send."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from parcours_collector.commands.options import DataOption
from parcours_collector.commands.terminal import console
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.shared_file import changing
from parcours_collector.intake.source import SourceKind
from parcours_collector.settings import load_settings

keys = typer.Typer(help="Write keys: one for each source (a site, an app, a till, the CRM).", no_args_is_help=True)


@keys.command("create")
def create(
    source: Annotated[str, typer.Argument(help="Name of the source, such as shop-web.")],
    project: Annotated[str, typer.Option(help="Project that the source belongs to.")] = "default",
    kind: Annotated[
        SourceKind,
        typer.Option(
            help="Who holds the key: when the collector is full, web pages stand back first, tills and CRM last."
        ),
    ] = SourceKind.SERVER,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Touchpoints it may send, such as 'product_*'; may be repeated. All if none."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="With --kind browser: pages that may use it, https://shop.example or https://*.shop.example."
        ),
    ] = None,
    quota_per_second: Annotated[
        float | None, typer.Option(help="Touchpoints it may send a second in the long run; any number if not given.")
    ] = None,
    oldest_days: Annotated[
        int | None,
        typer.Option(
            help="How long ago its touchpoints may have happened; older ones become dead letters. "
            "Not given: 90 days for a browser, 730 for a store, any time for others."
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Make a source and its write key. The key is printed once and kept nowhere."""
    file = load_settings(data=data).registry_file
    with changing(file):
        registry, write_key = Registry.read(file).with_source(
            source,
            project,
            kind=kind,
            names=allow or (),
            origins=origin or (),
            quota_per_second=quota_per_second,
            oldest_days=oldest_days,
        )
        registry.write(file)
    console.print(write_key, soft_wrap=True)


@keys.command("rotate")
def rotate(
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    grace_hours: Annotated[
        float, typer.Option(min=0, help="How long the old key stays good beside the new one.")
    ] = 24.0,
    data: DataOption = None,
) -> None:
    """Give a source a new write key. The old one stays good for a while, so that senders can be changed one by one."""
    file = load_settings(data=data).registry_file
    with changing(file):
        registry, write_key = Registry.read(file).with_new_key(source, timedelta(hours=grace_hours))
        registry.write(file)
    console.print(write_key, soft_wrap=True)


@keys.command("rotate-identifier-key")
def rotate_identifier_key(
    project: Annotated[str, typer.Argument(help="Whose key.")],
    keep: Annotated[
        int,
        typer.Option(min=0, help="So many former keys go on hashing beside the new one, so that nobody is two people."),
    ] = 1,
    retire: Annotated[
        bool, typer.Option("--retire", help="Make no new key: only let no more than --keep former ones go on.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Hash a project's e-mails and phone numbers with a new key from now on; a running collector follows at once.

    While a former key goes on, each touchpoint carries its hash too, and whoever comes again is joined to what was
    known of them. Once it is retired, it serves only to know the forgotten again, who stay out. SDKs that hash by
    themselves (identifier_key=) keep the key that they were given.
    """
    file = load_settings(data=data).registry_file
    with changing(file):
        registry = Registry.read(file)
        change = registry.with_former_identifier_keys if retire else registry.with_identifier_key
        registry = change(project, keep=keep)
        registry.write(file)
    kept = registry.identifier_keys[project]
    console.print(f"{project}: {len(kept.in_use)} identifier keys in use, {len(kept.retired)} retired")


@keys.command("list")
def list_sources(data: DataOption = None) -> None:
    """Show the sources. Keys themselves are kept nowhere."""
    table = Table("source", "project", "kind", "may send", "made", "ends")
    for source in Registry.read(load_settings(data=data).registry_file).sources:
        revoked = "" if source.revoked_at is None else f"{source.revoked_at:%Y-%m-%d %H:%M}"
        bounds = [*source.names, *source.origins]
        if source.quota_per_second is not None:
            bounds.append(f"{source.quota_per_second:g}/s")
        if source.oldest_days is not None:
            bounds.append(f"{source.oldest_days} days back")
        made = f"{source.created_at:%Y-%m-%d %H:%M}"
        table.add_row(source.name, source.project, source.kind, ", ".join(bounds) or "all", made, revoked)
    console.print(table)


@keys.command("revoke")
def revoke(
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    data: DataOption = None,
) -> None:
    """Revoke the write key of a source. A running collector refuses it from its next request on."""
    file = load_settings(data=data).registry_file
    with changing(file):
        Registry.read(file).without_source(source).write(file)
    console.print(f"revoked the write key of {source}")
