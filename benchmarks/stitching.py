"""A full rebuild of people from the evidence, beside scipy's `connected_components` on the same edges.

Ours is `stitch(full=True)`: inside ClickHouse, from the table of edges to rows of `identity_persons` and a reloaded
dictionary, on disk, answerable at once. Theirs holds the edges as arrays in memory already, makes dense numbers of the
64-bit identifiers, which scipy needs, and labels them: the floor of the computation itself, with nothing read or kept.
Both must find as many components. Seconds by the clock.

The graph: chains of two to nine identifiers, most of them short, as devices, cookies and accounts of one person are.
Evidence is put into `identity_edges` and `identity_persons` directly, as the materialized views would.

After each rebuild one edge in a hundred of them comes anew, between people drawn by lot, and an incremental run joins
these: beside the rebuild before it.
"""

import time
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from benchmarks.rig.engine import Engine, running_engine
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.machine import installed
from benchmarks.rig.rounds import alternate, say
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.stitching import stitch

# Edge n joins link n to link n + 1; a chain begins where the hash says, so that lengths vary.
_EDGES = """
INSERT INTO identity_edges
    (project, a, b, a_kind, a_value, b_kind, b_value, first_seen_at, last_seen_at, sources, stored_at)
WITH
    intDiv(number, 8) AS chain,
    number % 8 AS place,
    1 + least(intHash64(chain) % 8, intHash64(chain + 1000000007) % 8) AS length,
    format('{0}-{1}', toString(chain), toString(place)) AS one,
    format('{0}-{1}', toString(chain), toString(place + 1)) AS other,
    arraySort([
        (sipHash64('benchmark', 'device_id', one), one), (sipHash64('benchmark', 'device_id', other), other)
    ]) AS ends
SELECT
    'benchmark', ends[1].1, ends[2].1, 'device_id', ends[1].2, 'device_id', ends[2].2,
    now64(3), now64(3), ['site'], now64(3) - INTERVAL 1 HOUR
FROM numbers({numbers:UInt64})
WHERE place < length
"""
_PERSONS = """
INSERT INTO identity_persons (project, identifier, kind, value, person_id, version)
SELECT DISTINCT 'benchmark', end.1, 'device_id', end.2, end.1, 0
FROM identity_edges
ARRAY JOIN [(a, a_value), (b, b_value)] AS end
"""
_NEW_EDGES = """
INSERT INTO identity_edges
    (project, a, b, a_kind, a_value, b_kind, b_value, first_seen_at, last_seen_at, sources, stored_at)
SELECT
    'benchmark', least(a, other), greatest(a, other), 'device_id', a_value, 'device_id', other_value,
    now64(3), now64(3), ['site'], now64(3)
FROM
(
    SELECT
        a,
        a_value,
        lagInFrame(a) OVER by_lot AS other,
        lagInFrame(a_value) OVER by_lot AS other_value
    FROM identity_edges
    WHERE cityHash64(a, b) % 100 = 0
    WINDOW by_lot AS (ORDER BY cityHash64(a) ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE other NOT IN (0, a)
"""
_NUMBERS_AN_EDGE = 2.5
"""Of the eight places of a chain a little over three are taken on average."""


@dataclass(frozen=True, slots=True)
class _Work:
    rounds: int
    edges: int


_WORK = {Size.FULL: _Work(3, 1_000_000), Size.QUICK: _Work(3, 100_000), Size.SMOKE: _Work(1, 1_000)}


def run(size: Size) -> Outcome:
    """Rebuild, and label with scipy; without scipy there is nothing to stand beside, and the note says so."""
    if not installed("scipy"):
        return Outcome((), ("skipped: scipy is not installed (benchmarks/requirements.txt)",))
    work = _WORK[size]
    with running_engine() as engine:
        found: set[int] = set()
        edges = 0
        rebuilt: list[float] = []
        added: list[float] = []

        def ours(_number: int) -> float:
            nonlocal edges
            edges = _fill(engine, work.edges)
            with connect(engine.url) as client:
                run_ = stitch(client, full=True)
                found.add(_people(client))
                client.command(_NEW_EDGES)
                more = stitch(client)
                if not edges / 150 < more.edges < edges / 50:
                    raise Void(f"the incremental run joined {more.edges:,} edges, not one in a hundred of {edges:,}")
                rebuilt.append(run_.seconds)
                added.append(more.seconds)
            return run_.seconds

        def scipy(_number: int) -> float:
            _fill(engine, work.edges)
            with connect(engine.url) as client:
                components, seconds = _label(client)
            found.add(components)
            return seconds

        say(f"stitching: about {work.edges:,} edges a round")
        ours(0)
        scipy(0)
        rebuilt.clear()
        added.clear()
        given = alternate(
            "stitching", work.rounds, {"ours": ours, "scipy": scipy}, show=lambda seconds: f"{seconds:.2f} s"
        )
    if len(found) != 1:
        raise Void(f"the numbers of components differ: {sorted(found)}")
    figures = [
        Figure(
            "full rebuild of people", "scipy connected_components", "s", given["ours"], given["scipy"], Goal(most=10)
        ),
        Figure("incremental, 1 % new edges", "the full rebuild", "s", added, rebuilt, Goal(most=0.05)),
    ]
    return Outcome(figures, [f"{edges:,} edges, {found.pop():,} people"])


def _fill(engine: Engine, edges: int) -> int:
    engine.make_tables_again()
    with connect(engine.url) as client:
        client.command(_EDGES, parameters={"numbers": int(edges * _NUMBERS_AN_EDGE)})
        client.command(_PERSONS)
        return int(client.query("SELECT count() FROM identity_edges").result_rows[0][0])


def _people(client: Client) -> int:
    return int(client.query("SELECT uniqExact(person_id) FROM identity_persons FINAL").result_rows[0][0])


def _label(client: Client) -> tuple[int, float]:
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = (np.asarray(column, dtype=np.uint64) for column in client.query_np("SELECT a, b FROM identity_edges").T)
    started = time.perf_counter()
    nodes, dense = np.unique(np.concatenate([a, b]), return_inverse=True)
    rows, columns = dense[: len(a)], dense[len(a) :]
    graph = coo_array((np.ones(len(a), dtype=np.int8), (rows, columns)), shape=(len(nodes), len(nodes)))
    components, _labels = connected_components(graph.tocsr(), directed=False)
    return int(components), time.perf_counter() - started
