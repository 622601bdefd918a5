"""`parcours import`: the rows of a file as touchpoints, through the collector."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from parcours_collector.commands.address import EndpointOption, WriteKeyFileOption, read_address
from parcours_collector.commands.options import DataOption, PlanOption
from parcours_collector.commands.terminal import byte_progress_bar, console, progress_console
from parcours_collector.importing.batches import MappedBatch, in_batches
from parcours_collector.importing.identity import Occurrences
from parcours_collector.importing.mapper import Mapper
from parcours_collector.importing.mapping import Mapping, check_columns, read_mapping
from parcours_collector.importing.progress import Fingerprint, Progress, ProgressFile
from parcours_collector.importing.rehearsal import rehearse
from parcours_collector.importing.rows import RowFile
from parcours_collector.importing.run import run_import
from parcours_collector.importing.tally import Tally
from parcours_collector.plans import read_plan
from parcours_collector.sending.collector import Address, Collector
from parcours_collector.settings import Settings, load_settings
from parcours_schemas.envelope import MAX_BATCH_EVENTS

EXIT_SOME_ROWS_MISSING = 1
EXIT_INTERRUPTED = 130


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or NDJSON, plain, gzip or zstd.", show_default=False)],
    map_file: Annotated[Path, typer.Option("--map", help="TOML file: which column becomes what.", show_default=False)],
    endpoint: EndpointOption = None,
    write_key_file: WriteKeyFileOption = None,
    batch_events: Annotated[int, typer.Option(min=1, max=MAX_BATCH_EVENTS, help="Rows sent at once.")] = 500,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Rows of the file to read at most.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Map and validate here, send nothing, show the first results.")
    ] = False,
    data: DataOption = None,
    plan: PlanOption = None,
) -> None:
    """Import a file. Run again it doubles nothing; interrupted and run again it goes on where it was.

    Rows that are no touchpoint are kept as dead letters with their line. The exit status is 0 when every row arrived, 1
    when some did not, 2 when the import could not start or go on. --plan is used by --dry-run only: else the collector
    validates.
    """
    settings = load_settings(data=data, plan=plan)
    mapping = read_mapping(map_file)
    job = _Job(
        file, map_file, mapping, ProgressFile.of(settings.data / "imports", file, map_file, mapping.dataset, limit)
    )
    address = None if dry_run else read_address(endpoint, write_key_file)
    with RowFile.open(file, mapping.format, mapping.csv) as rows, Occurrences() as occurrences:
        if rows.header is not None:
            check_columns(mapping, rows.header)
        mapper = Mapper(mapping, occurrences)

        def batches_after(line: int) -> Iterator[MappedBatch]:
            return in_batches(rows, mapper, after_line=line, max_rows=batch_events, limit=limit)

        tally = _rehearse(batches_after(0), settings) if address is None else _import(job, address, rows, batches_after)
    for one in tally.examples:
        where = f" {one.path}" if one.path else ""
        console.print(f"line {one.line}: {one.code}{where}: {one.detail}", soft_wrap=True)
    if not tally.all_arrived:
        raise typer.Exit(EXIT_SOME_ROWS_MISSING)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is imported, by what map, and where its progress is kept."""

    file: Path
    map_file: Path
    mapping: Mapping
    kept_in: ProgressFile


_BatchesAfter = Callable[[int], Iterator[MappedBatch]]


def _import(job: _Job, address: Address, rows: RowFile, batches_after: _BatchesAfter) -> Tally:
    started = time.monotonic()
    try:
        tally = asyncio.run(_send(job, address, rows, batches_after))
    except KeyboardInterrupt:
        progress_console.print("Interrupted. Run the same command again to go on where it was.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    console.print(_summary(tally, time.monotonic() - started))
    return tally


async def _send(job: _Job, address: Address, rows: RowFile, batches_after: _BatchesAfter) -> Tally:
    async with Collector(address, tell=progress_console.print) as collector:
        owner = await collector.owner()
        fingerprint = Fingerprint.of(
            job.file, job.map_file, endpoint=address.endpoint, source=f"{owner.project}/{owner.source}"
        )
        progress = _where_to_begin(job.kept_in.read(), fingerprint)
        progress_console.print(
            f"Importing {job.mapping.dataset} into the project {owner.project} as the source {owner.source}"
            + (f", going on after line {progress.line}." if progress.line else "."),
            soft_wrap=True,
        )
        with byte_progress_bar() as bar:
            task = bar.add_task(escape(job.file.name), total=rows.size_bytes)
            return await run_import(
                batches_after(progress.line),
                collector,
                progress=progress,
                kept_in=job.kept_in,
                on_batch=lambda: bar.update(task, completed=rows.bytes_read),
            )


def _where_to_begin(kept: Progress | None, fingerprint: Fingerprint) -> Progress:
    if kept is not None and kept.fingerprint == fingerprint:
        return kept
    if kept is not None:
        progress_console.print(
            "The file, the map or the collector changed since the interrupted import: beginning again. "
            "Nothing is doubled where the map gives the same touchpoints."
        )
    return Progress(tally=Tally(), fingerprint=fingerprint)


def _rehearse(batches: Iterator[MappedBatch], settings: Settings) -> Tally:
    result = rehearse(
        batches,
        plan=read_plan(settings.plan),
        unknown_names=settings.http.unknown_names,
        unknown_properties=settings.http.unknown_properties,
        phone_region=settings.http.phone_region,
    )
    for event in result.events:
        console.print(orjson.dumps(event, option=orjson.OPT_INDENT_2).decode(), soft_wrap=True)
    tally = result.tally
    console.print(
        f"{tally.rows:,} rows: {tally.accepted:,} valid, {sum(tally.rejected.values()):,} would be rejected, "
        f"{sum(tally.unmapped.values()):,} do not map, {tally.skipped:,} skipped. Nothing was sent.",
        soft_wrap=True,
    )
    return tally


def _summary(tally: Tally, seconds: float) -> Table:
    table = Table(title="Import", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("rows", justify="right")
    table.add_row("rows read", f"{tally.rows:,}")
    table.add_row("accepted", f"{tally.accepted:,}")
    table.add_row("duplicate", f"{tally.duplicate:,}")
    if tally.skipped:
        table.add_row("skipped by the map", f"{tally.skipped:,}")
    for code, count in sorted(tally.rejected.items()):
        table.add_row(f"rejected: {code}", f"{count:,}")
    for reason, count in tally.unmapped.items():
        table.add_row(f"unmapped: {reason}", f"{count:,}")
    if tally.letters_refused:
        table.add_row("of these not kept as dead letters", f"{tally.letters_refused:,}")
    table.add_row("seconds", f"{seconds:.1f}")
    return table
