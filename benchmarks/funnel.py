"""The stitched `funnel` and `transitions`, beside queries written by hand over raw ids in the same table.

Ours are the documented views as an analyst asks them: duplicates removed (FINAL), devices and accounts joined into
people, re-entries, median times. Theirs is what one writes without Parcours: `windowFunnel` grouped by the identifier
column, no FINAL, no people; for transitions the events of each identifier grouped, sorted and zipped with themselves.
Both sides read the same table of the same engine through the same client, warm, by the clock, and both may use every
core. The raw id is the table's own UInt64 column, the cheapest that a funnel can be grouped by.

So ours does more: the ratio is what the right answer costs over the quick one. What part of that is the rule rather
than people is told by a third query: `windowFunnel` over stitched people without duplicates, which must give our
numbers, else the run is void. Four distinct steps, a window of seven days; the data is described in `clickstream`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from benchmarks.clickstream import PROJECT, STEPS, WINDOW_SECONDS, fill
from benchmarks.rig.engine import count, running_engine
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.rounds import alternate, say
from parcours_collector.atlas import questions
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.stitching import stitch

_WINDOW_FUNNEL = """
SELECT countIf(level >= 1), countIf(level >= 2), countIf(level >= 3), countIf(level >= 4)
FROM
(
    SELECT
        windowFunnel({{window_ms:UInt64}})(
            toUInt64(toUnixTimestamp64Milli(occurred_at)),
            name = {{steps:Array(String)}}[1], name = {{steps:Array(String)}}[2],
            name = {{steps:Array(String)}}[3], name = {{steps:Array(String)}}[4]
        ) AS level
    FROM {table}
    WHERE project = {{project:String}} AND name IN {{steps:Array(String)}}
    GROUP BY {who}
)
"""
_BY_RAW_ID = _WINDOW_FUNNEL.format(table="touchpoints", who="identifier")
_BY_PERSON = _WINDOW_FUNNEL.format(table="touchpoints_unique", who="person_id")

_ZIPPED = """
SELECT move.1 AS from_node, move.2 AS to_node, count() AS passages
FROM
(
    SELECT arraySort(groupArray((occurred_at, toString(name)))).2 AS names
    FROM touchpoints
    WHERE project = {project:String}
    GROUP BY identifier
)
ARRAY JOIN arrayZip(arrayPopBack(names), arrayPopFront(names)) AS move
GROUP BY from_node, to_node
ORDER BY passages DESC
"""

_PARTS = "SELECT count() FROM system.parts WHERE database = 'parcours' AND table = 'touchpoints' AND active"
_MERGES = "SELECT count() FROM system.merges WHERE database = 'parcours'"


@dataclass(frozen=True, slots=True)
class _Work:
    rounds: int
    touchpoints: int
    people: int


_WORK = {
    Size.FULL: _Work(5, 5_000_000, 500_000),
    Size.QUICK: _Work(5, 500_000, 50_000),
    Size.SMOKE: _Work(1, 6_000, 600),
}


def run(size: Size) -> Outcome:
    """Fill a table, stitch it, and ask both ways."""
    work = _WORK[size]
    with running_engine() as engine, connect(engine.url) as client:
        say(f"funnel: inserting {work.touchpoints:,} touchpoints of {work.people:,} people")
        fill(client, touchpoints=work.touchpoints, people=work.people)
        stitched = stitch(client, full=True)
        _wait_for_merges(client)
        notes = [_table_note(client), _people_note(client)]
        notes.append(f"stitching moved {stitched.moved:,} identifiers to another person in {stitched.seconds:.1f} s")
        funnels = alternate(
            "funnel",
            work.rounds,
            {
                "ours": _timed(lambda: questions.funnel(client, STEPS, window_seconds=WINDOW_SECONDS, project=PROJECT)),
                "raw ids": _timed(lambda: _levels(client, _BY_RAW_ID)),
                "windowFunnel over people": _timed(lambda: _levels(client, _BY_PERSON)),
            },
            show=lambda seconds: f"{seconds * 1_000:.0f} ms",
        )
        moves = alternate(
            "transitions",
            work.rounds,
            {
                "ours": _timed(lambda: questions.transitions(client, project=PROJECT)),
                "raw ids": _timed(lambda: client.query(_ZIPPED, parameters={"project": PROJECT})),
            },
            show=lambda seconds: f"{seconds * 1_000:.0f} ms",
        )
    figures = [
        Figure(
            "stitched funnel, 4 steps",
            "windowFunnel over raw ids",
            "s",
            funnels["ours"],
            funnels["raw ids"],
            Goal(most=0.8),
        ),
        Figure(
            "stitched funnel, 4 steps",
            "windowFunnel over people",
            "s",
            funnels["ours"],
            funnels["windowFunnel over people"],
        ),
        Figure("transitions", "group, sort, zip over raw ids", "s", moves["ours"], moves["raw ids"], Goal(most=0.1)),
    ]
    return Outcome(figures, notes)


def _timed(ask: Callable[[], object]) -> Callable[[int], float]:
    ask()  # warm

    def turn(_number: int) -> float:
        started = time.perf_counter()
        ask()
        return time.perf_counter() - started

    return turn


def _levels(client: Client, sql: str) -> tuple[int, ...]:
    parameters = {"steps": list(STEPS), "window_ms": WINDOW_SECONDS * 1_000, "project": PROJECT}
    return tuple(client.query(sql, parameters=parameters).result_rows[0])


def _table_note(client: Client) -> str:
    return f"{count(client, 'touchpoints'):,} touchpoints in {client.query(_PARTS).result_rows[0][0]} parts"


def _people_note(client: Client) -> str:
    """Say what both sides count; raise Void unless ours is right."""
    ours = tuple(
        step.people for step in questions.funnel(client, STEPS, window_seconds=WINDOW_SECONDS, project=PROJECT)
    )
    by_person, by_raw_id = _levels(client, _BY_PERSON), _levels(client, _BY_RAW_ID)
    # A tie, two steps of one person in one millisecond, is the one thing that the two rules judge differently.
    if any(abs(a - b) > 1 + b // 10_000 for a, b in zip(ours, by_person, strict=True)):
        raise Void(f"the funnel counts {ours} people, windowFunnel over the same people {by_person}")
    return f"the funnel counts {ours} people, raw ids {by_raw_id}"


def _wait_for_merges(client: Client, timeout_seconds: float = 300.0) -> None:
    """Let the engine finish what the inserts left to do, so that no round pays for it."""
    deadline = time.monotonic() + timeout_seconds
    while client.query(_MERGES).result_rows[0][0] and time.monotonic() < deadline:
        time.sleep(0.5)
