"""Join identifiers into people: connected components of the evidence, found inside ClickHouse while edges are many.

A person is the least identifier (as a hash) of its component, so no order of arrival can change the answer. A run is
incremental unless asked to rebuild: it draws the edges stored since the last run between the people they touch and
merges those. A project with a policy is judged from all its evidence whenever some of it is new, since new evidence can
also part people; only its components that break a limit leave ClickHouse for that. A touchpoint of such a project may
carry what is shared, or identifiers of several people: whose it is then is written down beside it, its owner.

Runs may overlap and be repeated; each works in rows of its own, and the later run's word stands. A run that dies is
finished by the next one.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.components import least_of_component
from parcours_collector.warehouse.dictionaries import reload_dictionary
from parcours_collector.warehouse.identity_policy import Evidence, Rank, judge
from parcours_collector.warehouse.sql import read_sql, statements

OVERLAP = timedelta(minutes=10)
"""How far a run looks back behind the last one: an insert stamps its edges before they can be seen."""

MOST_IN_MEMORY = 100_000
"""Edges whose components are found in memory: for fewer, a pass of statements costs more than the work in it."""


@dataclass(frozen=True, slots=True)
class StitchingRun:
    """What one run did.

    Attributes:
        mode: `incremental`, or `full` for a rebuild.
        edges: Edges it worked on: between people when incremental, between identifiers when full.
        passes: Passes until no edge was left; grows with the logarithm of the edges.
        moved: Identifiers whose person changed.
        owned: Touchpoints that are of another identifier's person than before, by rank or by time slice.
        seconds: How long it took.
    """

    mode: str
    edges: int
    passes: int
    moved: int
    owned: int
    seconds: float


def stitch(client: Client, *, full: bool = False) -> StitchingRun:
    """Bring people up to date with the evidence, then let every view see it at once.

    Args:
        client: A client of the migrated database.
        full: Rebuild from all evidence instead of going on from the last run.
    """
    started = time.monotonic()
    ((run, last_watermark, now, unfinished, last_run, has_rules),) = client.query(
        read_sql("stitching/beginning")
    ).result_rows
    since = last_watermark - OVERLAP
    policies = _policies(client, since)
    rebuilt = frozenset(policies.projects) if full else policies.with_news
    scope: dict[str, object] = {"run": run, "since": since, "without": sorted(policies.projects), "projects": []}
    plain = _join(client, {**scope, "work": secrets.randbits(63)}, full=full)
    judged = _Joined(0, 0)
    if rebuilt:
        judging = {**scope, "work": secrets.randbits(63), "without": [], "projects": sorted(rebuilt)}
        judged = _join(client, judging, full=True, ranks=policies.ranks)
    edges, passes = plain.edges + judged.edges, max(plain.passes, judged.passes)
    moved = _number(client, "stitching/moved", scope)
    if moved:
        client.command(read_sql("stitching/record_moves"), parameters=scope)
    if full or unfinished:
        _forget_abandoned_work(client)
    mode = "full" if full else "incremental"
    if not moved and not unfinished:
        # A run beside this one may have moved people since this one began, and not let the views see them yet.
        unfinished = client.query(read_sql("stitching/beginning")).result_rows[0][3]
    if moved or unfinished:
        reload_dictionary(client, "person_of")
    owned = _assign_owners(client, run, last_run) if has_rules else 0
    if full or edges or rebuilt or unfinished or owned:
        # Only now: a run that is recorded is one whose people the views see.
        client.command(
            read_sql("stitching/record_run"),
            parameters={**scope, "mode": mode, "watermark": now, "edges": edges, "passes": passes, "moved": moved},
        )
    return StitchingRun(
        mode=mode, edges=edges, passes=passes, moved=moved, owned=owned, seconds=time.monotonic() - started
    )


def _assign_owners(client: Client, run: int, last_run: int) -> int:
    """Give touchpoints of shared identifiers to people; return how many have another owner than before."""
    client.command(read_sql("stitching/owners"), parameters={"run": run})
    after: dict[str, object] = {"after": last_run}
    owned = _number(client, "stitching/owned", after)
    if owned:
        # Before, so that every question reads them anew while the dictionary changes; after, since a run of the index
        # in between has written the owner from before.
        client.command(read_sql("stitching/owners_noted"), parameters=after)
        reload_dictionary(client, "owner_of")
        client.command(read_sql("stitching/owners_noted"), parameters=after)
    return owned


class _Joined(NamedTuple):
    edges: int
    passes: int


class _Policies(NamedTuple):
    projects: frozenset[str]
    with_news: frozenset[str]
    ranks: dict[tuple[str, str], Rank]


def _policies(client: Client, since: datetime) -> _Policies:
    rows = client.query(read_sql("stitching/policies"), parameters={"since": since}).result_rows
    return _Policies(
        projects=frozenset(row[0] for row in rows),
        with_news=frozenset(row[0] for row in rows if row[5] or row[6]),
        ranks={(project, kind): Rank(*rank) for project, kind, *rank, _, _ in rows},
    )


def _join(
    client: Client, scope: dict[str, object], *, full: bool, ranks: dict[tuple[str, str], Rank] | None = None
) -> _Joined:
    try:
        client.command(read_sql("stitching/edges_all" if full else "stitching/edges_since"), parameters=scope)
        edges = _number(client, "stitching/edge_count", {**scope, "pass": 0})
        passes, last = _label(client, scope, edges) if edges else (0, 0)
        if ranks and edges:
            last = _judge(client, {**scope, "pass": last}, ranks)
        if full or edges:
            client.command(
                read_sql("stitching/persons_rebuilt" if full else "stitching/persons_merged"),
                parameters={**scope, "pass": last},
            )
    finally:
        for statement in statements(read_sql("stitching/drop_work")):
            client.command(statement, parameters=scope)
    return _Joined(edges, passes)


def _judge(client: Client, scope: dict[str, object], ranks: dict[tuple[str, str], Rank]) -> int:
    """Part the components that hold more than a policy allows; return the pass whose labels stand."""
    rows = client.query(read_sql("stitching/conflicts"), parameters=scope).result_rows
    last = int(str(scope["pass"]))
    if not rows:
        return last
    judged = judge([Evidence(*row) for row in rows], ranks)
    client.insert(
        "stitching_labels",
        [(scope["work"], last + 1, node, label) for node, label in judged.items()],
        column_names=["work", "pass", "node", "label"],
    )
    client.command(read_sql("stitching/labels_kept"), parameters=scope)
    return last + 1


def _forget_abandoned_work(client: Client) -> None:
    for (work,) in client.query(read_sql("stitching/abandoned_work")).result_rows:
        for statement in statements(read_sql("stitching/drop_work")):
            client.command(statement, parameters={"work": work})


def _label(client: Client, scope: dict[str, object], edges: int) -> tuple[int, int]:
    """Name every node after the least of its component; return the passes it took, and the one that has these names."""
    last = 0
    while edges > MOST_IN_MEMORY:
        client.command(read_sql("stitching/labels_drawn"), parameters={**scope, "pass": last})
        client.command(read_sql("stitching/edges_contracted"), parameters={**scope, "pass": last})
        last += 1
        edges = _number(client, "stitching/edge_count", {**scope, "pass": last})
    if edges:
        _label_here(client, {**scope, "pass": last})
        if not last:
            return 1, 0
    else:
        last -= 1
    named = last
    for own in reversed(range(last)):
        composing = {**scope, "own": own, "above": named, "pass": 2 * last - own}
        client.command(read_sql("stitching/labels_composed"), parameters=composing)
        named = 2 * last - own
    client.command(read_sql("stitching/labels_least"), parameters={**scope, "named": named, "pass": 2 * last + 1})
    return last + 1, 2 * last + 1


def _label_here(client: Client, scope: dict[str, object]) -> None:
    """Name the nodes of a pass after the least of their component, in memory: no further pass is needed."""
    a, b = client.query(read_sql("stitching/edges"), parameters=scope).result_columns
    least = least_of_component(zip(a, b, strict=True))
    client.insert(
        "stitching_labels",
        [[scope["work"]] * len(least), [scope["pass"]] * len(least), list(least), list(least.values())],
        column_names=["work", "pass", "node", "label"],
        column_type_names=["UInt64", "UInt16", "UInt64", "UInt64"],
        column_oriented=True,
    )


def _number(client: Client, name: str, parameters: dict[str, object]) -> int:
    return int(client.query(read_sql(name), parameters=parameters).result_rows[0][0])
