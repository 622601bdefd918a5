"""What emitting a touchpoint costs its host, beside six other SDKs as they come from PyPI.

Each SDK runs in a process of its own and emits as many touchpoints of the same content to the same local server, which
answers each as its own collector would and counts the ids that came. A peer of which one is missing or came twice is
void, and shown with the number; if it is ours, the whole is. Two figures: the CPU time of the whole process a
touchpoint, all threads, user and system, from the first call until everything is delivered, nothing subtracted; and the
median time of the call alone. Imports, start and the first batches are behind it: a service emits for days.

The goals are set against whichever peer does best at each figure; `spool` is ours with the spool on disk, the option
without which none of it survives `kill -9`, against the same peer, which has nothing like it.

Every SDK sends batches of 100 in the background (the default of PostHog, Segment and RudderStack; the others are set to
it; ours is shown once more with the 500 that it comes with) and has a queue that holds everything, so that none waits
and none drops. Only Mixpanel's sends in the caller's
thread, 50 at a time: its median call does not show that, the 99th percentile in the notes does. The rest is as
installed: ours and RudderStack's compress with gzip, the others do not; Snowplow is given a session, so that it keeps
its connection. Ours makes and validates a typed model in the call; the others take a dict as it is. Snowplow's payload
carries the properties as base64, as it always does.
"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.machine import installed
from benchmarks.rig.processes import ROOT, Server, clean_environment
from benchmarks.rig.rounds import alternate

PEERS = {
    "posthog": "posthog",
    "segment": "segment-analytics-python",
    "rudder": "rudder-sdk-python",
    "snowplow": "snowplow-tracker",
    "mixpanel": "mixpanel",
    "amplitude": "amplitude-analytics",
}
"""The name of each peer in `peers/emitter.py`, and of its distribution."""
_OURS = ("parcours", "parcours_spool", "parcours_as_installed")
_MOST_WITH_SPOOL = 0.4
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
    call_p99: float


@dataclass(frozen=True, slots=True)
class _Unequal:
    """It did not deliver what it emitted, or failed: what it cost says nothing."""

    why: str


_Given: TypeAlias = _Cost | _Unequal


def run(size: Size) -> Outcome:
    """Measure ours and whichever peers are installed."""
    work = _WORK[size]
    missing = [name for name in PEERS.values() if not installed(name)]
    peers = [sdk for sdk, name in PEERS.items() if name not in missing]
    with Server(["-m", "benchmarks.peers.sdk_sink"]) as sink:
        given = alternate(
            "sdk_emit",
            work.rounds,
            {sdk: _side(sdk, sink.url, work) for sdk in (*_OURS, *peers)},
            show=_shown,
        )
    notes = [f"not measured: {name} is not installed (benchmarks/requirements.txt)" for name in missing]
    costs: dict[str, list[_Cost]] = {}
    for sdk, turns in given.items():
        failures = [turn.why for turn in turns if isinstance(turn, _Unequal)]
        costs[sdk] = [turn for turn in turns if isinstance(turn, _Cost)]
        if failures and sdk in _OURS:
            raise Void(failures[0])
        if failures:
            notes.append(f"void: {failures[0]}")
            del costs[sdk]
    figures = [
        *_figures("emit to delivery, CPU", costs, lambda cost: cost.cpu, 0.2),
        *_figures("emit, the call alone, p50", costs, lambda cost: cost.call_p50, 0.15),
    ]
    p99 = {sdk: median(cost.call_p99 for cost in turns) for sdk, turns in costs.items()}
    notes.append(f"99 of 100 calls take at most, in µs: {', '.join(f'{sdk} {call:,.0f}' for sdk, call in p99.items())}")
    notes.append(
        f"{work.events:,} touchpoints a turn, each counted at the server once; batches of 100, Mixpanel's of 50"
    )
    return Outcome(figures, notes)


def _side(sdk: str, url: str, work: _Work) -> Callable[[int], _Given]:
    def turn(_number: int) -> _Given:
        with tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder:
            return _emit(sdk, url, work, folder if sdk == "parcours_spool" else "")

    return turn


def _emit(sdk: str, url: str, work: _Work, spool: str) -> _Given:
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.emitter", sdk, url, str(work.warm_up), str(work.events), spool],
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
        return _Unequal(f"{sdk} failed: {process.stderr.strip()[-500:]}")
    if counted != {"taken": work.warm_up + work.events, "again": 0}:
        return _Unequal(f"{sdk} emitted {work.warm_up + work.events} touchpoints, and the server counted {counted}")
    measured = json.loads(process.stdout)
    return _Cost(
        cpu=measured["cpu_seconds"] / work.events * _MICROSECONDS,
        call_p50=measured["call_seconds_p50"] * _MICROSECONDS,
        call_p99=measured["call_seconds_p99"] * _MICROSECONDS,
    )


def _shown(given: _Given) -> str:
    match given:
        case _Cost(cpu, call_p50, _):
            return f"{cpu:.1f} µs of CPU, call {call_p50:.1f} µs"
        case _Unequal():
            return "void"


def _figures(
    name: str, costs: Mapping[str, Sequence[_Cost]], of: Callable[[_Cost], float], most: float
) -> list[Figure]:
    """Return the figure against each peer; the goals stand against the best of them."""
    peers = {sdk: [of(cost) for cost in turns] for sdk, turns in costs.items() if sdk not in _OURS}
    if not peers:
        return []
    ours, spooling, as_installed = ([of(cost) for cost in costs[sdk]] for sdk in _OURS)
    order = sorted(peers, key=lambda sdk: median(peers[sdk]))
    best = order[0]
    figures = [
        Figure(name, f"{PEERS[sdk]}{' (best)' if sdk == best else ''}", "µs", ours, peers[sdk], goal)
        for sdk in order
        for goal in (Goal(most=most) if sdk == best else None,)
    ]
    against = f"{PEERS[best]} (best)"
    figures.append(Figure(f"{name}, spool", against, "µs", spooling, peers[best], Goal(most=_MOST_WITH_SPOOL)))
    figures.append(Figure(f"{name}, batches of 500", against, "µs", as_installed, peers[best], Goal(most=most)))
    return figures
