"""`parcours journeys`: what a project calls a journey: its gaps, its conversions, its stages."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from parcours_collector.atlas.names import refuse_unknown
from parcours_collector.commands.options import ClickHouseUrlOption
from parcours_collector.commands.tables import duration, plain_table
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.project_rules import (
    LONGEST_GAP_SECONDS,
    STAGES,
    Kind,
    read_kinds,
    read_rules,
    remove_kind,
    write_kind,
    write_rules,
)
from parcours_schemas.touchpoint import Need, Valence

journeys = typer.Typer(help="What a project calls a journey: gaps, conversions, stages.", no_args_is_help=True)

RulesProjectOption = Annotated[str, typer.Option("--project", help="Whose rules.")]


class UnusableRule(OperatorError):
    """A rule that cannot be meant."""

    tag = "unusable_rule"
    remedy = "See `parcours journeys set --help` and `parcours journeys kind --help`."


@journeys.command("set")
def set_rules(
    session_gap_minutes: Annotated[
        float | None, typer.Option(min=0, help="A longer silence on one channel family ends a session. First: 30.")
    ] = None,
    journey_gap_days: Annotated[
        float | None, typer.Option(min=0, help="A longer silence ends a journey. First: 30.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="What revenue is counted in, as EUR.")] = None,
    stages: Annotated[
        str | None,
        typer.Option(help="The stages in their order, separated by commas; '' = the catalogue's.", show_default=False),
    ] = None,
    project: RulesProjectOption = "default",
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Change what is given; all journeys of the project, past ones too, are cut by it at once."""
    if currency is not None and not (len(currency) == 3 and currency.isalpha() and currency.isupper()):
        raise UnusableRule(f"'{currency}' is no currency: three capital letters, as EUR.")
    for said, unit_seconds in ((session_gap_minutes, 60), (journey_gap_days, 86_400)):
        if said is not None and not 0 <= said * unit_seconds <= LONGEST_GAP_SECONDS:
            raise UnusableRule(
                f"A gap is at most {LONGEST_GAP_SECONDS // 86_400:,} days: that is longer than any life."
            )
    told = None if stages is None else [name.strip() for name in stages.split(",") if name.strip()]
    if told and len(set(told)) < len(told):
        raise UnusableRule("A stage stands twice in the order.")
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        rules = read_rules(client, project)
        given: dict[str, Any] = {
            "session_gap_seconds": None if session_gap_minutes is None else round(session_gap_minutes * 60),
            "journey_gap_seconds": None if journey_gap_days is None else round(journey_gap_days * 86_400),
            "currency": currency,
            "stages": told,
        }
        rules = replace(rules, **{name: value for name, value in given.items() if value is not None})
        write_rules(client, project, rules)
    console.print(f"{project}: {_said(rules.session_gap_seconds, rules.journey_gap_seconds, rules.currency)}")


@journeys.command("kind")
def set_kind(
    name: Annotated[str, typer.Argument(help="A touchpoint, as order_completed.")],
    conversion: Annotated[
        bool | None,
        typer.Option(
            "--conversion/--no-conversion", help="Whether it ends a journey as converted.", show_default=False
        ),
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Where in the journey it stands; any word.")] = None,
    need: Annotated[str | None, typer.Option(help="The need that it answers, as inform, decide, buy.")] = None,
    valence: Annotated[str | None, typer.Option(help="How it feels: pain, neutral or delight.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Let it mean again what the catalogue says.")] = False,
    project: RulesProjectOption = "default",
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Say what a touchpoint means to the project; what is not given stays. Past journeys are judged by it too."""
    for said, words in ((need, Need), (valence, Valence)):
        if said is not None and said not in set(words):
            raise UnusableRule(f"There is no '{said}': {', '.join(words)}.")
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        kinds = read_kinds(client, project)
        if name not in kinds:
            refuse_unknown(client, [name], project=project)
        if remove:
            remove_kind(client, project, name)
            console.print(f"{name} of {project}: as the catalogue says")
            return
        given: dict[str, Any] = {"conversion": conversion, "stage": stage, "need": need, "valence": valence}
        kind = replace(kinds.get(name, Kind(name)), **{key: value for key, value in given.items() if value is not None})
        write_kind(client, project, kind)
    ends = "ends a journey as converted" if kind.conversion else "ends no journey"
    console.print(f"{name} of {project}: {ends}; stage {kind.stage or '–'}, need {kind.need or '–'}")


@journeys.command("show")
def show(project: RulesProjectOption = "default", clickhouse_url: ClickHouseUrlOption = None) -> None:
    """Show the rules of a project: its gaps, its conversions, and what it has said of its touchpoints."""
    with connect(load_settings(clickhouse_url=clickhouse_url).require_clickhouse_url()) as client:
        require_migrated(client)
        rules, kinds = read_rules(client, project), read_kinds(client, project)
    console.print(_said(rules.session_gap_seconds, rules.journey_gap_seconds, rules.currency))
    console.print(f"stages: {' → '.join(rules.stages or STAGES)}")
    table = plain_table("Conversions, and what the project has said itself (*)")
    for column in ("touchpoint", "stage", "need", "valence", "conversion"):
        table.add_column(column)
    for kind in kinds.values():
        if kind.conversion or kind.is_own:
            mark = " *" if kind.is_own else ""
            table.add_row(f"{kind.name}{mark}", kind.stage, kind.need, kind.valence, "yes" if kind.conversion else "")
    console.print(table)


def _said(session_gap_seconds: int, journey_gap_seconds: int, currency: str) -> str:
    return (
        f"a session ends after {duration(session_gap_seconds)} of silence, a journey after "
        f"{duration(journey_gap_seconds)}; revenue in {currency}"
    )
