"""The documents tell the truth: examples run and print what is shown, tables are complete, names and links exist."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
import typer.main
from clickhouse_connect.driver.client import Client

from parcours_collector.commands.root import app
from parcours_collector.settings import PREFIX, known_keys
from parcours_collector.warehouse.client import DATABASE
from parcours_collector.warehouse.migrations import VIEWS
from parcours_collector.warehouse.texts import view_text as whole_view_text
from parcours_schemas.envelope import WireTouchpoint
from parcours_schemas.identifiers import IdentifierKind
from parcours_schemas.touchpoint import Channel, Declaration, Need, Stage, Valence
from tests.documents import EXECUTED, ROOT, Workshop, agrees, fences, generated_names, text_of, with_tables, workshop

DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PARAMETER = re.compile(r"\{(\w+):(Nullable)?")
_COMMAND = typer.main.get_command(app)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One running `parcours up` for the examples of all pages."""
    with workshop(tmp_path_factory.mktemp("documents")) as running:
        yield running


@pytest.mark.parametrize("page", EXECUTED)
def test_the_examples_of_a_page_run_in_order_and_print_what_it_shows(page: str, shop: Workshop) -> None:
    for example, printed in shop.run_page(page):
        if example.shown is not None:
            assert agrees(example.shown.content, printed), f"{example.source.place} prints:\n{printed}"
        if example.source.language == "sql" and "SELECT" in example.source.content:
            assert printed.count("│") > 0, f"{example.source.place} returns no row"


@pytest.mark.parametrize("page", EXECUTED)
def test_an_example_is_run_or_says_why_not(page: str) -> None:
    for fence in fences(page):
        assert fence.mark in {"", "file", "not run"}, fence.place
        assert not fence.mark or len(fence.of) > 5, f"{fence.place}: {fence.mark} needs a reason or a path"
        assert fence.mark or fence.language in {"python", "sh", "sql", "text"}, fence.place
    assert len(fences(page)) == len(re.findall(r"^```\w", text_of(page), re.MULTILINE)), "a fence that is not read"


def test_a_result_may_stand_for_anything_with_an_ellipsis_and_for_nothing_else() -> None:
    assert agrees("a … c\nd\n", "\na b c  \nd")
    assert not agrees("a … c", "a b d")
    assert not agrees("a … c", "a b\n c")


@pytest.mark.parametrize("page", DOCUMENTS)
def test_the_generated_tables_of_a_page_are_as_the_code_says(page: str) -> None:
    text = text_of(page)
    assert with_tables(text) == text, "run `python -m tests.documents`"
    assert len(generated_names(text)) == text.count("<!-- generated: ")


def columns_of(client: Client, relation: str) -> set[str]:
    parameters = {name: bool(nullable) for name, nullable in _PARAMETER.findall(view_text(relation))}
    required = {
        "steps": "['a']" if "{steps:Array(String)}" in view_text(relation) else "'[\"a\"]'",
        "window_seconds": "1",
        "kind": "'a'",
        "value": "'a'",
        "date_from": "'2025-09-01'",
        "intervals": "1",
        "at": "now64(6)",
        "from_at": "now64(6)",
        "to_at": "now64(6)",
        "changed_node": "'a'",
        "changed_at": "'2025-09-01'",
        "r": """(SELECT r FROM funnel_asked(steps = '["a"]'))""",
    }
    given = ", ".join(f"{name} = {required[name]}" for name, nullable in parameters.items() if not nullable)
    asked = f"{relation}({given})" if parameters else relation
    return {name for name, *_ in client.query(f"DESCRIBE TABLE (SELECT * FROM {asked})").result_rows}


def view_text(relation: str) -> str:
    return whole_view_text(relation) if relation in VIEWS else ""


def sections(text: str) -> dict[str, str]:
    """The text below each heading that is one name in code."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {
        heading.strip("`"): body for heading, body in zip(parts[1::2], parts[2::2], strict=True) if heading[0] == "`"
    }


def named_in(body: str, header: str) -> dict[str, tuple[str, ...]]:
    """The names in the first cells of the tables with this first heading, each with the other cells of its row."""
    rows: dict[str, tuple[str, ...]] = {}
    for table in re.findall(rf"^\| {re.escape(header)} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", body, re.MULTILINE):
        for line in table.splitlines():
            first, *others = re.split(r"(?<!\\)\|", line.strip("|"))
            rows.update(dict.fromkeys(_CODE.findall(first), tuple(other.strip() for other in others)))
    return rows


def test_the_views_page_names_every_table_and_view(clickhouse: Client) -> None:
    text = text_of("docs/views.md")
    there = {name for (name,) in clickhouse.query(f"SELECT name FROM system.tables WHERE database = '{DATABASE}'")
             .result_rows}  # fmt: skip
    described = set(sections(text))
    assert set(VIEWS) <= described
    assert described <= there
    assert not {name for name in there if f"`{name}`" not in text}


@pytest.mark.parametrize("relation", list(sections(text_of("docs/views.md"))))
def test_the_views_page_names_every_column_and_parameter_and_no_other(relation: str, clickhouse: Client) -> None:
    body = sections(text_of("docs/views.md"))[relation]
    stored = {
        name
        for (name,) in clickhouse.query(
            "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}",
            parameters={"database": DATABASE, "table": relation},
        ).result_rows
    }
    assert set(named_in(body, "column")) == (columns_of(clickhouse, relation) if relation in VIEWS else stored)
    parameters = {name: not nullable for name, nullable in _PARAMETER.findall(view_text(relation))}
    described = {name: others[0] == "required" for name, others in named_in(body, "parameter").items()}
    assert described == parameters


def test_the_operations_page_names_every_metric(shop: Workshop) -> None:
    there = set(re.findall(r"^# TYPE (\w+) (\w+)$", shop.exposition(), re.MULTILINE))
    described = {(name, others[0]) for name, others in named_in(text_of("docs/operations.md"), "metric").items()}
    assert described == there


def test_the_collector_page_names_every_field_of_a_touchpoint() -> None:
    described = named_in(text_of("docs/collector.md"), "field")
    assert set(described) == set(WireTouchpoint.__annotations__)
    assert {name for name, others in described.items() if others[0]} == set(WireTouchpoint.__required_keys__)


def test_the_schemas_page_names_what_a_touchpoint_declares_and_the_known_identifiers() -> None:
    text = text_of("docs/schemas.md")
    declared = named_in(text, "field")
    assert set(declared) == {field.name for field in fields(Declaration)}
    for name, values in (("stage", Stage), ("need", Need), ("valence", Valence)):
        assert set(_CODE.findall(declared[name][0])) == set(values)
    assert set(named_in(text, "kind")) == set(IdentifierKind)
    assert not [channel for channel in Channel if f"| {channel} |" not in text]


@pytest.mark.parametrize("page", DOCUMENTS)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    for target in _LINK.findall(_FENCED.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(file), f"{page}: {target}"


def anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", file.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


COMMANDS = dict(commands(_COMMAND))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_says_what_a_command_and_each_option_is_for(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert not [each.name for each in command.params if not getattr(each, "help", None)]


def written_commands(text: str) -> Iterator[list[str]]:
    """Every `parcours …` that a page names, in code and in fences of shell, as words."""
    in_shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    for code in (*_CODE.findall(_FENCED.sub("", text)), *in_shell.splitlines()):
        for words in re.findall(r"(?:^|\s|\|)parcours ([^|&;#>]*)", code):
            yield words.split()


@pytest.mark.parametrize("page", DOCUMENTS)
def test_a_page_names_no_command_and_no_option_that_is_not_there(page: str) -> None:
    for words in written_commands(text_of(page)):
        path: tuple[str, ...] = ()
        for word in words:
            if (*path, word) in COMMANDS:
                path = (*path, word)
            elif not path or hasattr(COMMANDS[path], "commands"):
                assert word.startswith(("-", "COMMAND")), f"{page}: parcours {' '.join(words)}"
        known = {option for each in COMMANDS[path].params for option in each.opts} | {"--help", "-h"}
        named = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert named <= known, f"{page}: parcours {' '.join(words)}"


def test_the_collector_page_names_every_option_of_the_embedded_engine() -> None:
    described = named_in(text_of("docs/collector.md"), "option of `parcours clickhouse`")
    assert set(described) == {option for each in COMMANDS["clickhouse",].params for option in each.opts}


@pytest.mark.parametrize("page", DOCUMENTS)
def test_a_page_names_no_variable_that_is_not_there(page: str) -> None:
    known = {PREFIX + key.upper().replace(".", "__") for key in known_keys()}
    known |= {f"{PREFIX}{name}" for name in ("CONFIG", "ENDPOINT", "WRITE_KEY", "DISABLED", "IDENTIFIER_KEY", "SPOOL")}
    known |= {f"{PREFIX}CLICKHOUSE_ANALYST_URL"}  # in clickhouse.env
    # A mistake that is shown, and a setting of Django's.
    others = {"docs/collector.md": {"PARCOURS_WAL_SEGMENT_BYTES"}, "docs/integrations.md": {"PARCOURS_TRACKING"}}
    assert set(re.findall(r"PARCOURS_[A-Z_]*[A-Z]", text_of(page))) <= known | others.get(page, set())
