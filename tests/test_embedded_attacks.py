"""No request can make the engine read or write a file of its host, or open a connection, however it is spelled."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.embedded_fixtures import Door, analyst, door, engine, read_statements

__all__ = ["analyst", "door", "engine"]

SECRET = "canary-6b1f0c9e"


@dataclass(frozen=True)
class Trap:
    """A file that must never be read, a path that must never appear, a port that must never be asked."""

    canary: Path
    target: Path
    listener: socket.socket

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def spell(self, sql: str) -> str:
        return (
            sql.replace("CANARY", str(self.canary)).replace("TARGET", str(self.target)).replace("PORT", str(self.port))
        )

    def assert_untouched(self, told: str) -> None:
        assert SECRET not in told
        left = [path for path in self.target.parent.iterdir() if path != self.canary]
        assert not left, f"written: {left}"
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    folder = tmp_path_factory.mktemp("host")
    canary = folder / "canary.csv"
    canary.write_text(f"{SECRET}\n")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    with listener:
        yield Trap(canary, folder / "target.csv", listener)


@pytest.fixture(scope="module", autouse=True)
def _tables(door: Door) -> None:
    for statement in (
        "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO t VALUES ('x')",
        "CREATE VIEW by_name AS SELECT * FROM t WHERE a = {name:String}",
    ):
        assert door.ask(statement).status == 200


REFUSED = (
    *read_statements("refused.sql"),
    "",
    "SELECT 1\0; SELECT 2",
    "\ufeffSELECT * FROM file('CANARY', 'LineAsString')",
    "SELECT\u00a0*\u2003FROM file('CANARY', 'LineAsString')",
    "SELECT * FROM \ufb01le('CANARY', 'LineAsString')",
)


@pytest.mark.parametrize("attack", REFUSED)
def test_a_statement_that_would_reach_the_host_is_refused(door: Door, trap: Trap, attack: str) -> None:
    answer = door.ask(trap.spell(attack))
    seen = door.ask("SELECT groupArray(a) FROM t").text
    trap.assert_untouched(answer.text + seen)
    assert answer.status >= 400, answer.text
    assert answer.code > 0
    assert answer.text.startswith(f"Code: {answer.code}. DB::Exception: ")
    assert door.ask("SELECT 1").text == "1\n"


@pytest.mark.parametrize(
    "name",
    [
        "file",
        "Template",
        "CANARY",
        "TARGET",
        "file('CANARY')",
        "SELECT file('CANARY') AS a",
        "file`('CANARY', 'LineAsString')",
        "x') INTO OUTFILE 'TARGET",
    ],
)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM {name:Identifier}",
        "SELECT {name:Identifier} FROM t",
        "DESCRIBE TABLE {name:Identifier}",
        "SELECT {name:String} AS x, * FROM by_name(name = {name:String})",
        "INSERT INTO {name:Identifier} FORMAT CSV\nx",
        "CREATE TABLE {name:Identifier} AS {name:Identifier}",
        "SELECT arrayMap({name:Identifier}, ['CANARY'])",
        "SELECT 1 FORMAT {name:Identifier}",
        "CREATE DICTIONARY f (a String) PRIMARY KEY a SOURCE(CLICKHOUSE(QUERY {name:String})) LAYOUT(DIRECT())",
        "CREATE DICTIONARY f (a String) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE {name:Identifier})) LAYOUT(DIRECT())",
    ],
)
def test_a_parameter_cannot_name_a_file(door: Door, trap: Trap, sql: str, name: str) -> None:
    spelled = trap.spell(name)
    answer = door.ask(trap.spell(sql), param_name=spelled)
    trap.assert_untouched(answer.text.replace(spelled, ""))


@pytest.mark.parametrize(
    ("params", "headers"),
    [
        ({"format_schema": "CANARY"}, {}),
        ({"format_template_row": "CANARY"}, {}),
        ({"input_format_record_errors_file_path": "TARGET"}, {}),
        ({"dialect": "kusto"}, {}),
        ({"readonly": "0"}, {}),
        ({"implicit_select": "1"}, {}),
        ({"input_format_values_interpret_expressions": "1"}, {}),
        ({"default_format": "Template"}, {}),
        ({"default_format": "ProtobufSingle"}, {}),
        ({}, {"X-ClickHouse-Format": "Template"}),
        ({"max_memory_usage": "0"}, {}),
        ({"nonsense": "1"}, {}),
        ({"role": "admin"}, {}),
        ({"database": "CANARY"}, {}),
        ({"session_id": "a", "readonly": "0"}, {}),
    ],
)
def test_a_url_cannot_loosen_the_engine(
    door: Door, trap: Trap, params: dict[str, str], headers: dict[str, str]
) -> None:
    answer = door.ask(
        'INSERT INTO t FORMAT CSV\n"x', headers=headers, **{name: trap.spell(value) for name, value in params.items()}
    )
    trap.assert_untouched(answer.text)
    assert answer.status >= 400, answer.text


def test_a_session_cannot_prepare_what_a_statement_may_not_do(door: Door, trap: Trap) -> None:
    for sql in (
        "SET dialect = 'kusto'",
        "SET format_schema_source = 'file'",
        "CREATE TEMPORARY TABLE f AS file('CANARY')",
        "SET param_name = 'CANARY'",
        "SELECT * FROM {name:Identifier}",
        "USE `CANARY`",
        "SELECT * FROM canary",
    ):
        trap.assert_untouched(door.ask(trap.spell(sql), session_id="prepared").text)


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE one", "DETACH TABLE one", "TRUNCATE TABLE one", "INSERT INTO one VALUES (1)", "RENAME TABLE one TO x"],
)
def test_the_current_database_does_not_open_the_engines_own(door: Door, sql: str) -> None:
    assert door.ask(sql, database="system").code == 497
    assert door.ask("USE system", session_id="inside").status == 200
    assert door.ask(sql, session_id="inside").code == 497
    assert door.rows("SELECT dummy FROM system.one") == ["0"]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("DROP DATABASE {name:Identifier}", "system"),
        ("DROP DATABASE {name:Identifier}", "default"),
        ("DETACH DATABASE {name:Identifier}", "default"),
        ("RENAME DATABASE {name:Identifier} TO x", "default"),
        ("DROP TABLE {name:Identifier}.one", "system"),
        ("DROP TABLE system.{name:Identifier}", "one"),
    ],
)
def test_a_parameter_cannot_name_what_belongs_to_the_engine(door: Door, sql: str, name: str) -> None:
    assert door.ask(sql, param_name=name).code == 497
    assert door.rows("SELECT dummy FROM system.one") == ["0"]


def test_a_user_defined_function_cannot_hide_what_it_calls(door: Door, trap: Trap) -> None:
    assert door.ask("CREATE FUNCTION harmless AS (x) -> upper(x)").status == 200
    assert door.ask("CREATE OR REPLACE FUNCTION harmless AS (x) -> file(x)").code == 497
    answer = door.ask(trap.spell("SELECT harmless('CANARY')"))
    assert answer.status == 200
    trap.assert_untouched(answer.text)


def test_a_view_made_of_views_reads_no_file(door: Door, trap: Trap) -> None:
    assert door.ask("CREATE VIEW outer_view AS SELECT * FROM inner_view").status == 200 or True
    assert door.ask(trap.spell("CREATE VIEW inner_view AS SELECT * FROM `CANARY`")).status >= 400
    trap.assert_untouched(door.ask("SELECT * FROM outer_view").text)


ATTACKS_TO_MUTATE = tuple(attack for attack in REFUSED if "CANARY" in attack or "TARGET" in attack)
PIECES = ("'", "`", '"', "(", ")", ";", "\\", "$$", "--", "/*", "*/", "{x:String}", " AS ", "\0", "💥")
JOINS = (" ", "; ", " UNION ALL ", " FORMAT CSV ")
SPACES = (" ", "\t", "\n", "/**/", "/* ' */", "-- x\n", "\u00a0", "  ")


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """An attack with changed case, spaces, comments, and pieces of other attacks."""
    text = draw(st.sampled_from(ATTACKS_TO_MUTATE))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        match draw(st.sampled_from(("case", "space", "cut", "insert", "join"))):
            case "case":
                end = min(len(text), at + 8)
                if "CANARY" not in text[max(0, at - 6) : end + 6] and "TARGET" not in text[max(0, at - 6) : end + 6]:
                    text = text[:at] + text[at:end].swapcase() + text[end:]
            case "space":
                text = text.replace(" ", draw(st.sampled_from(SPACES)), draw(st.integers(1, 3)))
            case "cut":
                text = text[:at] + text[at + draw(st.integers(1, 4)) :]
            case "insert":
                piece = draw(st.sampled_from(PIECES))
                text = text[:at] + piece + text[at:]
            case _:
                text = text + draw(st.sampled_from(JOINS)) + draw(st.sampled_from(ATTACKS_TO_MUTATE))
    return text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attack=mutated(), where=st.sampled_from(("body", "url", "both")))
def test_no_mutation_of_an_attack_reaches_the_host(door: Door, trap: Trap, attack: str, where: str) -> None:
    spelled = trap.spell(attack)
    half = len(spelled) // 2
    match where:
        case "body":
            answer = door.ask(spelled)
        case "url":
            answer = door.ask(b"", query=spelled)
        case _:
            answer = door.ask(spelled[half:], query=spelled[:half])
    trap.assert_untouched(answer.body.decode(errors="replace"))
    assert SECRET not in door.ask("SELECT groupArray(a) FROM t").text


def test_the_analyst_can_read(analyst: Door) -> None:
    assert analyst.rows("SELECT count() > 0 FROM t") == ["1"]
    assert analyst.rows("SELECT 1 SETTINGS max_threads = 1") == ["1"]
    assert analyst.rows("SELECT count() FROM by_name(name = 'x')", max_threads=1) == ["1"]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES ('y')",
        "INSERT INTO t FORMAT CSV\ny",
        "CREATE TABLE f (a String) ENGINE = Memory",
        "CREATE TEMPORARY TABLE f (a String)",
        "DROP TABLE t",
        "ALTER TABLE t DELETE WHERE 1",
        "TRUNCATE TABLE t",
        "OPTIMIZE TABLE t",
        "KILL QUERY WHERE 1",
        "SYSTEM FLUSH LOGS",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SET max_memory_usage = 0",
        "SELECT * FROM file('/etc/hostname')",
    ],
)
def test_the_analyst_cannot_write_or_loosen(analyst: Door, door: Door, sql: str) -> None:
    answer = analyst.ask(sql)
    assert answer.status >= 400, answer.text
    assert analyst.ask(sql, session_id="s").status >= 400
    assert analyst.ask("SELECT getSetting('readonly')", session_id="s").text == "2\n"
    assert door.rows("SELECT count() FROM t WHERE a = 'y'") == ["0"]


def test_get_only_reads(door: Door) -> None:
    assert door.ask(method="GET", query="SELECT 1").text == "1\n"
    refused = door.ask(method="GET", query="INSERT INTO t VALUES ('by get')")
    assert (refused.code, refused.status) == (164, 500)
    assert door.rows("SELECT count() FROM t WHERE a = 'by get'") == ["0"]
