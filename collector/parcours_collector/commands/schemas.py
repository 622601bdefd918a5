"""`parcours schemas`: what touchpoints there are, what they hold, and whether a change of them is allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from parcours_collector.commands.codegen import codegen
from parcours_collector.commands.options import PlanOption
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.plans import read_plan
from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.compatibility import Change, ChangeKind, compatibility, declaration_changes, needed_version
from parcours_schemas.errors import InvalidPlan, MissingExtra
from parcours_schemas.example import example_event
from parcours_schemas.export import export_catalogue, touchpoint_schema
from parcours_schemas.plan import ANNOTATION, JsonSchema, compile_document, read_document
from parcours_schemas.refusal import near_names
from parcours_schemas.touchpoint import Declaration
from parcours_schemas.versions import SchemaVer

ENVELOPE_FILE = "envelope.json"
_FORMATS = {"date-time": "time (RFC 3339)", "date": "day (YYYY-MM-DD)"}
_WIDTH_WITHOUT_TERMINAL = 110

schemas = typer.Typer(
    help="Touchpoints: list and show them, check a change, export JSON Schema, write classes.", no_args_is_help=True
)
schemas.command()(codegen)


@schemas.command("list")
def list_touchpoints(
    plan: PlanOption = None,
    stage: Annotated[str | None, typer.Option(help="Only of this stage, such as consideration.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this channel, such as store.")] = None,
) -> None:
    """List the touchpoints of the catalogue, and of a tracking plan."""
    table = Table(title="Touchpoints", title_justify="left")
    for column in ("touchpoint", "stage", "channel", "need", "valence", "version", "converts"):
        table.add_column(column, no_wrap=column == "touchpoint")
    shown = 0
    for name, schema in _documents(plan).items():
        declared = read_document(name, orjson.dumps(schema))[1]
        if (stage is None or declared.stage == stage) and (channel is None or declared.channel == channel):
            shown += 1
            converts = "yes" if declared.conversion else ""
            table.add_row(
                name, declared.stage, declared.channel, declared.need, declared.valence, declared.version, converts
            )
    # A file or a pipe is not as narrow as the terminal that rich then assumes.
    console.print(table, width=None if console.is_terminal else _WIDTH_WITHOUT_TERMINAL)
    console.print(f"{shown} touchpoints")


@schemas.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of a touchpoint, such as order_completed.")],
    plan: PlanOption = None,
) -> None:
    """Show what a touchpoint declares, its properties, and an example event."""
    documents = _documents(plan)
    schema = documents.get(name)
    if schema is None:
        hint = near_names(name, documents) or "."
        raise OperatorError(f"There is no touchpoint {name!r}{hint}", remedy="`parcours schemas list` shows them all.")
    declared = read_document(name, orjson.dumps(schema))[1]
    console.print(Text.assemble((name, "bold"), f" {declared.version}: {schema.get('description', '')}"))
    console.print(
        f"stage {declared.stage}, channel {declared.channel}, need {declared.need}, valence {declared.valence}"
        + (f"; a conversion, its revenue in {declared.revenue_property}" if declared.conversion else "")
    )
    table = Table("property", "type", "required")
    required = set(schema.get("required", ()))
    for each, described in sorted(schema.get("properties", {}).items(), key=lambda item: item[0] not in required):
        table.add_row(each, in_words(described, schema), "yes" if each in required else "")
    console.print(table)
    console.print("An example event:")
    console.print_json(orjson.dumps(example_event(schema)).decode())


@schemas.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; made when it is not there.")],
) -> None:
    """Write the catalogue and the envelope as JSON Schema 2020-12, a file each."""
    documents = export_catalogue()
    folder.mkdir(parents=True, exist_ok=True)
    for filename, content in documents.items():
        (folder / filename).write_bytes(content)
    console.print(f"wrote {len(documents)} files to {folder}")
    for stale in sorted(file.name for file in folder.glob("*.json") if file.name not in documents):
        console.print(f"{stale} is of no touchpoint of the catalogue: remove it")


@schemas.command("check")
def check(
    old: Annotated[Path, typer.Argument(help="Folder of JSON Schema files; with a second one, how they were.")],
    new: Annotated[Path | None, typer.Argument(help="Folder of the same files, changed.", show_default=False)] = None,
) -> None:
    """Check that files can be used; with two folders, that no change is greater than its version says."""
    if new is None:
        files = _read_folder(old)
        console.print(f"{len(files)} touchpoints can be used")
        return
    before, after = _read_folder(old), _read_folder(new)
    refusals = 0
    for name, (old_schema, old_declared) in before.items():
        if name not in after:
            refusals += 1
            console.print(f"{name}: it is gone; keep its file, or all its events will be refused", style="red")
            continue
        new_schema, new_declared = after[name]
        refusals += _report(old_schema, old_declared, new_schema, new_declared)
    console.print(
        f"{len(before)} touchpoints compared, {len(after.keys() - before.keys())} new, {refusals} refused", style="bold"
    )
    if refusals:
        raise typer.Exit(1)


def in_words(schema: JsonSchema, document: JsonSchema) -> str:
    """Say what a property takes, in a few words."""
    if "$ref" in schema:
        return in_words(document["$defs"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        forms = [form for form in schema["anyOf"] if form.get("type") != "null"]
        if {form.get("type") for form in forms} == {"string", "number"}:
            return "amount (decimal string or number)"
        return " or ".join(in_words(form, document) for form in forms)
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    match schema.get("type"):
        case "string" if schema.get("pattern") == "^[A-Z]{3}$":
            return "currency (ISO 4217)"
        case "string" if "format" in schema:
            return _FORMATS.get(schema["format"], f"text ({schema['format']})")
        case "string":
            return f"text, at most {schema['maxLength']} characters" if "maxLength" in schema else "text"
        case "integer" | "number" as kind:
            word = "whole number" if kind == "integer" else "number"
            low, high = schema.get("minimum"), schema.get("maximum")
            if low is not None and high is not None and high < 2**31 - 1:
                return f"{word}, {low} to {high}"
            return word if low is None else f"{word}, {low} or more"
        case "array":
            return f"list of: {in_words(schema.get('items', {}), document)}"
        case "object":
            return f"object ({', '.join(schema.get('properties', {}))})"
        case "boolean":
            return "true or false"
        case other:
            return str(other or "anything")


def _documents(plan: Path | None) -> Mapping[str, JsonSchema]:
    catalogue = {name: touchpoint_schema(touchpoint) for name, touchpoint in CATALOGUE.items()}
    team = read_plan(plan)
    return catalogue if team is None else catalogue | dict(team.schemas)


def _read_folder(folder: Path) -> dict[str, tuple[JsonSchema, Declaration]]:
    """Documents by the name of their touchpoint."""
    found = {}
    try:
        for filename, content in sorted(_contents(folder).items()):
            if filename == ENVELOPE_FILE and ANNOTATION.encode() not in content:
                continue
            schema, declared = read_document(filename, content)
            compile_document(filename, schema)
            found[declared.name] = (schema, declared)
    except (InvalidPlan, MissingExtra) as error:
        raise OperatorError(f"{folder} cannot be used: {error}") from error
    return found


def _contents(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise OperatorError(f"{folder} is not a folder.", remedy="Give a folder of JSON Schema files.")
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.json"))}


def _report(
    old_schema: dict[str, Any],
    old: Declaration,
    new_schema: dict[str, Any],
    new: Declaration,
) -> int:
    """Print what is wrong with the version of a changed touchpoint; 1 when something is."""
    changes: list[Change] = [*compatibility(old_schema, new_schema), *declaration_changes(old, new)]
    was, given = SchemaVer.parse(old.version), SchemaVer.parse(new.version)
    needed = needed_version(was, changes)
    if given >= needed:
        return 0
    console.print(f"{old.name} changed more than its version says:", style="red")
    greatest = max((change.kind for change in changes), default=ChangeKind.ADDITION)
    for change in changes:
        if change.kind is greatest:
            console.print(f"  {change.path or '/'}: {change.what} ({change.kind.name.lower()})")
    console.print(f"  it was {was} and is {given}: give it version {needed}, or undo the change")
    return 1
