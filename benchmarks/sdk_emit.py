"""What emitting a touchpoint costs its host, beside segment-analytics-python and snowplow-tracker.

Each SDK runs in a process of its own and emits as many touchpoints of the same content to the same local server, which
answers each as its own collector would and counts the ids that came: a turn in which one is missing or came twice is
void. Two figures: the CPU time of the whole process a touchpoint, all threads, user and system, from the first call
until everything is delivered, nothing subtracted; and the median time of the call alone. Imports, start and the first
hundred batches are behind it: a service emits for days.

Every SDK sends batches of 100 in the background (Segment's default; ours and Snowplow's are set to it) and has a queue
that holds everything, so that none waits and none drops. The rest is as installed: ours compresses with gzip, which
the others do not; Snowplow is given a session, so that it keeps its connection. Ours makes and validates a typed model
in the call; the others take a dict as it is. Snowplow's payload carries the properties as base64, as it always does.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.machine import installed
from benchmarks.rig.processes import ROOT, Server, clean_environment
from benchmarks.rig.rounds import alternate

_PEERS = {"segment": "segment-analytics-python", "snowplow": "snowplow-tracker"}
_MICROSECONDS = 1_000_000
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Work:
    rounds: int
    warm_up: int
    events: int


_WORK = {Size.FULL: _Work(5, 10_000, 30_000), Size.QUICK: _Work(3, 2_000, 10_000), Size.SMOKE: _Work(1, 100, 300)}


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one touchpoint, in microseconds."""

    cpu: float
    call_p50: float


def run(size: Size) -> Outcome:
    """Measure ours and whichever peer is installed."""
    work = _WORK[size]
    missing = [name for name in _PEERS.values() if not installed(name)]
    peers = [sdk for sdk, name in _PEERS.items() if name not in missing]
    with Server(["-m", "benchmarks.peers.sdk_sink"]) as sink:
        given = alternate(
            "sdk_emit",
            work.rounds,
            {sdk: _side(sdk, sink.url, work) for sdk in ("parcours", *peers)},
            show=lambda cost: f"{cost.cpu:.1f} µs of CPU, call {cost.call_p50:.1f} µs",
        )
    figures = []
    for sdk in peers:
        figures.append(_figure("emit to delivery, CPU", sdk, given, lambda cost: cost.cpu, Goal(most=0.2)))
        figures.append(_figure("emit, the call alone, p50", sdk, given, lambda cost: cost.call_p50, Goal(most=0.15)))
    notes = [f"not measured: {name} is not installed (benchmarks/requirements.txt)" for name in missing]
    notes.append(f"{work.events:,} touchpoints a turn, each counted at the server once; batches of 100")
    return Outcome(figures, notes)


def _side(sdk: str, url: str, work: _Work) -> Callable[[int], _Cost]:
    return lambda _number: _emit(sdk, url, work)


def _emit(sdk: str, url: str, work: _Work) -> _Cost:
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.emitter", sdk, url, str(work.warm_up), str(work.events)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    with urllib.request.urlopen(f"{url}/taken", timeout=60) as response:  # noqa: S310 - our own server
        counted = json.load(response)
    if process.returncode:
        raise Void(f"{sdk} failed: {process.stderr.strip()[-500:]}")
    if counted != {"taken": work.warm_up + work.events, "again": 0}:
        raise Void(f"{sdk} emitted {work.warm_up + work.events} touchpoints, and the server counted {counted}")
    measured = json.loads(process.stdout)
    return _Cost(
        cpu=measured["cpu_seconds"] / work.events * _MICROSECONDS,
        call_p50=measured["call_seconds_p50"] * _MICROSECONDS,
    )


def _figure(name: str, sdk: str, given: Mapping[str, list[_Cost]], of: Callable[[_Cost], float], goal: Goal) -> Figure:
    return Figure(
        name, _PEERS[sdk], "µs", [of(cost) for cost in given["parcours"]], [of(cost) for cost in given[sdk]], goal
    )
