"""`parcours schemas codegen`, and what its classes are for: a touchpoint that the collector takes."""

import importlib.util
import urllib.request
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from uuid import UUID

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner, Result

from parcours import Tracker
from parcours_collector.commands.schemas import schemas
from parcours_collector.errors import OperatorError
from parcours_schemas.plan import DIALECT
from tests.running import CollectorProcess, add_source, wait_until

TEST_DRIVE = {
    "$schema": DIALECT,
    "type": "object",
    "x-parcours": {
        "name": "test_drive_paid", "stage": "consideration", "need": "decide", "channel": "store",
        "conversion": True, "revenue_property": "deposit",
    },
    "properties": {
        "model": {"type": "string"},
        "class": {"enum": ["city", "estate"]},
        "day": {"type": "string", "format": "date"},
        "returned_at": {"type": "string", "format": "date-time"},
        "booking": {"type": "string", "format": "uuid"},
        "deposit": {"type": "string"},
        "currency": {"type": "string"},
        "drivers": {"type": "array", "items": {"type": "object", "properties": {"age": {"type": ["integer", "null"]}},
                                               "required": ["age"], "additionalProperties": False}},
    },
    "required": ["model"],
    "additionalProperties": False,
    "dependentRequired": {"deposit": ["currency"]},
}  # fmt: skip


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    folder = tmp_path / "plan"
    folder.mkdir()
    (folder / "drive.json").write_bytes(orjson.dumps(TEST_DRIVE))
    return folder


def codegen(*arguments: object) -> Result:
    return CliRunner().invoke(schemas, ["codegen", *map(str, arguments)])


def imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_check_passes_on_what_was_written_and_fails_as_soon_as_the_plan_says_otherwise(
    plan: Path, tmp_path: Path
) -> None:
    out = tmp_path / "my_touchpoints.py"
    absent = codegen(plan, "--out", out, "--check")
    assert (absent.exit_code, out.exists()) == (1, False)
    assert "is not there" in absent.output
    assert codegen(plan, "--out", out).exit_code == 0
    assert codegen(plan, "--out", out, "--check").exit_code == 0
    written = out.read_bytes()
    (plan / "drive.json").write_bytes(orjson.dumps(TEST_DRIVE | {"description": "Paid for."}))
    stale = codegen(plan, "--out", out, "--check")
    assert (stale.exit_code, out.read_bytes()) == (1, written)
    assert "is not what the plan says: run `parcours schemas codegen" in stale.output
    assert codegen(plan, "--out", out).exit_code == 0
    assert codegen(plan, "--out", out, "--check").exit_code == 0


def test_a_file_of_somebody_else_is_not_overwritten(plan: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.py"
    out.write_text("precious = True\n")
    error = codegen(plan, "--out", out).exception
    assert isinstance(error, OperatorError)
    assert "was not written by this command" in str(error)
    assert out.read_text() == "precious = True\n"


@pytest.mark.parametrize("content", [b"{}", b'{"type": "object"}'])
def test_a_plan_that_cannot_be_used_is_refused_by_file_and_writes_nothing(
    content: bytes, plan: Path, tmp_path: Path
) -> None:
    (plan / "broken.json").write_bytes(content)
    error = codegen(plan, "--out", tmp_path / "out.py").exception
    assert isinstance(error, OperatorError)
    assert "broken.json" in str(error)
    assert not (tmp_path / "out.py").exists()
    assert isinstance(codegen(tmp_path / "nowhere", "--out", tmp_path / "out.py").exception, OperatorError)


def test_a_collector_with_the_plan_takes_what_the_classes_emit(
    plan: Path, tmp_path: Path, clickhouse_url: str, clickhouse: Client, project: str
) -> None:
    out = tmp_path / "my_touchpoints.py"
    assert codegen(plan, "--out", out).exit_code == 0
    own = imported(out)
    data = tmp_path / "data"
    data.mkdir()
    sender = add_source(data, "showroom", project)
    environment = {"PARCOURS_PLAN": str(plan), "PARCOURS_HTTP__UNKNOWN_PROPERTIES": "reject"}
    drive = own.TestDrivePaid(
        model="roma",
        class_="estate",
        day=date(2026, 11, 21),
        returned_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        booking=UUID("0199a1b2-0000-7000-8000-000000000001"),
        deposit=Decimal("150.00"),
        currency="EUR",
        drivers=[own.TestDrivePaidDriversItem(age=None)],
    )
    with CollectorProcess(data, clickhouse_url, environment=environment) as collector:
        with Tracker(collector.endpoint, sender.write_key, plan=plan, strict=True) as tracker:
            tracker.emit(drive, loyalty_card="L-7")
            tracker.emit(own.TestDrivePaid(model="spider"), loyalty_card="L-7")
            assert tracker.flush(30)
            stats = tracker.stats()
        assert (stats.delivered, stats.lost) == (2, 0)
        stored = "SELECT properties, toString(revenue), currency FROM touchpoints WHERE project = {project:String} AND"
        stored += " JSONExtractString(properties::String, 'model') = 'roma'"

        def rows() -> list[tuple[str, str, str]]:
            return list(clickhouse.query(stored, parameters={"project": project}).result_rows)

        wait_until(lambda: bool(rows()))
        ((properties, revenue, currency),) = rows()
        with urllib.request.urlopen(f"{collector.endpoint}/metrics", timeout=10) as answer:
            assert b"parcours_warned_total{" not in answer.read()
    assert orjson.loads(properties) == drive.properties()
    assert (Decimal(revenue), currency) == (Decimal(150), "EUR")
    assert drive.properties()["drivers"] == [{"age": None}]
