"""Migrations: repeatable, checked, and clear about what is wrong."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.errors import MigrationChanged, WarehouseNotMigrated, WarehouseTooOld, WarehouseUnreachable
from parcours_collector.warehouse import client as warehouse_client
from parcours_collector.warehouse import migrations
from parcours_collector.warehouse.client import ClickHouseUrl, connect
from parcours_collector.warehouse.dictionaries import DICTIONARIES, make_dictionaries
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import VIEWS, migrate, require_migrated
from parcours_collector.warehouse.sql import migration_names, read_sql, statements
from parcours_schemas.catalogue import CATALOGUE


def test_migrating_again_applies_nothing_and_makes_the_views_again(clickhouse_url: str) -> None:
    report = migrate(clickhouse_url)
    assert report.applied == ()
    assert report.views == VIEWS


def test_every_view_file_is_applied() -> None:
    folder = Path(migrations.__file__).parent / "sql" / "views"
    assert sorted(file.stem for file in folder.iterdir()) == sorted(VIEWS)


def test_every_view_says_its_grain_and_what_it_does_not_count() -> None:
    for view in VIEWS:
        header = [line for line in read_sql(f"views/{view}").splitlines() if line.startswith("--")]
        assert any(line.startswith("-- Grain:") for line in header), view


def test_the_kinds_of_the_catalogue_are_known_to_the_warehouse(clickhouse: Client) -> None:
    rows = clickhouse.query("SELECT name, stage FROM touchpoint_kinds FINAL WHERE project = ''").result_rows
    known = dict(rows)  # type: ignore[arg-type]
    assert {name: known.get(name) for name in CATALOGUE} == {
        name: model.__touchpoint__.stage for name, model in CATALOGUE.items()
    }


def test_a_changed_migration_is_refused_by_name(clickhouse: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = migration_names()[0]

    def altered(name: str) -> str:
        return read_sql(name) + ("-- altered" if name == f"migrations/{first}" else "")

    monkeypatch.setattr(migrations, "read_sql", altered)
    with pytest.raises(MigrationChanged, match=first):
        require_migrated(clickhouse)


def test_a_database_without_tables_is_told_what_to_run(tmp_path: Path) -> None:
    with EngineProcess.start(tmp_path) as engine:
        with (
            connect(engine.url, database="default") as empty,
            pytest.raises(WarehouseNotMigrated, match="parcours migrate"),
        ):
            require_migrated(empty)
        with pytest.raises(WarehouseNotMigrated, match="parcours migrate"):
            connect(engine.url)
        migrate(engine.url)
        with connect(engine.url) as client:
            require_migrated(client)
            client.command("DELETE FROM schema_migrations WHERE name = '0003_create_project_settings'")
            with pytest.raises(WarehouseNotMigrated, match="0003_create_project_settings"):
                require_migrated(client)


def test_nobody_at_the_url_is_said_without_the_password() -> None:
    with pytest.raises(WarehouseUnreachable) as refused:
        connect("http://me:secret@127.0.0.1:1")
    assert "me@127.0.0.1:1" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_wrong_password_is_said_as_such(clickhouse_url: str) -> None:
    where = warehouse_client.ClickHouseUrl.parse(clickhouse_url)
    with pytest.raises(WarehouseUnreachable, match="user and the password"):
        connect(f"http://{where.username}:wrong@{where.host}:{where.port}")


def test_a_server_that_is_too_old_is_refused(clickhouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse_client, "OLDEST_SERVER", (99, 1))
    with pytest.raises(WarehouseTooOld, match=r"needs 99\.1 or newer"):
        connect(clickhouse_url)


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    assert statements("-- a; b\nSELECT ';' AS x;\n-- only a comment\n;\nSELECT 2") == (
        "-- a; b\nSELECT ';' AS x",
        "SELECT 2",
    )


class PasswordForDefault:
    """A client of a server whose `default` has a password: it loads no dictionary that names no user."""

    def __init__(self) -> None:
        self.created: dict[str, str] = {}

    def command(self, text: str, parameters: dict[str, str] | None = None) -> None:
        for name in DICTIONARIES:
            if f"DICTIONARY {name}\n" in text:
                self.created[name] = text % parameters if parameters and "password" in parameters else text
        name = (parameters or {}).get("name", "")
        if "RELOAD" in text and "USER" not in self.created[name]:
            raise DatabaseError("default: Authentication failed", code=516)


def test_a_dictionary_reads_as_the_migrating_user_where_default_has_a_password() -> None:
    server = PasswordForDefault()
    make_dictionaries(server, ClickHouseUrl.parse("http://me:secret@127.0.0.1:1"))  # type: ignore[arg-type] # a fault
    assert all("USER me PASSWORD secret" in server.created[name] for name in DICTIONARIES)


def test_every_dictionary_file_is_made() -> None:
    folder = Path(migrations.__file__).parent / "sql" / "dictionaries"
    assert sorted(file.stem for file in folder.iterdir()) == sorted(DICTIONARIES)
