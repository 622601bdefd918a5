"""`parcours person`: everything one person did, whatever one knows them by."""

import sys
from typing import Annotated

import typer

from parcours_collector.atlas.questions import person_timeline
from parcours_collector.commands.options import ClickHouseUrlOption, DataOption
from parcours_collector.commands.tables import timeline_table
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.intake.registry import Registry
from parcours_collector.settings import Settings, load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated
from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers import HASHED_KINDS, hash_identifier


class UnknownPerson(OperatorError):
    """Nobody is known by this identifier, or it is none."""

    tag = "unknown_person"
    remedy = "Check the kind and the value; `identity_persons` in ClickHouse holds every identifier that was seen."


def person(
    kind: Annotated[str, typer.Argument(help="What the identifier is: user_id, loyalty_card, email, phone, …")],
    value: Annotated[
        str,
        typer.Argument(
            help="The identifier; '-' reads it from standard input, so that it stays out of the shell's history."
        ),
    ] = "-",
    project: Annotated[str, typer.Option(help="Project that the person belongs to.")] = "default",
    data: DataOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Show everything that one person did, oldest first, on every channel and device.

    An e-mail address or phone number is hashed here with the project's key, which the data folder holds; it is sent
    nowhere.
    """
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    held = sys.stdin.readline().strip() if value == "-" else value
    forms = at_rest(kind, held, project, settings)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        found = (person_timeline(client, *form, project=project) for form in forms)
        entries = next(filter(None, found), ())
    if not entries:
        raise UnknownPerson(f"Nobody of the project '{project}' is known by this {kind}.")
    console.print(timeline_table(entries))


def at_rest(kind: str, value: str, project: str, settings: Settings) -> list[tuple[str, str]]:
    """Return the kinds and values under which an identifier may be kept: one a key there was, the newest first."""
    if kind not in HASHED_KINDS:
        return [(kind, value)]
    keys = Registry.read(settings.registry_file).identifier_keys.get(project)
    if keys is None:
        raise UnknownPerson(
            f"{settings.registry_file} holds no key of the project '{project}'.",
            remedy="Give the collector's data folder with --data.",
        )
    try:
        return [hash_identifier(kind, value, key, region=settings.http.phone_region) for key in keys.all]
    except InvalidIdentifier as error:
        raise UnknownPerson(f"This is no {kind}: {error}.", remedy="") from None
