"""The allow-lists cover the engine that is installed: what a new engine brings is refused until someone has read it."""

import pytest

from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.guard import names
from parcours_collector.warehouse.embedded.guard.canonical import called_names
from parcours_collector.warehouse.embedded.guard.settings import REVIEWED, SPEAKS_OF_THE_HOST, check_setting
from tests.embedded_fixtures import Door, door, engine

__all__ = ["door", "engine"]


def column(door: Door, sql: str) -> set[str]:
    return set(door.rows(sql))


def test_every_function_of_the_engine_has_been_reviewed(door: Door) -> None:
    functions = column(door, "SELECT lower(name) FROM system.functions WHERE NOT is_aggregate")
    assert functions - names.FUNCTIONS == names.REFUSED_FUNCTIONS
    assert not names.FUNCTIONS & names.REFUSED_FUNCTIONS
    assert column(door, "SELECT lower(name) FROM system.functions WHERE is_aggregate") <= names.AGGREGATES
    combinators = column(door, "SELECT lower(name) FROM system.aggregate_function_combinators WHERE NOT is_internal")
    assert combinators <= set(names.COMBINATORS)


@pytest.mark.parametrize(
    "name", ["sumif", "quantilestdigestarrayif", "uniqexactmergestate", "argmaxornull", "countdistinct"]
)
def test_aggregates_are_known_with_their_combinators(name: str) -> None:
    assert names.is_aggregate(name)


@pytest.mark.parametrize("name", ["file", "fileif", "if", "filearray", "", "sumfile"])
def test_other_names_are_no_aggregates(name: str) -> None:
    assert not names.is_aggregate(name)


def test_reviewed_settings_exist_and_would_be_refused_otherwise(door: Door) -> None:
    sql = "SELECT name FROM system.settings UNION ALL SELECT name FROM system.merge_tree_settings"
    known = column(door, sql)
    assert known >= REVIEWED
    assert all(SPEAKS_OF_THE_HOST.search(name) for name in REVIEWED)
    for name in REVIEWED:
        check_setting(name)


@pytest.mark.parametrize(
    "name",
    [
        *("format_schema", "format_template_row", "input_format_record_errors_file_path", "disk", "storage_policy"),
        *(
            "format_avro_schema_registry_url",
            "dialect",
            "polyglot_dialect",
            "s3_base",
            "url_base",
            "readonly",
            "log_comment",
        ),
        *("DIALECT", "rename_files_after_processing", "input_format_values_interpret_expressions", "table_disk"),
        *(
            "a_new_setting_with_a_path",
            "implicit_select",
            "allow_python_table_function",
            "remote_filesystem_read_method",
        ),
    ],
)
def test_settings_that_speak_of_the_host_are_refused(name: str) -> None:
    with pytest.raises(EngineError, match="cannot be changed"):
        check_setting(name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT file(1), `url` ('x')", {"file", "url"}),
        ("SELECT 'file(' AS a", set()),
        ("INSERT INTO file (a)", set()),
        ("INSERT INTO FUNCTION file('x')", {"file"}),
        ("CREATE TABLE default.file (a UInt8)", set()),
        ("SELECT a FROM t WHERE file IN (1)", {"in"}),
    ],
)
def test_called_names_are_read_from_canonical_text(text: str, found: set[str]) -> None:
    assert called_names(text) == found
