"""The stitched `funnel` and `transitions`, beside queries written by hand over raw ids in the same table.

Ours are the documented views as an analyst asks them: duplicates removed (FINAL), devices and accounts joined into
people, re-entries, median times. Theirs is what one writes without Parcours: `windowFunnel` grouped by the identifier
column, no FINAL, no people; for transitions the events of each identifier grouped, sorted and zipped with themselves.
Ours are kept once nothing comes, as a collector does; a second figure is of them while something waits.
Both sides read the same table of the same engine through the same client, warm, and both may use every core: by
the clock, and as CPU time of the engine, which a busy machine disturbs less. The raw id is the table's own UInt64
column, the cheapest that a funnel can be grouped by.

So ours does more: the ratio is what the right answer costs over the quick one. What part of that is the rule rather
than people is told by a third query: `windowFunnel` over stitched people without duplicates, which must give our
numbers, else the run is void. Four distinct steps, a window of seven days; the data is described in `clickstream`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from benchmarks.clickstream import DAYS, PROJECT, STEPS, WINDOW_SECONDS, fill
from benchmarks.rig.engine import Engine, count, running_engine
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.rounds import alternate, say
from parcours_collector.atlas import questions
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.moves import keep_moves
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
BY_RAW_ID = _WINDOW_FUNNEL.format(table="touchpoints", who="identifier")
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
_INDEX_BYTES = (
    "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'parcours' AND table = 'journey_index' AND active"
)
_MERGES = "SELECT count() FROM system.merges WHERE database = 'parcours'"


@dataclass(frozen=True, slots=True)
class _Work:
    rounds: int
    touchpoints: int
    people: int


WORK = {
    Size.FULL: _Work(5, 5_000_000, 500_000),
    Size.QUICK: _Work(5, 500_000, 50_000),
    Size.SMOKE: _Work(1, 6_000, 600),
}


def run(size: Size) -> Outcome:
    """Fill a table, stitch it, and ask both ways."""
    work = WORK[size]
    with running_engine() as engine, connect(engine.url) as client:
        say(f"funnel: inserting {work.touchpoints:,} touchpoints of {work.people:,} people")
        fill(client, touchpoints=work.touchpoints, people=work.people)
        stitched = stitch(client, full=True)
        wait_for_merges(client)
        notes = [_table_note(client), _people_note(client)]
        notes.append(_index_note(client))
        notes.append(f"stitching moved {stitched.moved:,} identifiers to another person in {stitched.seconds:.1f} s")
        keep_moves(client)
        turns = Turns(engine)
        funnels = alternate(
            "funnel",
            work.rounds,
            {
                "ours": turns.of(
                    lambda: questions.funnel(client, STEPS, window_seconds=WINDOW_SECONDS, project=PROJECT)
                ),
                "raw ids": turns.of(lambda: levels(client, BY_RAW_ID)),
                "windowFunnel over people": turns.of(lambda: levels(client, _BY_PERSON)),
            },
            show=str,
        )
        moves = _moves("transitions", work, client, turns)
        fill(client, touchpoints=DAYS, people=work.people)
        moves_waiting = _moves("transitions while something waits", work, client, turns)
        known = client.query("SELECT value FROM identity_persons WHERE kind = 'user_id' LIMIT 1").result_rows[0][0]
        lives = alternate(
            "timeline",
            work.rounds,
            {
                "ours": turns.of(lambda: questions.person_timeline(client, "user_id", str(known), project=PROJECT)),
                "nothing": turns.of(lambda: client.query("SELECT 1")),
            },
            show=str,
        )
    return Outcome(
        [
            figures("person timeline", "SELECT 1", lives, "nothing", Goal(most=0.05, of_ours=True))[0],
            *figures("stitched funnel, 4 steps", "windowFunnel over raw ids", funnels, "raw ids", Goal(most=0.8)),
            *figures("stitched funnel, 4 steps", "windowFunnel over people", funnels, "windowFunnel over people", None),
            *figures("transitions", "group, sort, zip over raw ids", moves, "raw ids", Goal(most=0.1)),
            *figures(
                "transitions while something waits", "group, sort, zip over raw ids", moves_waiting, "raw ids", None
            ),
        ],
        notes,
    )


@dataclass(frozen=True, slots=True)
class Took:
    """What one question took: by the clock, and of the engine's CPU time."""

    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return f"{self.seconds * 1_000:.0f} ms, {self.cpu_seconds * 1_000:.0f} ms of CPU"


class Turns:
    """Asks of one engine, by the clock and by its CPU time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, ask: Callable[[], object]) -> Callable[[int], Took]:
        """Return what asks once and says what it took; it is asked once before, to be warm."""
        ask()

        def turn(_number: int) -> Took:
            started, cpu = time.perf_counter(), self._engine.cpu_seconds
            ask()
            return Took(time.perf_counter() - started, self._engine.cpu_seconds - cpu)

        return turn


def _moves(name: str, work: _Work, client: Client, turns: Turns) -> dict[str, list[Took]]:
    asked = {
        "ours": turns.of(lambda: questions.transitions(client, project=PROJECT)),
        "raw ids": turns.of(lambda: client.query(_ZIPPED, parameters={"project": PROJECT})),
    }
    return alternate(name, work.rounds, asked, show=str)


def figures(
    name: str, against: str, given: Mapping[str, list[Took]], theirs: str, goal: Goal | None
) -> tuple[Figure, Figure]:
    """Return what `ours` took beside `theirs`: by the clock, which the goal is of, and of CPU time."""
    return (
        Figure(name, against, "s", [t.seconds for t in given["ours"]], [t.seconds for t in given[theirs]], goal),
        Figure(
            name, against, "s of CPU", [t.cpu_seconds for t in given["ours"]], [t.cpu_seconds for t in given[theirs]]
        ),
    )


def levels(client: Client, sql: str) -> tuple[int, ...]:
    """Return the people of each step, as a query by hand counts them."""
    parameters = {"steps": list(STEPS), "window_ms": WINDOW_SECONDS * 1_000, "project": PROJECT}
    return tuple(client.query(sql, parameters=parameters).result_rows[0])


def _table_note(client: Client) -> str:
    return f"{count(client, 'touchpoints'):,} touchpoints in {client.query(_PARTS).result_rows[0][0]} parts"


def _index_note(client: Client) -> str:
    """Fill the journey index, prove it, and say what it cost; raise Void if it is not the table."""
    index = JourneyIndex(client, linger_seconds=0)
    run = index.refresh()
    wait_for_merges(client)
    found = index.check()
    if not found.same:
        raise Void(f"the journey index holds {found.indexed} touchpoints, the table {found.stored}, or not the same")
    ((size,),) = client.query(_INDEX_BYTES).result_rows
    return f"the journey index took {run.seconds:.1f} s for {run.changes:,} touchpoints, and {size / 1e6:.0f} MB"


def _people_note(client: Client) -> str:
    """Say what both sides count; raise Void unless ours is right."""
    ours = tuple(
        step.people for step in questions.funnel(client, STEPS, window_seconds=WINDOW_SECONDS, project=PROJECT)
    )
    by_person, by_raw_id = levels(client, _BY_PERSON), levels(client, BY_RAW_ID)
    # A tie, two steps of one person in one millisecond, is the one thing that the two rules judge differently.
    if any(abs(a - b) > 1 + b // 10_000 for a, b in zip(ours, by_person, strict=True)):
        raise Void(f"the funnel counts {ours} people, windowFunnel over the same people {by_person}")
    return f"the funnel counts {ours} people, raw ids {by_raw_id}"


def wait_for_merges(client: Client, timeout_seconds: float = 300.0) -> None:
    """Let the engine finish what the inserts left to do, so that no round pays for it."""
    deadline = time.monotonic() + timeout_seconds
    while client.query(_MERGES).result_rows[0][0] and time.monotonic() < deadline:
        time.sleep(0.5)
