"""The ways people take: Sankey links, how far paths are followed, whole paths, and the walks behind each number.

Each function asks the view of its name; the rules stand in the views `path_walks` and `node_walks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.walks import ALL_WALKS, Walks


@dataclass(frozen=True, slots=True)
class PathWalk:
    """One walk: who went which way. `seconds_from_previous` begins with 0; `outcome` is a journey's, else empty."""

    project: str
    person_id: int
    walk_no: int
    path: list[str]
    seconds_from_previous: list[float]
    outcome: str
    revenue: float | None


@dataclass(frozen=True, slots=True)
class PathLink:
    """How many walks went from the node at `position` of their path to the next; `value` is their revenue."""

    position: int
    from_node: str
    to_node: str
    walks: int
    people: int
    avg_seconds: float
    median_seconds: float
    value: float | None


@dataclass(frozen=True, slots=True)
class PathStep:
    """How many walks have this node at this place of their path, go on from it, and end there."""

    position: int
    node: str
    walks: int
    people: int
    walks_on: int
    people_on: int
    walks_ended: int
    people_ended: int


@dataclass(frozen=True, slots=True)
class Path:
    """One whole path: how often it was taken, its share of all walks, and what came of it."""

    path: list[str]
    walks: int
    people: int
    share: float
    median_seconds: float
    converted: int
    conversion_rate: float | None
    value: float | None


def path_links(
    client: Client, walks: Walks = ALL_WALKS, *, step_limit: int | None = 5, transforms: Sequence[str] = ()
) -> Answer[PathLink]:
    """Return the links of a Sankey diagram, place by place, the most taken first.

    Args:
        client: A client of the migrated database.
        walks: Whose walks, and where they are cut.
        step_limit: At most so many nodes of a path, at least 2; None = all of them.
        transforms: What is done to each path before, in order: `exposure`, `first`, `last_N`, `unique`,
            `remove_if_not_all:NODE`, `remove_if_last_and_not_all:NODE`.
    """
    return ask(client, "path_links", PathLink, _parameters(walks, step_limit, transforms))


def path_steps(
    client: Client, walks: Walks = ALL_WALKS, *, step_limit: int | None = 5, transforms: Sequence[str] = ()
) -> Answer[PathStep]:
    """Return how many walks reach each node at each place, go on from it, and end there; arguments as `path_links`."""
    return ask(client, "path_steps", PathStep, _parameters(walks, step_limit, transforms))


def top_paths(
    client: Client,
    walks: Walks = ALL_WALKS,
    *,
    step_limit: int | None = None,
    transforms: Sequence[str] = (),
    limit: int = 20,
) -> Answer[Path]:
    """Return the `limit` paths that were taken most; other arguments as `path_links`."""
    return ask(client, "paths", Path, {**_parameters(walks, step_limit, transforms), "limit": limit})


def path_walks(
    client: Client,
    walks: Walks = ALL_WALKS,
    *,
    step_limit: int | None = None,
    transforms: Sequence[str] = (),
    limit: int = 1000,
) -> Answer[PathWalk]:
    """Return up to `limit` of the walks that the other functions count; other arguments as `path_links`."""
    return ask(client, "path_walks", PathWalk, {**_parameters(walks, step_limit, transforms), "limit": limit})


def _parameters(walks: Walks, step_limit: int | None, transforms: Sequence[str]) -> dict[str, Any]:
    return {**walks.parameters, "step_limit": step_limit, "transforms": "\n".join(transforms)}
