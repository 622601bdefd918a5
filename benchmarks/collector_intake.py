"""What one core of the collector takes in, beside a bare aiohttp handler that only reads and parses the same bodies.

Ours is `parcours collector` as anybody runs it: write key, limits, validation of every touchpoint, steps, one row each,
the log with its CRC and fsync before the answer, the window of duplicates on. Theirs is a process with the same
aiohttp, uvloop and orjson, a handler that does `orjson.loads(await request.read())`, and nothing else: no intake in
Python can be cheaper, so that the ratio says what validation and durability cost.

Both get the same bodies, one after the other, from a third process that prepared them. What counts is the CPU time of
the server's process, in the kernel as well as in its threads, so neither the source of load nor whoever else uses the
machine is in the figure; events/s by the clock are in the notes. Every id is new to the collector; the bare server gets
each body several times, since it would be through too soon to be measured.

ClickHouse is an address where nobody answers: rows stay in the log, delivery tries now and then. What that costs is
measured while nothing is sent, and noted.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.peers.bare_server import ANSWER
from benchmarks.peers.load import Load, Sent, send_load
from benchmarks.rig.figure import Figure, Goal, Outcome, Size
from benchmarks.rig.processes import Server
from benchmarks.rig.rounds import alternate, say
from parcours_collector.intake.registry import Registry

NOBODY = "http://nobody:nothing@127.0.0.1:9"
"""An address where no ClickHouse answers."""
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Work:
    """How many requests a round, by touchpoints in each."""

    rounds: int
    requests: Mapping[int, int]
    bare_passes: Mapping[int, int]
    warm_up_requests: int


_WORK = {
    Size.FULL: _Work(5, {100: 1_500, 1: 15_000}, {100: 8, 1: 2}, 1_200),
    Size.QUICK: _Work(3, {100: 400, 1: 4_000}, {100: 8, 1: 2}, 300),
    Size.SMOKE: _Work(1, {100: 30, 1: 300}, {100: 8, 1: 2}, 10),
}
_GOALS = {100: Goal(least=0.5), 1: Goal(least=0.6)}


def run(size: Size) -> Outcome:
    """Measure at 100 touchpoints a request and at 1."""
    work = _WORK[size]
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder,
        collector_process(Path(folder), clickhouse_url=NOBODY) as (collector, write_key),
        Server(["-m", "benchmarks.peers.bare_server"]) as bare,
    ):
        measure = _Measure(collector, bare, write_key)
        say("collector_intake: warming up")
        measure.collector(seed=0, requests=work.warm_up_requests, batch=100)
        measure.bare(seed=0, requests=work.warm_up_requests, batch=100)
        idle = _idle_share(collector)
        figures, notes = [], [f"the idle collector, its delivery trying in vain, uses {idle:.2%} of a core"]
        for batch, requests in work.requests.items():
            given = measure.rounds(batch, requests, work)
            figures.append(_figure(batch, given))
            notes.append(_note(batch, given))
    return Outcome(figures, notes)


@contextmanager
def collector_process(
    folder: Path, *, clickhouse_url: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[Server, str]]:
    """Run `parcours collector` on a folder; yield it and a write key of the source `benchmark`."""
    registry, write_key = Registry.read(folder / "registry.json").with_source("benchmark", "benchmark")
    registry.write(folder / "registry.json")
    with Server(
        ["-m", "parcours_collector", "collector", "--data", str(folder), "--port", "0"],
        environment={
            "PARCOURS_CLICKHOUSE_URL": clickhouse_url,
            "PARCOURS_STITCHING__INTERVAL_SECONDS": "0",
            **(environment or {}),
        },
    ) as collector:
        yield collector, write_key


class _Measure:
    def __init__(self, collector: Server, bare: Server, write_key: str) -> None:
        self._collector = collector
        self._bare = bare
        self._write_key = write_key

    def collector(self, *, seed: int, requests: int, batch: int) -> Sent:
        expected = ANSWER.decode().replace(":0", f":{batch}", 1)
        return self._send(self._collector, expected, seed=seed, requests=requests, batch=batch, passes=1)

    def bare(self, *, seed: int, requests: int, batch: int, passes: int = 1) -> Sent:
        return self._send(self._bare, ANSWER.decode(), seed=seed, requests=requests, batch=batch, passes=passes)

    def rounds(self, batch: int, requests: int, work: _Work) -> dict[str, list[Sent]]:
        sides: dict[str, Callable[[int], Sent]] = {
            "ours": lambda number: self.collector(seed=_seed(batch, number), requests=requests, batch=batch),
            "bare": lambda number: self.bare(
                seed=_seed(batch, number), requests=requests, batch=batch, passes=work.bare_passes[batch]
            ),
        }
        return alternate(
            f"collector_intake, {batch} a request",
            work.rounds,
            sides,
            show=lambda sent: f"{sent.events_per_cpu_second:,.0f} events/s of CPU",
        )

    def _send(self, server: Server, expected: str, *, seed: int, requests: int, batch: int, passes: int) -> Sent:
        return send_load(
            Load(
                port=server.port,
                pid=server.pid,
                write_key=self._write_key,
                expected=expected,
                seed=seed,
                requests=requests,
                batch=batch,
                passes=passes,
            )
        )


def _seed(batch: int, number: int) -> int:
    return 1 + batch * 1_000 + number


def _idle_share(collector: Server) -> float:
    before = collector.cpu_seconds
    time.sleep(_IDLE_SECONDS)
    return (collector.cpu_seconds - before) / _IDLE_SECONDS


def _figure(batch: int, given: Mapping[str, list[Sent]]) -> Figure:
    return Figure(
        name=f"intake, {batch} a request",
        against="bare aiohttp + orjson.loads",
        unit="events/s of CPU",
        ours=[sent.events_per_cpu_second for sent in given["ours"]],
        theirs=[sent.events_per_cpu_second for sent in given["bare"]],
        goal=_GOALS[batch],
    )


def _note(batch: int, given: Mapping[str, list[Sent]]) -> str:
    def shares(side: str) -> str:
        rate = median(sent.events / sent.seconds for sent in given[side])
        server = median(sent.server_cpu_seconds / sent.seconds for sent in given[side])
        load = median(sent.load_cpu_seconds / sent.seconds for sent in given[side])
        return f"{side} {rate:,.0f} events/s by the clock (server {server:.0%}, source of load {load:.0%} of a core)"

    return f"{batch} a request: {shares('ours')}; {shares('bare')}"
