"""`parcours doctor`: what is set, and what stands in the way."""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from parcours_collector.commands.checkup import Verdict, findings
from parcours_collector.commands.options import ClickHouseUrlOption, DataOption
from parcours_collector.commands.terminal import console
from parcours_collector.settings import PREFIX, Settings, known_keys, load_settings

_COLOURS: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "failed": "red"}


def doctor(
    data: DataOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks alone, as JSON.")] = False,
) -> None:
    """Print every setting with its meaning, then check what a collector stands on, and say what to do.

    Checked are the versions, ClickHouse and its tables, that a batch sent twice is stored once, both clocks, the
    joining of people, the disk and its fsync, the logs, the write keys and the tracking plan. Nothing is changed. The
    exit status is 1 if a check fails; a warning does not count.
    """
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    if not as_json:
        console.print(_settings_table(settings))
    found = findings(settings)
    if as_json:
        said = [{"check": name, **asdict(finding)} for name, finding in found]
        sys.stdout.write(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for name, finding in found:
            verdict = (f"{finding.verdict:<7}", _COLOURS[finding.verdict])
            console.print(Text.assemble(verdict, f"  {name}: {finding.said}"), soft_wrap=True)
            if finding.remedy:
                console.print(f"         {finding.remedy}", soft_wrap=True)
    if any(finding.verdict == "failed" for _, finding in found):
        raise typer.Exit(1)


def _settings_table(settings: Settings) -> Table:
    table = Table("setting", "value", "set by", "meaning")
    for key in known_keys():
        group, _, inner = key.partition(".")
        held = getattr(settings, group)
        owner, name = (held, inner) if inner else (settings, group)
        value = getattr(owner, name)
        default = type(owner).model_fields[name].default
        variable = PREFIX + key.upper().replace(".", "__")
        origin = variable if variable in os.environ else "" if value == default else "option or file"
        table.add_row(key, str(value), origin, type(owner).model_fields[name].description or "")
    return table
