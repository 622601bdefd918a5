"""`parcours schemas`."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from parcours_collector.commands.schemas import schemas
from parcours_collector.errors import InvalidSettings, OperatorError
from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.export import export_catalogue
from parcours_schemas.plan import DIALECT

TEST_DRIVE: dict[str, Any] = {
    "$schema": DIALECT,
    "type": "object",
    "description": "Someone drove a car.",
    "x-parcours": {"name": "test_drive_taken", "stage": "consideration", "need": "decide", "channel": "store"},
    "properties": {"model": {"type": "string"}, "minutes": {"type": "integer", "minimum": 1}},
    "required": ["model"],
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(schemas, [str(argument) for argument in arguments])


def folder_of(path: Path, **documents: dict[str, Any]) -> Path:
    path.mkdir()
    for name, schema in documents.items():
        (path / f"{name}.json").write_bytes(orjson.dumps(schema))
    return path


def test_list_shows_every_touchpoint_with_its_stage() -> None:
    done = run("list")
    assert done.exit_code == 0
    assert all(name in done.output for name in CATALOGUE)
    assert f"{len(CATALOGUE)} touchpoints" in done.output


def test_list_can_be_narrowed_to_a_stage_and_a_channel() -> None:
    done = run("list", "--stage", "advocacy", "--channel", "social")
    assert "social_post_shared" in done.output
    assert "review_posted" not in done.output
    assert "\n1 touchpoints" in done.output


def test_list_and_show_know_the_touchpoints_of_a_plan(tmp_path: Path) -> None:
    plan = folder_of(tmp_path / "plan", test_drive=TEST_DRIVE)
    assert "test_drive_taken" in run("list", "--plan", plan).output
    shown = run("show", "test_drive_taken", "--plan", plan).output
    assert "Someone drove a car." in shown
    assert "whole number, 1 or more" in shown


def test_show_prints_properties_with_types_and_an_example() -> None:
    done = run("show", "order_completed")
    assert done.exit_code == 0
    for words in ("amount (decimal string or number)", "currency (ISO 4217)", "list of: object", "order_id"):
        assert words in done.output
    example = orjson.loads(done.output.partition("An example event:")[2])
    assert example["name"] == "order_completed"


def test_show_of_a_name_that_is_nearly_right_says_which_was_meant() -> None:
    error = run("show", "order_complete").exception
    assert isinstance(error, OperatorError)
    assert "did you mean order_completed" in str(error)


def test_export_writes_what_the_code_says_and_names_what_is_left_over(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gone.json").write_text("{}")
    done = run("export", tmp_path / "out")
    assert done.exit_code == 0
    written = {file.name: file.read_bytes() for file in (tmp_path / "out").glob("*.json") if file.name != "gone.json"}
    assert written == export_catalogue()
    assert "gone.json" in done.output


def test_check_of_one_folder_says_that_its_files_can_be_used(tmp_path: Path) -> None:
    done = run("check", folder_of(tmp_path / "plan", test_drive=TEST_DRIVE))
    assert (done.exit_code, done.output) == (0, "1 touchpoints can be used\n")


def test_check_of_the_export_of_the_catalogue_with_itself_passes(tmp_path: Path) -> None:
    run("export", tmp_path / "out")
    done = run("check", tmp_path / "out", tmp_path / "out")
    assert done.exit_code == 0
    assert f"{len(CATALOGUE)} touchpoints compared, 0 new, 0 refused" in done.output


@pytest.mark.parametrize(
    ("change", "version", "needed"),
    [
        ({"required": ["model", "minutes"]}, "1-0-0", "2-0-0"),
        ({"required": ["model", "minutes"]}, "1-1-0", "2-0-0"),
        ({"properties": {"model": {"type": "string"}}}, "1-0-1", "2-0-0"),
        ({"required": []}, "1-0-1", "1-1-0"),
        ({"properties": TEST_DRIVE["properties"] | {"trim": {"type": "string"}}}, "1-0-0", "1-0-1"),
        ({"x-parcours": TEST_DRIVE["x-parcours"] | {"stage": "purchase"}}, "1-0-0", "1-1-0"),
    ],
)
def test_check_refuses_a_change_that_is_greater_than_its_version_and_names_the_version(
    tmp_path: Path, change: dict[str, Any], version: str, needed: str
) -> None:
    old = folder_of(tmp_path / "old", test_drive=TEST_DRIVE)
    new_schema = TEST_DRIVE | change
    new_schema["x-parcours"] = new_schema["x-parcours"] | {"version": version}
    new = folder_of(tmp_path / "new", test_drive=new_schema)
    done = run("check", old, new)
    assert done.exit_code == 1
    assert f"it was 1-0-0 and is {version}: give it version {needed}" in done.output

    new_schema["x-parcours"] = new_schema["x-parcours"] | {"version": needed}
    assert run("check", old, folder_of(tmp_path / "newer", test_drive=new_schema)).exit_code == 0


def test_check_compares_touchpoints_and_not_file_names_and_refuses_one_that_is_gone(tmp_path: Path) -> None:
    old = folder_of(tmp_path / "old", test_drive=TEST_DRIVE)
    assert run("check", old, folder_of(tmp_path / "renamed", other_name=TEST_DRIVE)).exit_code == 0
    done = run("check", old, folder_of(tmp_path / "empty"))
    assert done.exit_code == 1
    assert "test_drive_taken: it is gone" in done.output


def test_check_names_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    error = run("check", folder_of(tmp_path / "plan", broken={"type": "object"})).exception
    assert isinstance(error, OperatorError)
    assert "broken.json" in str(error)
    missing = run("check", tmp_path / "nowhere").exception
    assert isinstance(missing, OperatorError)
    assert "is not a folder" in str(missing)


def test_a_plan_that_cannot_be_used_is_refused_as_a_setting(tmp_path: Path) -> None:
    assert isinstance(run("list", "--plan", tmp_path / "nowhere").exception, InvalidSettings)
