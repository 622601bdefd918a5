"""`parcours replay`: dead letters again, after what refused them was mended."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from parcours_collector.commands.address import EndpointOption, WriteKeyFileOption, read_address
from parcours_collector.commands.options import ClickHouseUrlOption, ProjectOption
from parcours_collector.commands.terminal import console, progress_bar, progress_console
from parcours_collector.errors import InvalidSettings
from parcours_collector.replaying.letters import Letters, Selection
from parcours_collector.replaying.run import Report, rehearse_replay, replay_letters
from parcours_collector.sending.answer import KeyOwner
from parcours_collector.sending.collector import Address, Collector
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated

EXIT_SOME_WAIT = 1
EXIT_INTERRUPTED = 130


def replay(
    code: Annotated[
        str | None, typer.Option(help="Only letters refused for this reason, such as unknown_touchpoint.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only touchpoints of this name.")] = None,
    source: Annotated[
        str | None, typer.Option(help="The source you mean: refuses to go on when the write key is another's.")
    ] = None,
    project: ProjectOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Letters to try at most.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    endpoint: EndpointOption = None,
    write_key_file: WriteKeyFileOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Send dead letters through the collector again, with the ids they had. Nothing is doubled.

    Letters belong to the source that sent them: those of the write key's source are replayed. The exit status is 0 when
    none of them waits any more, 1 when some do, 2 when the replay could not start or go on.
    """
    settings = load_settings(clickhouse_url=clickhouse_url)
    address = read_address(endpoint, write_key_file)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        try:
            waiting = asyncio.run(
                _replay(partial(Letters, client), address, code, name, source, project, limit, dry_run=dry_run)
            )
        except KeyboardInterrupt:
            progress_console.print("Interrupted. Run it again to go on; nothing is doubled.")
            raise typer.Exit(EXIT_INTERRUPTED) from None
    if waiting:
        raise typer.Exit(EXIT_SOME_WAIT)


async def _replay(
    letters_of: Callable[[Selection], Letters],
    address: Address,
    code: str | None,
    name: str | None,
    source: str | None,
    project: str | None,
    limit: int | None,
    *,
    dry_run: bool,
) -> int:
    async with Collector(address, tell=progress_console.print) as collector:
        owner = await collector.owner()
        _refuse_another(owner, source, project)
        letters = letters_of(Selection(owner.project, owner.source, code, name))
        count = await asyncio.to_thread(letters.count)
        if count.of_others:
            progress_console.print(
                f"{count.of_others:,} letters of other sources of {owner.project} wait too: "
                "replay them with their own write keys.",
                soft_wrap=True,
            )
        if dry_run:
            would_be_sent, report = await rehearse_replay(letters, limit=limit)
            for (its_code, its_name), number in sorted(would_be_sent.items()):
                console.print(f"{number:,} would be sent: {its_code} {its_name}", soft_wrap=True)
        else:
            with progress_bar() as bar:
                task = bar.add_task("replay", total=min(count.own, limit or count.own))
                report = await replay_letters(
                    letters, collector, limit=limit, on_batch=lambda tried: bar.update(task, completed=tried)
                )
        console.print(_summary(report))
    return report.waiting


def _refuse_another(owner: KeyOwner, source: str | None, project: str | None) -> None:
    if source not in {None, owner.source} or project not in {None, owner.project}:
        raise InvalidSettings(
            f"The write key is that of the source {owner.source} in the project {owner.project}.",
            remedy="Give the key of the source whose letters you mean: they are replayed as that source.",
        )


def _summary(report: Report) -> Table:
    table = Table(title="Replay", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("letters", justify="right")
    table.add_row("accepted", f"{report.accepted:,}")
    table.add_row("duplicate: were touchpoints already", f"{report.duplicate:,}")
    for code, number in sorted(report.refused.items()):
        table.add_row(f"still refused: {code} ({report.examples[code]})", f"{number:,}")
    for reason, number in sorted(report.not_replayable.items()):
        table.add_row(f"cannot be replayed: {reason}", f"{number:,}")
    return table
