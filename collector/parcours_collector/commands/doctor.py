"""`parcours doctor`: what is set, and what stands in the way."""

import os

import typer
from rich.table import Table

from parcours_collector.commands.options import ClickHouseUrlOption, DataOption
from parcours_collector.commands.terminal import console
from parcours_collector.errors import CollectorError
from parcours_collector.intake.registry import Registry
from parcours_collector.plans import read_plan
from parcours_collector.settings import PREFIX, Settings, known_keys, load_settings
from parcours_collector.warehouse.client import ClickHouseUrl, connect
from parcours_collector.warehouse.migrations import require_migrated


def doctor(data: DataOption = None, clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Print every setting with its meaning, then check ClickHouse, the keys and the plan.

    The exit status is 1 if one of them fails.
    """
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    console.print(_settings_table(settings))
    failed = False
    for name, check in (("ClickHouse", _check_clickhouse), ("write keys", _check_keys), ("tracking plan", _check_plan)):
        try:
            console.print(f"[green]ok[/]      {name}: {check(settings)}", soft_wrap=True)
        except CollectorError as error:
            failed = True
            console.print(f"[red]failed[/]  {name}: {error}", soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _settings_table(settings: Settings) -> Table:
    table = Table("setting", "value", "set by", "meaning")
    for key in known_keys():
        group, _, inner = key.partition(".")
        held = getattr(settings, group)
        owner, name = (held, inner) if inner else (settings, group)
        value = getattr(owner, name)
        default = type(owner).model_fields[name].default
        variable = PREFIX + key.upper().replace(".", "__")
        origin = variable if variable in os.environ else "" if value == default else "option or file"
        table.add_row(key, str(value), origin, type(owner).model_fields[name].description or "")
    return table


def _check_clickhouse(settings: Settings) -> str:
    url = settings.require_clickhouse_url()
    with connect(url) as client:
        require_migrated(client)
        return f"{ClickHouseUrl.parse(url).redacted} answers, version {client.server_version}, migrated"


def _check_keys(settings: Settings) -> str:
    good = [source for source in Registry.read(settings.registry_file).sources if source.revoked_at is None]
    return f"{len(good)} good in {settings.registry_file}" + ("" if good else "; make one with `parcours keys create`")


def _check_plan(settings: Settings) -> str:
    plan = read_plan(settings.plan)
    return "none" if plan is None else f"{len(plan.names)} touchpoints in {settings.plan}"
