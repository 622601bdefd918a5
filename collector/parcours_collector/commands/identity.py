"""`parcours identity`: what a project lets its identifiers do, and why two of them are one person."""

import re
from typing import Annotated, get_args

import typer
from rich.table import Table

from parcours_collector.atlas.identity import Identifier, Link
from parcours_collector.atlas.identity import why as chain_between
from parcours_collector.commands.options import ClickHouseUrlOption, DataOption
from parcours_collector.commands.person import UnknownPerson, at_rest
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.identity_policy import (
    CLASS_OF_KIND,
    IdentifierClass,
    KindPolicy,
    read_policy,
    write_policy,
)
from parcours_collector.warehouse.migrations import require_migrated
from parcours_schemas.identifiers import HASHED_KINDS

identity = typer.Typer(help="Who is who: the rules of a project for its identifiers.", no_args_is_help=True)

PolicyProjectOption = Annotated[str, typer.Option("--project", help="Whose rules.")]


class UnusablePolicy(OperatorError):
    """A rule that cannot be meant."""

    tag = "unusable_policy"
    remedy = "See `parcours identity set --help`."


@identity.command("set")
def set_policy(
    kind: Annotated[str, typer.Argument(help="Kind of identifier: user_id, email, …; '*' = all kinds together.")],
    identifier_class: Annotated[
        str | None, typer.Option("--class", help="strong, medium or weak. Default: what is usual for the kind.")
    ] = None,
    priority: Annotated[int, typer.Option(min=0, max=65_535, help="The least is heard first within a class.")] = 100,
    max_per_person: Annotated[
        int, typer.Option(min=0, help="Identifiers of the kind in a person; 0 = any number.")
    ] = 0,
    max_strong: Annotated[
        int, typer.Option(min=0, help="Seen with more strong identifiers it is shared and joins nobody; 0 = never.")
    ] = 0,
    block: Annotated[
        list[str] | None, typer.Option(help="A value that joins nobody: =value or a regular expression; repeatable.")
    ] = None,
    project: PolicyProjectOption = "default",
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Replace the rule of one kind. The next stitching judges all evidence of the project by it."""
    kept = HASHED_KINDS.get(kind, kind)
    said = identifier_class or CLASS_OF_KIND.get(kept, "medium")
    classes: dict[str, IdentifierClass] = {one: one for one in get_args(IdentifierClass)}
    if said not in classes:
        raise UnusablePolicy(f"There is no class '{said}': strong, medium or weak.")
    for pattern in block or ():
        if not pattern.startswith("="):
            try:
                re.compile(pattern)
            except re.error as error:
                raise UnusablePolicy(f"'{pattern}' is no regular expression: {error}.") from None
    policy = KindPolicy(kept, classes[said], priority, max_per_person, max_strong, tuple(block or ()))
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        write_policy(client, project, [policy])
    console.print(f"{kept} of {project}: set; heard at the next stitching")


@identity.command("list")
def list_policies(project: PolicyProjectOption = "default", clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Show the rules of a project."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        policies = read_policy(client, project)
    table = Table("kind", "class", "priority", "max per person", "max strong", "blocked")
    for one in policies:
        numbers = (str(one.priority), str(one.max_per_person or "-"), str(one.max_strong or "-"))
        table.add_row(one.kind, one.identifier_class, *numbers, " ".join(one.blocked))
    console.print(table)


@identity.command("why")
def why(
    one: Annotated[str, typer.Argument(metavar="KIND=VALUE", help="An identifier: user_id=u1, email=ada@example.com.")],
    other: Annotated[str, typer.Argument(metavar="KIND=VALUE", help="Another one.")],
    project: PolicyProjectOption = "default",
    data: DataOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Show the evidence by which two identifiers are one person: the shortest chain of touchpoints that carried both.

    Exit code 1: they are not one person. An e-mail address or phone number is hashed here, with the project's key.
    """
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    starts, ends = (at_rest(*_parted(said), project, settings) for said in (one, other))
    if starts == ends:
        raise UnknownPerson("Both are the same identifier.", remedy="Give two identifiers.")
    given = {**dict.fromkeys(starts, one), **dict.fromkeys(ends, other)}
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        chains = (chain_between(client, start, end, project=project) for start in starts for end in ends)
        chain = next((found for found in chains if found is not None), None)
    if chain is None:
        console.print(f"{one} and {other} are not one person of {project}.", markup=False)
        raise typer.Exit(1)
    console.print(one, markup=False)
    for link in chain:
        console.print(f"  {_said(link)}", markup=False, soft_wrap=True)
        console.print(given.get(link.other, "=".join(link.other)), markup=False, soft_wrap=True)


def _parted(said: str) -> Identifier:
    kind, equals, value = said.partition("=")
    if not (kind and equals and value):
        raise UnknownPerson(f"'{said}' is no identifier.", remedy="Write KIND=VALUE, as in user_id=u1.")
    return kind, value


def _said(link: Link) -> str:
    times = (
        f"{link.touchpoints} touchpoint{'' if link.touchpoints == 1 else 's'}" if link.touchpoints else "touchpoints"
    )
    first, last = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (link.first_seen_at, link.last_seen_at))
    span = first if first == last else f"{first} to {last}"
    rule = f"; {' and '.join(one or 'no rule' for one in link.classes)}" if any(link.classes) else ""
    return f"seen together in {times}, {span} UTC, by {', '.join(link.sources)}{rule}"
