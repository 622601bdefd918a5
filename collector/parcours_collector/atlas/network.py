"""The network as numbers: what each node does for the whole, where journeys are lost, which ways convert."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.texts import one_or_more

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Which journeys a question looks at, and what a node of them is; every field may be left out.

    Attributes:
        node: `name`, `channel`, `name_channel`, `stage`, `source`, `place`, `properties.NAME` or `context.NAME`.
        groups: Patterns with `*` for anything; a node that contains one is called by it.
        collapse: A run of one node is one.
        project: Only this project.
        from_at: Only journeys that began at or after this aware instant.
        to_at: Only journeys that began before this aware instant.
    """

    node: str = "name"
    groups: str | Sequence[str] = ()
    collapse: bool = False
    project: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the views, by name."""
        return {
            "node": self.node,
            "groups": "\n".join(one_or_more(self.groups)),
            "collapse": self.collapse,
            "project": self.project,
            "from_at": self.from_at,
            "to_at": self.to_at,
        }


ALL_JOURNEYS = Network()
"""Everybody's journeys, by name."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its visits, its own rate, and its effect on the whole; the view `nodes` explains each number."""

    node: str
    visits: int
    people: int
    entries: int
    converted: int
    lost: int
    own_rate: float
    conversion_probability: float
    reach_probability: float
    removal_effect: float
    conversion_if_mended: float
    base_conversion: float
    journeys: int
    need: str
    valence: str
    revenue: float | None


@dataclass(frozen=True, slots=True)
class BlackHole:
    """A node where journeys end unconverted; `lost_share` of all black holes adds up to 1."""

    node: str
    visits: int
    lost: int
    lost_share: float
    lost_value: float | None
    conversion_probability: float
    expected_conversions: float
    conversion_if_mended: float
    base_conversion: float


@dataclass(frozen=True, slots=True)
class BrightPath:
    """A path, how often journeys that took it converted, and whether that lies clearly above the base."""

    path: list[str]
    journeys: int
    people: int
    converted: int
    conversion_rate: float
    low: float
    high: float
    base_conversion: float
    lift: float
    is_bright: bool


@dataclass(frozen=True, slots=True)
class KnockOn:
    """A rate before and after a change: of the `whole`, of the `changed` node, or of a `later` one."""

    role: str
    node: str
    journeys_before: int
    journeys_after: int
    rate_before: float
    rate_after: float
    difference: float
    low: float
    high: float
    is_clear: bool


@dataclass(frozen=True, slots=True)
class StageMove:
    """How often people went from one stage to another: `forward`, `backward` or `aside`."""

    project: str
    from_stage: str
    to_stage: str
    direction: str
    moves: int
    people: int
    median_seconds: float


def nodes(
    client: Client,
    network: Network = ALL_JOURNEYS,
    *,
    with_value: bool = False,
    max_nodes: int | None = None,
    limit: int = 301,
) -> Answer[Node]:
    """Return the nodes, the most visited first.

    Args:
        client: A client of the migrated database.
        network: Which journeys, and what a node is.
        with_value: Also what they brought; it is read from the touchpoints, which takes longer than the journey index.
        max_nodes: So many nodes by themselves, 1 to 300 (200 by default), the others together as `(other)`.
        limit: At most so many rows.
    """
    parameters = network.parameters | {"with_value": with_value, "max_nodes": max_nodes, "limit": limit}
    return _ask(client, "nodes", Node, parameters)


def black_holes(
    client: Client,
    network: Network = ALL_JOURNEYS,
    *,
    with_value: bool = False,
    max_nodes: int | None = None,
    limit: int = 301,
) -> Answer[BlackHole]:
    """Return where journeys are lost, what costs most conversions first; arguments as `nodes`."""
    parameters = network.parameters | {"with_value": with_value, "max_nodes": max_nodes, "limit": limit}
    return _ask(client, "black_holes", BlackHole, parameters)


def bright_paths(
    client: Client,
    network: Network = ALL_JOURNEYS,
    *,
    min_length: int = 1,
    max_length: int = 3,
    min_journeys: int = 10,
    z: float = 1.96,
    limit: int = 20,
) -> Answer[BrightPath]:
    """Return the paths that convert most surely, by the lower end of their Wilson interval.

    Args:
        client: A client of the migrated database.
        network: Which journeys, and what a node is.
        min_length: Of a path, in nodes.
        max_length: Of a path, in nodes.
        min_journeys: Rarer paths are left out.
        z: Standard deviations of the interval.
        limit: At most so many rows.
    """
    asked = {"min_length": min_length, "max_length": max_length, "min_journeys": min_journeys, "z": z, "limit": limit}
    return _ask(client, "bright_paths", BrightPath, network.parameters | asked)


def knock_on(
    client: Client,
    changed_node: str,
    changed_at: datetime,
    network: Network = ALL_JOURNEYS,
    *,
    next_node: str | None = None,
    horizon_seconds: float | None = None,
    min_journeys: int = 1,
    z: float = 1.96,
    limit: int = 100,
) -> Answer[KnockOn]:
    """Return what became of the whole, of a changed node and of those after it when it was changed.

    Args:
        client: A client of the migrated database.
        changed_node: What was changed.
        changed_at: The aware instant of the change.
        network: Which journeys, and what a node is.
        next_node: The changed node's own success is coming to this one later; going on at all by default.
        horizon_seconds: A conversion counts so long after a journey began (30 days), and only older journeys count.
        min_journeys: Later nodes with fewer journeys before or after are left out.
        z: Standard deviations of the interval.
        limit: At most so many rows.
    """
    asked = {
        "changed_node": changed_node,
        "changed_at": changed_at,
        "next_node": next_node,
        "horizon_seconds": horizon_seconds,
        "min_journeys": min_journeys,
        "z": z,
        "limit": limit,
    }
    return ask(client, "knock_on", KnockOn, network.parameters | asked)


def stage_moves(
    client: Client, *, project: str | None = None, max_gap_seconds: float | None = None
) -> Answer[StageMove]:
    """Return how people move between the stages of their project, on and back, the most frequent first.

    Args:
        client: A client of the migrated database.
        project: Only this project.
        max_gap_seconds: Only moves with no longer pause.
    """
    return ask(client, "stage_moves", StageMove, {"project": project, "max_gap_seconds": max_gap_seconds})


def _ask(client: Client, question: str, row: Callable[..., Row], parameters: Mapping[str, Any]) -> Answer[Row]:
    """Ask by numbers, which tell most networks; what has no row so is asked by words too.

    The statement of both ways takes twice as long to analyse. Values and other kinds of nodes are told by words alone.
    """
    if parameters["node"] not in {"name", "channel", "name_channel"} or parameters.get("with_value"):
        return ask(client, question, row, parameters, without=("numbers",))
    by_numbers = ask(client, question, row, parameters, without=("words",))
    return by_numbers or ask(client, question, row, parameters)
