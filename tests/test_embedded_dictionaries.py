"""Dictionaries behind the embedded engine renew themselves within their lifetime, as a server's do."""

import json
import logging
import time
from collections.abc import Mapping

import pytest

from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.embedded.refreshing import DictionaryRefresh
from parcours_collector.warehouse.migrations import migrate
from tests.embedded_fixtures import Door, door, engine

__all__ = ["door", "engine"]


def wait_for(door: Door, sql: str, expected: str, seconds: float = 30.0) -> float:
    """Ask twenty times a second until the answer is the expected one; the seconds it took."""
    started = time.monotonic()
    while (rows := door.rows(sql)) != [expected]:
        assert time.monotonic() - started < seconds, f"{sql} is still {rows}"
        time.sleep(0.05)
    return time.monotonic() - started


def run(door: Door, *statements: str) -> None:
    for sql in statements:
        answer = door.ask(sql)
        assert answer.status == 200, answer.text


def test_a_projects_settings_are_seen_within_their_lifetime(engine: EngineProcess, door: Door) -> None:
    migrate(engine.url)
    currency = "SELECT dictGet('parcours.project_settings', 'currency', 'shop')"
    assert door.rows(currency) == ["EUR"]
    run(door, "INSERT INTO parcours.projects (project, currency) VALUES ('shop', 'CHF')")
    wait_for(door, currency, "CHF")
    longest = door.rows("SELECT lifetime_max FROM system.dictionaries WHERE name = 'project_settings'")
    assert longest == ["10"], "the wait above is bounded by this lifetime"


def test_a_dictionary_is_loaded_again_only_when_its_invalidate_query_answers_anew(door: Door) -> None:
    source = "QUERY 'SELECT 1 AS k, max(v) AS v FROM default.facts'"
    for name, more in (("quiet", "INVALIDATE_QUERY 'SELECT max(run) FROM default.runs'"), ("steady", "")):
        run(
            door,
            "CREATE TABLE IF NOT EXISTS facts (v UInt64) ENGINE = MergeTree ORDER BY v",
            "CREATE TABLE IF NOT EXISTS runs (run UInt64) ENGINE = MergeTree ORDER BY run",
            f"CREATE DICTIONARY {name} (k UInt64, v UInt64) PRIMARY KEY k SOURCE(CLICKHOUSE({source} {more})) "
            "LAYOUT(HASHED()) LIFETIME(MIN 1 MAX 1)",
            f"SYSTEM RELOAD DICTIONARY {name}",
        )
    quiet, steady = (f"SELECT dictGet('{name}', 'v', 1)" for name in ("quiet", "steady"))
    run(door, "INSERT INTO facts VALUES (1)", "INSERT INTO runs VALUES (1)")
    wait_for(door, quiet, "1")
    seen = [""]
    for value in (2, 3, 4, 5, 6):
        if value == 4:
            seen = door.rows(quiet)  # by now it has been loaded for run 1
        run(door, f"INSERT INTO facts VALUES ({value})")
        wait_for(door, steady, str(value))
    assert door.rows(quiet) == seen, "nobody has said that there is anything new"
    run(door, "INSERT INTO runs VALUES (2)")
    wait_for(door, quiet, "6")


def test_a_dictionary_without_a_lifetime_stays_as_it_is(door: Door) -> None:
    run(door, "CREATE TABLE src (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k", "INSERT INTO src VALUES (1, 1)")
    for name, lifetime in (("fixed", "LIFETIME(0)"), ("clock", "LIFETIME(1)")):
        run(
            door,
            f"CREATE DICTIONARY {name} (k UInt64, v UInt64) PRIMARY KEY k "
            "SOURCE(CLICKHOUSE(QUERY 'SELECT k, max(v) AS v FROM default.src GROUP BY k')) LAYOUT(HASHED()) "
            f"{lifetime}",
            f"SYSTEM RELOAD DICTIONARY {name}",
        )
    for value in (2, 3):
        run(door, f"INSERT INTO src VALUES (1, {value})")
        wait_for(door, "SELECT dictGet('clock', 'v', 1)", str(value))
    assert door.rows("SELECT dictGet('fixed', 'v', 1)") == ["1"]


class FaultyEngine:
    """Lists one dictionary that is due, and fails at its reload as long as `broken`."""

    def __init__(self) -> None:
        self.broken = True
        self.reloads = 0

    def ask(self, sql: str, params: Mapping[str, str] | None = None) -> str:
        if sql.startswith("SYSTEM RELOAD DICTIONARY `d`.`n`"):
            self.reloads += 1
            if self.broken:
                raise EngineError(60, "UNKNOWN_TABLE", "the table is gone")
            return ""
        if "system.dictionaries" in sql:
            return json.dumps(["d", "n", "u", 0, 0, 1, 100])
        return "{}"


def test_a_dictionary_that_fails_is_tried_again_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    faulty = FaultyEngine()
    refresh = DictionaryRefresh(faulty)  # type: ignore[arg-type]  # a fake for the fault
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            refresh.look()
        assert (faulty.reloads, len(caplog.records)) == (3, 1)
        faulty.broken = False
        refresh.look()
        faulty.broken = True
        refresh.look()
    assert (faulty.reloads, len(caplog.records)) == (5, 2)
