"""A visit to a shop, from a worker of gunicorn through the real collector into ClickHouse: counted once, one person."""

import sys
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.integration_apps.serving import Door, serving
from tests.running import CollectorProcess, add_source, wait_until

pytest.importorskip("flask", reason="needs flask: install the dev extra")
pytest.importorskip("gunicorn", reason="needs gunicorn: install the dev extra")
COMMAND = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--preload", "--workers", "2")
ROWS = "SELECT count() FROM touchpoints WHERE project = {project:String}"
VISITS = """
    SELECT name, ids['user_id'], JSONExtractString(toString(context), 'campaign', 'source'),
        consent['analytics'], length(ids['anonymous_id'])
    FROM touchpoints FINAL WHERE project = {project:String} ORDER BY name, occurred_at
"""


def test_what_workers_emit_stands_in_the_warehouse_once(
    tmp_path: Path, clickhouse_url: str, clickhouse: Client, project: str
) -> None:
    sender = add_source(tmp_path, "shop-web", project)
    with CollectorProcess(tmp_path, clickhouse_url) as collector:
        door = Door(collector.endpoint, sender.write_key)
        with serving((*COMMAND, "tests.integration_apps.flask_shop:app"), door) as server:
            first = server.get("/products/tv-55?utm_source=news", X_Consent="yes")
            cookie = first.cookies[0].partition(";")[0]
            server.get("/products/radio", X_Consent="yes", X_User="u1", Cookie=cookie)
            server.end()
        wait_until(lambda: clickhouse.query(ROWS, {"project": project}).first_row[0] >= 4)
        rows = clickhouse.query(VISITS, {"project": project}).result_rows
    assert [tuple(row) for row in rows] == [
        ("page_viewed", [], "news", True, 1),
        ("page_viewed", ["u1"], "", True, 1),
        ("product_viewed", [], "news", True, 1),
        ("product_viewed", ["u1"], "", True, 1),
    ]
