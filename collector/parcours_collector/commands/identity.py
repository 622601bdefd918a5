"""`parcours identity`: what a project lets its identifiers do, and why two of them are one person."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, get_args

import typer
from clickhouse_connect.driver.client import Client
from rich.table import Table

from parcours_collector.atlas.identity import Identifier, Link, changes
from parcours_collector.atlas.identity import why as chain_between
from parcours_collector.commands.options import ClickHouseUrlOption, DataOption, ProjectOption
from parcours_collector.commands.person import UnknownPerson, at_rest
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.settings import Settings, load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.identity_cuts import cut, cuts, is_seen, take_back
from parcours_collector.warehouse.identity_policy import (
    CLASS_OF_KIND,
    RECOMMENDED,
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


class UnknownCut(OperatorError):
    """Nothing was cut there."""

    tag = "unknown_cut"
    remedy = "`parcours identity cuts` shows what is cut."


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
    window_seconds: Annotated[
        int,
        typer.Option(
            min=0,
            help="How long what happens on a shared one is of the person whose strong identifier was seen there; "
            "0 = while the session lasts.",
        ),
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
    policy = KindPolicy(kept, classes[said], priority, max_per_person, max_strong, window_seconds, tuple(block or ()))
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        write_policy(client, project, [policy])
    console.print(f"{kept} of {project}: set; heard at the next stitching")


@identity.command("recommend")
def recommend(project: PolicyProjectOption = "default", clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Set rules to begin with for the usual kinds, but for those that have one, and show all.

    One account a person, a few contacts, cards, addresses and numbers, any number of browsers and devices; what is seen
    with more than seven strong identifiers is shared and joins nobody. Without rules a project has no limits.
    """
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        ruled = {one.kind for one in read_policy(client, project)}
        missing = [one for one in RECOMMENDED if one.kind not in ruled]
        write_policy(client, project, missing)
        policies = read_policy(client, project)
    console.print(_table(policies))
    said = ", ".join(one.kind for one in missing)
    console.print(f"set for {project}: {said}; heard at the next stitching" if said else "nothing to set")


@identity.command("list")
def list_policies(project: PolicyProjectOption = "default", clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Show the rules of a project."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        policies = read_policy(client, project)
    console.print(_table(policies))


def _table(policies: Sequence[KindPolicy]) -> Table:
    table = Table("kind", "class", "priority", "max per person", "max strong", "window", "blocked")
    for one in policies:
        numbers = (str(one.priority), str(one.max_per_person or "-"), str(one.max_strong or "-"))
        window = f"{one.window_seconds:,} s" if one.window_seconds else "session" if one.max_strong else "-"
        table.add_row(one.kind, one.identifier_class, *numbers, window, " ".join(one.blocked))
    return table


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
        console.print(f"{one} and {other} are not one person of {project}.")
        raise typer.Exit(1)
    console.print(one)
    for link in chain:
        console.print(f"  {_said(link)}", soft_wrap=True)
        console.print(given.get(link.other, "=".join(link.other)), soft_wrap=True)


@identity.command("cut")
def cut_evidence(
    one: Annotated[str, typer.Argument(metavar="KIND=VALUE", help="An identifier: loyalty_card=card-7.")],
    other: Annotated[
        str | None, typer.Argument(metavar="KIND=VALUE", help="Another one; without it, all evidence of the first.")
    ] = None,
    why_cut: Annotated[str, typer.Option("--because", help="Kept beside the cut, for whoever wonders.")] = "",
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Cut also what nobody is known by yet, before it comes.")
    ] = False,
    project: PolicyProjectOption = "default",
    data: DataOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Unmerge: hear no evidence between two identifiers any more, or none of one. People follow at once.

    The evidence stays, and `parcours identity mend` takes the cut back. What other evidence joins stays joined:
    `parcours identity why` shows by what.
    """
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        first = _known(client, one, project, settings, unseen=unseen)
        second = None if other is None else _known(client, other, project, settings, unseen=unseen)
        run = cut(client, project, first, second, reason=why_cut)
        still = None if second is None else chain_between(client, first, second, project=project)
    console.print(f"cut: {run.moved} identifiers are of another person now")
    if still:
        console.print("They are one person still, by other evidence: `parcours identity why` shows it.")


@identity.command("mend")
def mend(
    one: Annotated[str, typer.Argument(metavar="KIND=VALUE", help="As it was cut.")],
    other: Annotated[str | None, typer.Argument(metavar="KIND=VALUE", help="As it was cut.")] = None,
    project: PolicyProjectOption = "default",
    data: DataOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Take a cut back: the evidence is heard again."""
    settings = load_settings(data=data, clickhouse_url=clickhouse_url)
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        first = _known(client, one, project, settings, unseen=True)
        second = None if other is None else _known(client, other, project, settings, unseen=True)
        told = {frozenset((each.one, each.other)) for each in cuts(client, project)}
        if frozenset((first, second)) not in told:
            raise UnknownCut("There is no such cut.")
        run = take_back(client, project, first, second)
    console.print(f"mended: {run.moved} identifiers are of another person now")


@identity.command("cuts")
def list_cuts(project: PolicyProjectOption = "default", clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Show the cuts of a project."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        told = cuts(client, project)
    table = Table("one", "other", "because", "when (UTC)")
    for each in told:
        other = "=".join(each.other) if each.other else "everything"
        table.add_row("=".join(each.one), other, each.reason, f"{each.changed_at:%Y-%m-%d %H:%M}")
    console.print(table)


@identity.command("diff")
def diff(
    from_at: Annotated[datetime, typer.Option("--from", help="A UTC instant.")],
    to_at: Annotated[datetime | None, typer.Option("--to", help="A later UTC instant; now if not given.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
    project: ProjectOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Show who became whom between two instants: what was merged and split, and how many touchpoints went along."""
    until = datetime.now(UTC) if to_at is None else to_at.replace(tzinfo=UTC)
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        told = changes(client, from_at.replace(tzinfo=UTC), until, project=project, limit=limit)
    table = Table("project", "person before", "person after", "change", "identifiers", "touchpoints")
    for row in told:
        numbers = (f"{row.identifiers:,}", f"{row.touchpoints:,}")
        table.add_row(row.project, str(row.person_before), str(row.person_after), row.change, *numbers)
    console.print(table)


def _known(client: Client, said: str, project: str, settings: Settings, *, unseen: bool) -> Identifier:
    """Return the form of an identifier that somebody is known by; else, if `unseen`, that under which it would be kept.

    Raises:
        UnknownPerson: Nobody is known by it, and `unseen` is false.
    """
    forms = at_rest(*_parted(said), project, settings)
    known = next((form for form in forms if is_seen(client, project, form)), None)
    if known is None and not unseen:
        raise UnknownPerson(
            f"Nobody of the project '{project}' is known by {said}.",
            remedy="Check the kind, the value and --project; --unseen cuts what has not come yet.",
        )
    return known or forms[0]


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
