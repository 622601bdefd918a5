"""What the tests of import and replay share: the command as a process, files and maps, and questions to ClickHouse."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from clickhouse_connect.driver.client import Client

from .running import CollectorProcess, Sender, wait_until

REPOSITORY = Path(__file__).resolve().parents[1]
ECOM = REPOSITORY / "examples" / "ecom"

PLAIN_MAP = """
dataset = "visits"
name = { constant = "page_viewed" }
occurred_at = { column = "at", timezone = "UTC" }
[ids]
user_id = "user"
[properties]
title = "title"
"""


def environment_of(collector: CollectorProcess, sender: Sender) -> dict[str, str]:
    return {"PARCOURS_ENDPOINT": collector.endpoint, "PARCOURS_WRITE_KEY": sender.write_key}


def command(arguments: Sequence[str], environment: Mapping[str, str], **options: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return] # options are Popen's own
        [sys.executable, "-m", "parcours_collector", *arguments],
        env={**os.environ, **environment, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `parcours …`."""
    process = command(arguments, environment, cwd=cwd)
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def count(clickhouse: Client, project: str, what: str = "count()", table: str = "touchpoints_unique") -> int:
    [[number]] = clickhouse.query(
        f"SELECT {what} FROM {table} WHERE project = {{project:String}}", parameters={"project": project}
    ).result_rows
    return int(number)


def wait_for_rows(clickhouse: Client, project: str, rows: int, table: str = "touchpoints_unique") -> None:
    wait_until(lambda: count(clickhouse, project, table=table) >= rows)


def letters(clickhouse: Client, project: str) -> list[dict[str, object]]:
    return list(
        clickhouse.query(
            "SELECT line, code, path, detail, payload, origin, event_id, event_name, replayed_at "
            "FROM dead_letters FINAL WHERE project = {project:String} ORDER BY line, event_id",
            parameters={"project": project},
        ).named_results()
    )
