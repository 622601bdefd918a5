"""Bring a ClickHouse to the tables and views of this version, and tell when it is not there.

Migrations are numbered files that only go forward; the checksum of each is recorded, and a file that changed afterwards
is refused. Dictionaries and views hold no data of their own: they are made again at every run.
"""

import hashlib
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.errors import MigrationChanged, WarehouseNotMigrated
from parcours_collector.warehouse.client import DATABASE, ClickHouseUrl, connect
from parcours_collector.warehouse.dictionaries import make_dictionaries
from parcours_collector.warehouse.hot_columns import recorded_columns, with_columns
from parcours_collector.warehouse.kinds import write_catalogue
from parcours_collector.warehouse.sql import migration_names, read_sql, statements
from parcours_collector.warehouse.texts import view_text

VIEWS = (
    "identity_blocked",
    "identity_apart",
    "identity_refused",
    "identity_evidence",
    "identity_as_of",
    "identity_changes",
    "touchpoints_unique",
    "walks_checked",
    "walks_indexed",
    "touchpoints_resolved",
    "journeys",
    "person_timeline",
    "moves_checked",
    "transitions_walked",
    "transitions_kept",
    "transitions",
    "nodes_known",
    "journeys_numbered",
    "node_walks",
    "walk_transitions",
    "path_walks",
    "path_links",
    "path_steps",
    "paths",
    "retention",
    "nodes",
    "black_holes",
    "bright_paths",
    "knock_on",
    "stage_moves",
    "funnel_people",
    "funnel",
    "funnel_weekly",
    "funnel_sampled",
    "funnel_rules",
    "funnel_asked",
    "funnel_walks_told",
    "funnel_folded",
    "funnel_walked",
    "funnel_walks_indexed",
    "funnel_walks_looked",
    "funnel_walks_cut",
    "funnel_walks_alike",
    "funnel_stepped",
    "funnel_attempts",
    "funnel_counted",
    "funnel_walks_told_alike",
    "funnel_alike_counted",
    "funnel_stepped_counted",
    "funnel_by_rules",
    "funnel_times_counted",
    "funnel_conversion_times",
)
"""Every view, each after those it reads."""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a run changed: the migrations it applied (none when all were there) and the views it made again."""

    applied: tuple[str, ...]
    views: tuple[str, ...]


def migrate(url: str) -> MigrationReport:
    """Create or update the database `parcours`. Repeating it changes nothing.

    Raises:
        MigrationChanged: An applied migration's file is no longer what it was.
        WarehouseUnreachable, WarehouseTooOld: As `client.connect`.
    """
    with connect(url, database="default") as first:
        first.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    with connect(url) as client:
        for statement in statements(read_sql("schema_migrations")):
            client.command(statement)
        recorded = _recorded_checksums(client)
        _refuse_changed(recorded)
        applied = tuple(name for name in migration_names() if name not in recorded)
        for name in applied:
            for statement in statements(read_sql(f"migrations/{name}")):
                client.command(statement)
            client.command(read_sql("record_migration"), parameters={"name": name, "sha256": _checksum(name)})
        make_dictionaries(client, ClickHouseUrl.parse(url))
        write_catalogue(client)
        make_columns_and_views(client)
    return MigrationReport(applied=applied, views=VIEWS)


def make_columns_and_views(client: Client) -> None:
    """Make the hot columns that are wanted, then all views with them, then remove the columns that no longer are."""
    recorded = recorded_columns(client)
    wanted = tuple(one.column for one in recorded if one.is_wanted)
    for column in wanted:
        client.command(column.add)
    for view in VIEWS:
        client.command(with_columns(view_text(view), wanted))
    for one in recorded:
        if not one.is_wanted:
            client.command(one.column.drop)


def require_migrated(client: Client) -> None:
    """Raise WarehouseNotMigrated or MigrationChanged unless the database is what this version expects."""
    try:
        recorded = _recorded_checksums(client)
    except ClickHouseError as error:
        raise WarehouseNotMigrated(f"The database {DATABASE} has no tables of Parcours yet.") from error
    _refuse_changed(recorded)
    missing = [name for name in migration_names() if name not in recorded]
    if missing:
        raise WarehouseNotMigrated(f"The database {DATABASE} lacks the migrations {', '.join(missing)}.")


def _recorded_checksums(client: Client) -> dict[str, str]:
    rows = client.query(read_sql("recorded_migrations")).result_rows
    return {str(row[0]): str(row[1]) for row in rows}


def _refuse_changed(recorded: dict[str, str]) -> None:
    changed = [name for name in migration_names() if recorded.get(name, _checksum(name)) != _checksum(name)]
    if changed:
        raise MigrationChanged(f"The migration {changed[0]}.sql is not the file that was applied to {DATABASE}.")


def _checksum(name: str) -> str:
    return hashlib.sha256(read_sql(f"migrations/{name}").encode()).hexdigest()
