"""A project keeps for a time only: what is older goes everywhere, numbers follow, and others are left alone."""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.insert import INSERT_SETTINGS
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.project_rules import ProjectRules, read_rules, write_rules
from parcours_collector.warehouse.retention import delete_expired, expired, keeping_projects
from parcours_collector.warehouse.stitching import stitch
from tests.delivered import touchpoint
from tests.oracle import Touch
from tests.running import CollectorProcess, add_source, wait_until
from tests.touchpoint_rows import RECEIVED_AT, store

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def seen(days_ago: float, **ids: str) -> Touch:
    at = NOW - timedelta(days=days_ago)
    return Touch(
        uuid.uuid4(), "product_viewed", at, {kind: (value,) for kind, value in ids.items()}, "web", RECEIVED_AT
    )


def walks(client: Client, project: str) -> list[int]:
    """How many touchpoints each person has, by the journey index and by the table, which must agree."""
    parameters = {"project": project}
    indexed = client.query(
        "SELECT length(times) AS touchpoints FROM walks_indexed WHERE project = {project:String} ORDER BY touchpoints",
        parameters=parameters,
    ).result_rows
    counted = client.query(
        "SELECT count() AS touchpoints FROM touchpoints_unique WHERE project = {project:String} GROUP BY person_id "
        "ORDER BY touchpoints",
        parameters=parameters,
    ).result_rows
    assert indexed == counted
    return [int(row[0]) for row in counted]


def test_what_is_older_goes_with_its_evidence_and_others_stay(clickhouse_apart: Client, project: str) -> None:
    other = f"{project}-other"
    life = [
        seen(400, anonymous_id="phone"),
        seen(399, anonymous_id="phone", user_id="ada"),
        seen(300, user_id="ada"),
        seen(200, anonymous_id="phone"),
        seen(400, anonymous_id="bobs", loyalty_card="bob"),
        seen(10, anonymous_id="bobs", loyalty_card="bob"),
        seen(500, user_id="gone"),
    ]
    for name in (project, other):
        store(clickhouse_apart, name, life)
    stitch(clickhouse_apart)
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    letter = {"id": uuid.uuid4(), "project": project, "received_at": NOW - timedelta(days=400)}
    clickhouse_apart.insert("dead_letters", [list(letter.values())], column_names=list(letter))
    assert walks(clickhouse_apart, project) == [1, 2, 4]

    write_rules(clickhouse_apart, project, ProjectRules(keep_days=365))
    assert keeping_projects(clickhouse_apart)[project] == 365
    found = expired(clickhouse_apart, project, 365, now=NOW)
    assert (found.touchpoints, found.dead_letters, found.identity_edges) == (4, 1, 1)
    delete_expired(clickhouse_apart, found)
    # What joined the phone and ada is gone: two people again. Bob's evidence was seen since.
    assert walks(clickhouse_apart, project) == [1, 1, 1]
    assert walks(clickhouse_apart, other) == [1, 2, 4]
    assert expired(clickhouse_apart, project, 365, now=NOW).is_nothing
    for table in ("identity_persons", "dead_letters", "touchpoints"):
        found_rows = clickhouse_apart.query(
            f"SELECT toString(tuple(*)) FROM {table} WHERE project = {{project:String}}",
            parameters={"project": project},
        ).result_rows
        assert not [row for row in found_rows if "gone" in str(row)]

    # Again the same: nothing happens. What comes late is deleted by the next run.
    delete_expired(clickhouse_apart, expired(clickhouse_apart, project, 365, now=NOW))
    store(clickhouse_apart, project, [seen(450, user_id="late")])
    late = expired(clickhouse_apart, project, 365, now=NOW)
    assert late.touchpoints == 1
    delete_expired(clickhouse_apart, late)
    assert walks(clickhouse_apart, project) == [1, 1, 1]


def test_an_index_that_was_written_while_rows_were_deleted_is_mended(
    clickhouse_apart: Client, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(clickhouse_apart, project, [seen(400, user_id="ada"), seen(10, user_id="ada")])
    JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
    kind = type(clickhouse_apart)
    command = kind.command

    def deleting(client: Client, cmd: str, *arguments: Any, **more: Any) -> Any:
        if "touchpoints DELETE" in cmd:
            # The collector's own run: what was noted is in the index again, and noted no more.
            JourneyIndex(clickhouse_apart, linger_seconds=0).refresh()
        return command(client, cmd, *arguments, **more)

    monkeypatch.setattr(kind, "command", deleting)
    delete_expired(clickhouse_apart, expired(clickhouse_apart, project, 365, now=NOW))
    assert walks(clickhouse_apart, project) == [1]


def test_rules_of_a_project_stay_when_one_is_changed(clickhouse: Client, project: str) -> None:
    assert read_rules(clickhouse, project) == ProjectRules()
    rules = ProjectRules(60, 3600, "CHF", ("a", "b"), 30)
    write_rules(clickhouse, project, rules)
    assert read_rules(clickhouse, project) == ProjectRules(60, 3600, "CHF", ["a", "b"], 30)


def test_the_command_says_what_goes_and_a_running_collector_deletes_it(project: str, tmp_path: Path) -> None:
    # An engine of its own: a deletion goes through every part of its tables, and other tests leave many.
    with EngineProcess.start(tmp_path / "clickhouse") as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            _say_and_delete(engine.url, client, project, tmp_path)


def _say_and_delete(clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path) -> None:
    def parcours(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "parcours_collector", "retention", *arguments],
            env={**os.environ, "PARCOURS_CLICKHOUSE_URL": clickhouse_url, "COLUMNS": "150"},
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    def stored() -> int:
        ((count,),) = clickhouse.query(
            "SELECT count() FROM touchpoints WHERE project = {project:String}", parameters={"project": project}
        ).result_rows
        return int(count)

    old = datetime.now(UTC) - timedelta(days=40)
    row = touchpoint(project, occurred_at=old.strftime("%Y-%m-%dT%H:%M:%SZ"))
    clickhouse.raw_insert("touchpoints", insert_block=row, fmt="JSONEachRow", settings=dict(INSERT_SETTINGS))
    store(clickhouse, project, [seen(-5, user_id="new")])
    refused = parcours("apply", "--project", project)
    assert (refused.returncode, "keeps for ever" in refused.stderr) == (2, True)
    assert parcours("set", "30", "--project", project).stdout == f"{project}: kept for 30 days\n"
    assert project in parcours("show").stdout
    assert "would delete 1 touchpoints" in parcours("apply", "--project", project, "--dry-run").stdout
    assert stored() == 2
    add_source(tmp_path, "shop-web", project)
    with CollectorProcess(tmp_path, clickhouse_url, environment={"PARCOURS_RETENTION__INTERVAL_SECONDS": "0.2"}):
        wait_until(lambda: stored() == 1)
    assert "deleted 0 touchpoints" in parcours("apply", "--project", project).stdout
    assert parcours("set", "0", "--project", project).stdout == f"{project}: kept for ever\n"
    assert project not in keeping_projects(clickhouse)
