"""`parcours network`: the network of touchpoints, where journeys are lost in it, and which ways convert."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from parcours_collector.atlas.names import refuse_unknown
from parcours_collector.atlas.network import Network, black_holes, bright_paths, knock_on, nodes
from parcours_collector.atlas.questions import transitions
from parcours_collector.commands.network_tables import (
    black_holes_table,
    bright_paths_table,
    knock_on_table,
    nodes_table,
)
from parcours_collector.commands.options import ClickHouseUrlOption, ProjectOption
from parcours_collector.commands.tables import transitions_table
from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.migrations import require_migrated


class NoJourney(OperatorError):
    """No journey that is over was found."""

    tag = "no_journey"
    remedy = "Look at --project, --from and --to; a journey is over when it converted or its gap has passed."


class UnknownNode(OperatorError):
    """A node is not what was said."""

    tag = "unknown_node"
    remedy = "A node is name, channel, name_channel, stage, source, place, properties.NAME or context.NAME."


class UnknownChange(OperatorError):
    """A change lacks its node or its instant."""

    tag = "unknown_change"
    remedy = "See `parcours network --help`."


def network(
    node: Annotated[
        str, typer.Option(help="What a node is: name, channel, name_channel, stage, source, place, properties.NAME, …")
    ] = "name",
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows of each table.")] = 10,
    with_value: Annotated[
        bool, typer.Option("--value", help="Weigh moves and what is lost by revenue too (slower).")
    ] = False,
    min_journeys: Annotated[int, typer.Option(min=1, help="Leave rarer paths out.")] = 10,
    max_length: Annotated[int, typer.Option(min=1, max=10, help="Of a path, in nodes.")] = 3,
    changed: Annotated[
        str | None, typer.Option(help="A node that was changed: what became of it, of the whole and of later nodes.")
    ] = None,
    changed_at: Annotated[datetime | None, typer.Option("--at", help="The UTC instant of the change.")] = None,
    next_node: Annotated[
        str | None, typer.Option("--next", help="With --changed: its success is coming to this node later.")
    ] = None,
    horizon_days: Annotated[float, typer.Option(min=0, help="How long after it began a journey may convert.")] = 30.0,
    from_at: Annotated[
        datetime | None, typer.Option("--from", help="Only journeys that began from this UTC instant on.")
    ] = None,
    to_at: Annotated[
        datetime | None, typer.Option("--to", help="Only journeys that began before this UTC instant.")
    ] = None,
    project: ProjectOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Show the network: its strongest transitions, what each node does for the whole, black holes and bright paths.

    Journeys that are over count, converted or lost; `parcours journeys` says what converts and when one is over. With
    --changed and --at: rates before and after a change, so that a local gain that harms what follows shows.
    """
    _refuse_unknown(node)
    if (changed is None) != (changed_at is None):
        raise UnknownChange("A change has a node and an instant: --changed NODE --at 2026-05-19.")
    settings = load_settings(clickhouse_url=clickhouse_url)
    asked = Network(node=node, project=project, from_at=from_at and _utc(from_at), to_at=to_at and _utc(to_at))
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        if changed is not None and changed_at is not None:
            if node == "name":
                refuse_unknown(client, [changed, *([next_node] if next_node else [])], project=project)
            effects = knock_on(
                client,
                changed,
                _utc(changed_at),
                asked,
                next_node=next_node,
                horizon_seconds=horizon_days * 86_400,
                limit=limit + 2,
            )
            console.print(knock_on_table(effects, next_node))
            return
        visited = nodes(client, asked, limit=limit)
        if not visited:
            raise NoJourney("There is no journey that is over.")
        moves = transitions(
            client,
            node=node,
            limit=limit,
            project=project,
            from_at=asked.from_at,
            to_at=asked.to_at,
            with_value=with_value,
        )
        holes = black_holes(client, asked, with_value=with_value, limit=limit)
        paths = bright_paths(client, asked, min_journeys=min_journeys, max_length=max_length, limit=limit)
    if moves:
        console.print(transitions_table(moves))
    console.print(nodes_table(visited))
    console.print(black_holes_table(holes, with_value=with_value))
    console.print(bright_paths_table(paths))


def _refuse_unknown(node: str) -> None:
    kind, dot, property_name = node.partition(".")
    known = kind in {"properties", "context"} and bool(property_name) if dot else kind in {
        "name", "channel", "name_channel", "stage", "source", "place",
    }  # fmt: skip
    if not known:
        raise UnknownNode(f"'{node}' is no kind of node.")


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)
