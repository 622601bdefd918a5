"""`parcours doctor`: it finds what is wrong, says what to do, and changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from tests.running import CollectorProcess, add_source

_OLD = 1_600_000_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine of its own: the tests here break its tables."""
    with EngineProcess.start(tmp_path_factory.mktemp("clickhouse")) as engine:
        migrate(engine.url)
        yield engine


def doctor(data: Path, url: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "parcours_collector", "doctor", "--data", str(data), "--json"],
        env={**os.environ, "PARCOURS_CLICKHOUSE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout, done.stderr
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)}


def tables(engine: EngineProcess) -> list[str]:
    with connect(engine.url) as client:
        return [str(name) for (name,) in client.query("SHOW TABLES FROM parcours").result_rows]


def test_a_healthy_collector_is_found_well_and_left_as_it_was(engine: EngineProcess, tmp_path: Path) -> None:
    add_source(tmp_path, "shop", "shop")
    before = tables(engine)
    with CollectorProcess(tmp_path, engine.url):
        status, found = doctor(tmp_path, engine.url)
    assert status == 0
    assert {one["verdict"] for one in found.values()} == {"ok"}, found
    assert "stored once" in found["counted once"]["said"]
    assert tables(engine) == before


def test_tables_that_ignore_tokens_are_found(engine: EngineProcess, tmp_path: Path) -> None:
    with connect(engine.url) as client:
        client.command("ALTER TABLE touchpoints MODIFY SETTING non_replicated_deduplication_window = 0")
        try:
            status, found = doctor(tmp_path, engine.url)
        finally:
            client.command("ALTER TABLE touchpoints MODIFY SETTING non_replicated_deduplication_window = 10000")
    assert (status, found["counted once"]["verdict"]) == (1, "failed")
    assert "is stored as 6" in found["counted once"]["said"]
    assert "non_replicated_deduplication_window" in found["counted once"]["remedy"]


def test_a_clickhouse_that_is_away_keeps_nothing_else_from_being_looked_at(tmp_path: Path) -> None:
    add_source(tmp_path, "shop", "shop")
    status, found = doctor(tmp_path, "http://default:secret-7@127.0.0.1:9")
    assert status == 1
    assert [name for name, one in found.items() if one["verdict"] == "failed"] == [
        "ClickHouse",
        "counted once",
        "clock",
        "people",
    ]
    assert "secret-7" not in json.dumps(found)
    assert found["disk"]["verdict"] == "ok"


def test_damage_an_orphan_and_an_open_file_of_keys_are_named(engine: EngineProcess, tmp_path: Path) -> None:
    add_source(tmp_path, "shop", "shop")
    (tmp_path / "registry.json").chmod(0o644)
    orphan = tmp_path / "wal" / "3"
    orphan.mkdir(parents=True)
    segment = orphan / "00000000000000000001.wal"
    segment.write_bytes(b"left")
    os.utime(segment, (_OLD, _OLD))
    status, found = doctor(tmp_path, engine.url)
    assert status == 0
    assert found["log"]["verdict"] == found["write keys"]["verdict"] == "warning"
    assert f"parcours drain {orphan}" in found["log"]["remedy"]
    assert "chmod 600" in found["write keys"]["remedy"]

    (orphan / "quarantine").mkdir()
    (orphan / "quarantine" / "one.damaged").write_bytes(b"x")
    status, found = doctor(tmp_path, engine.url)
    assert (status, found["log"]["verdict"]) == (1, "failed")
    assert "1 damaged" in found["log"]["said"]


def test_a_collector_without_keys_is_told_how_to_make_one(engine: EngineProcess, tmp_path: Path) -> None:
    status, found = doctor(tmp_path, engine.url)
    assert (status, found["write keys"]["verdict"]) == (0, "warning")
    assert "parcours keys create" in found["write keys"]["remedy"]
