"""The example of docs/import.md, run as it stands there."""

import json
import re
from pathlib import Path

from clickhouse_connect.driver.client import Client

from .importing_rig import REPOSITORY, environment_of, letters, run, wait_for_rows
from .running import CollectorProcess, add_source


def block(language: str) -> str:
    text = (REPOSITORY / "docs" / "import.md").read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_the_documentation_does_what_it_says(
    tmp_path: Path, clickhouse: Client, clickhouse_url: str, project: str
) -> None:
    (tmp_path / "orders.csv").write_text(block("csv"), encoding="utf-8")
    (tmp_path / "orders.toml").write_text(block("toml"), encoding="utf-8")
    arguments = ["import", "orders.csv", "--map", "orders.toml"]
    status, out, _ = run([*arguments, "--dry-run"], {}, cwd=tmp_path)
    assert status == 1
    assert "3 rows: 2 valid, 0 would be rejected, 1 do not map" in out
    sender = add_source(tmp_path, "till", project)
    with CollectorProcess(tmp_path, clickhouse_url) as collector:
        status, out, err = run(arguments, environment_of(collector, sender), cwd=tmp_path)
        assert status == 1, err
        wait_for_rows(clickhouse, project, 2)
        wait_for_rows(clickhouse, project, 1, table="dead_letters FINAL")
    stored = list(
        clickhouse.query(
            "SELECT name, channel, toString(occurred_at) AS at, ids, properties, context, revenue, currency "
            "FROM touchpoints_unique WHERE project = {project:String} ORDER BY occurred_at",
            parameters={"project": project},
        ).named_results()
    )
    assert [(row["name"], row["channel"], row["at"]) for row in stored] == [
        ("order_completed", "store", "2024-11-21 09:05:00.000"),
        ("order_completed", "store", "2024-11-21 09:09:00.000"),
    ]
    assert [sorted(row["ids"]) for row in stored] == [["email_sha256", "user_id"], ["user_id"]]
    assert json.loads(stored[0]["properties"]) == {"order_id": "1001", "total": "79.90", "currency": "EUR"}
    assert json.loads(stored[0]["context"])["store_id"] == "paris"
    assert (str(stored[0]["revenue"]), stored[0]["currency"]) == ("79.9000", "EUR")
    [letter] = letters(clickhouse, project)
    assert (letter["line"], letter["path"], letter["code"]) == (4, "/placed", "unmapped_row")
