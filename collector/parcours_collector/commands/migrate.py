"""`parcours migrate`: bring ClickHouse to the tables and views of this version."""

from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.terminal import console
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.migrations import migrate as migrate_warehouse


def migrate(clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Create or update the database `parcours`: its tables, dictionaries and views. Safe to repeat."""
    settings = load_settings(clickhouse_url=clickhouse_url)
    report = migrate_warehouse(settings.require_clickhouse_url())
    for name in report.applied:
        console.print(f"applied {name}")
    console.print(f"{len(report.applied)} migrations applied, {len(report.views)} views made again")
