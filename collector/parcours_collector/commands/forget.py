"""`parcours forget`: keep a person out, erase them everywhere, look whether anything is left, and sign the report."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from parcours_collector.commands.options import ClickHouseUrlOption, DataOption
from parcours_collector.commands.person import at_rest
from parcours_collector.commands.terminal import console, progress_bar
from parcours_collector.errors import OperatorError
from parcours_collector.forgetting.erasure import (
    TABLES,
    await_removal,
    clear_quarantine,
    empty_logs,
    erase,
    search,
)
from parcours_collector.forgetting.person import count_held, find_person
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.suppression import Suppressions, suppressed_forms
from parcours_collector.settings import Settings, load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.stitching import stitch

EXIT_SOMETHING_LEFT = 1
_STEPS = ("kept out", "log emptied", *TABLES, "old parts removed", "searched")


class WrongIdentifier(OperatorError):
    """What was asked for is no identifier."""

    tag = "wrong_identifier"
    remedy = "Write it as kind=value, such as loyalty_card=card-7 or email=zoe@example.com."


def forget(
    identifiers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KIND=VALUE…",
            help="By what the person is known: email=zoe@example.com, loyalty_card=card-7. '-' reads lines from "
            "standard input, so that they stay out of the shell's history.",
        ),
    ] = None,
    project: Annotated[str, typer.Option(help="Project that the person belongs to.")] = "default",
    only: Annotated[
        bool, typer.Option("--only", help="Forget these identifiers only, not the whole person that they belong to.")
    ] = False,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Keep an identifier out that nobody has been known by yet, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Where to write the signed report; forget-DATE.json in the data folder if not given."),
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(help="Check the signature of a report, and print what it says.")
    ] = None,
    wait_seconds: Annotated[
        float, typer.Option(min=1, help="How long the log may take to be delivered, and old parts to be removed.")
    ] = 300.0,
    data: DataOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Forget a person: keep their identifiers out from now on, then erase what is held of them, and prove it.

    First the identifiers go on the list of the suppressed, as keyed hashes: whatever comes of them later, from an SDK's
    spool, an import or a replay, is refused and not kept. Then everything of them goes: from the log, the dead letters,
    the touchpoints, the evidence and the quarantine. At last every text column and every file of the data folder is
    searched.
    The exit status is 0 when nothing was found, 1 when something was, 2 when it could not go on: run it again.
    """
    if verify is not None:
        from parcours_collector.forgetting.report import verify_report  # 8 MB that no other command needs

        said = verify_report(verify)
        console.print_json(data=said)
        return
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    asked = _asked(identifiers or [], project, settings)
    keys = Registry.read(settings.registry_file).identifier_keys.get(project)
    if keys is None:
        raise OperatorError(
            f"{settings.registry_file} holds no key of the project '{project}'.",
            remedy="Give the collector's data folder with --data.",
        )
    url = settings.require_clickhouse_url()
    asked_at = datetime.now(UTC)
    with connect(url) as client:
        require_migrated(client)
        stitch(client)
        person = find_person(client, project, asked, whole=not only, unseen=unseen)
        held = count_held(client, person)
        kinds = Table("identifiers")
        for counted in ("touchpoints", "dead letters", "evidence"):
            kinds.add_column(counted, justify="right")
        kinds.add_row(
            ", ".join(sorted({kind for kind, _ in person.identifiers})) + f" ({len(person.identifiers)})",
            *(f"{count:,}" for count in (held.touchpoints, held.dead_letters, held.identity_edges)),
        )
        console.print(kinds)
        if dry_run:
            return
        if not yes and not typer.confirm("Erase all of this? It cannot be undone."):
            raise typer.Exit(EXIT_SOMETHING_LEFT)
        forms = suppressed_forms(person.identifiers, project, keys.newest)
        with progress_bar() as bar:
            task = bar.add_task("forgetting", total=len(_STEPS))

            def done(step: str) -> None:
                bar.update(task, advance=1, description=step)

            Suppressions(settings.suppressions_file).add(forms, {kind for kind, _ in person.identifiers})
            done("kept out")
            empty_logs(settings.wal_folder, url, wait_seconds)
            done("log emptied")
            # What was in the log may have joined more identifiers to the person.
            stitch(client)
            person = find_person(client, project, asked, whole=not only, unseen=True)
            forms = suppressed_forms(person.identifiers, project, keys.newest)
            Suppressions(settings.suppressions_file).add(forms, {kind for kind, _ in person.identifiers})
            erased = erase(client, person, done)
            if only:
                stitch(client, full=True)
            quarantined = clear_quarantine(settings.wal_folder, person)
            parts_left = await_removal(client, wait_seconds)
            done("old parts removed")
            remains = search(client, person, settings.data)
            done("searched")
    finished_at = datetime.now(UTC)
    file = report or settings.data / f"forget-{finished_at:%Y%m%dT%H%M%SZ}.json"
    from parcours_collector.forgetting.report import KEY_FILE, write_report

    write_report(
        file,
        settings.data / KEY_FILE,
        project=project,
        suppressed=forms,
        asked_at=asked_at,
        finished_at=finished_at,
        erased=erased,
        quarantined_files=quarantined,
        remains=remains,
    )
    verdict = "FOUND" if remains.rows or remains.files else "found nothing"
    console.print(
        f"erased {erased.touchpoints:,} touchpoints, {erased.dead_letters:,} dead letters, "
        f"{erased.identity_edges:,} edges, {erased.identity_persons:,} identifiers; "
        f"searched {remains.searched_columns} columns and {remains.searched_files:,} files: {verdict}"
    )
    for where in (*remains.rows, *remains.files):
        console.print(f"  left in {where}")
    if parts_left:
        console.print(f"{parts_left} parts that were replaced are still on the disk: run the same command again later.")
    console.print(f"report: {file}", soft_wrap=True)
    if remains.rows or remains.files:
        raise typer.Exit(EXIT_SOMETHING_LEFT)


def _asked(given: list[str], project: str, settings: Settings) -> list[list[tuple[str, str]]]:
    lines = [line.strip() for one in given for line in (sys.stdin if one == "-" else [one])]
    asked = []
    for line in filter(None, lines):
        kind, found, value = line.partition("=")
        if not found or not kind or not value:
            raise WrongIdentifier("An identifier is neither of the form kind=value.")
        asked.append(at_rest(kind, value, project, settings))
    if not asked:
        raise WrongIdentifier("No identifier was given.")
    return asked
