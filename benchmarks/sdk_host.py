"""What the SDK does to the process it lives in: its event loop, its memory, its start.

Event-loop lag: a process whose asyncio loop (the standard library's) emits 5,000 typed touchpoints a second with
`AsyncTracker`, default options, while the collector is dead: it refuses connections, or takes them and never answers,
or refuses them while a spool keeps everything. Every millisecond has a moment at which the loop should look up; the lag
is how late it does, counted also for the moments that pass while it is held up. A life is measured from the first
emission, so that what the SDK loads at its first send is in it, and once more without the first second. Beside it the
same loop in a process that emits nothing: what the machine and the timer (whose step is a millisecond) make of it. In
memory the queue is full after two seconds, so that both queueing and dropping are in the time.

Memory: what 10,000 pending typed touchpoints hold once 1,000 others were delivered, beside as many dicts pending in
segment-analytics-python: traced allocations, and in another tracker the growth of the resident set.

Import: `import parcours`, and importing the tracker and typed touchpoints as a host does, each beside `import
segment.analytics`, each in a process of its own; the start of the interpreter is not in it.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.machine import installed
from benchmarks.rig.processes import ROOT, Server, clean_environment
from benchmarks.rig.rounds import alternate

_PEER = "segment-analytics-python"
_MIB = 1024 * 1024
_TIMEOUT_SECONDS = 120.0
_PER_SECOND = 5_000
_KINDS = {"refused": "refused", "silent": "no answer", "spooling": "refused, spool"}
_IMPORTS = {
    "parcours": "import parcours",
    "parcours in use": "from parcours import Tracker; from parcours.touchpoints import ProductViewed",
    "segment": "import segment.analytics",
}


@dataclass(frozen=True, slots=True)
class _Work:
    lag_rounds: int
    lag_seconds: float
    memory_rounds: int
    pending: int
    import_rounds: int
    least_emitted: float = 0.95
    """Of the rate that is asked for; a busy machine that gives less makes a figure void."""


_WORK = {
    Size.FULL: _Work(5, 3.0, 3, 10_000, 11),
    Size.QUICK: _Work(3, 2.5, 1, 10_000, 5),
    Size.SMOKE: _Work(1, 1.3, 1, 500, 1, least_emitted=0.0),  # shows that it runs, measures nothing
}


def run(size: Size) -> Outcome:
    """Measure the three; without the peer only the lag."""
    work = _WORK[size]
    figures, notes = _lag(work)
    if installed(_PEER):
        figures += [*_memory(work), *_imports(work)]
    else:
        notes.append(f"memory and import not measured: {_PEER} is not installed (benchmarks/requirements.txt)")
    return Outcome(figures, notes)


@dataclass(frozen=True, slots=True)
class _Lag:
    """Of one life of a loop, in milliseconds."""

    p99: float
    greatest: float
    greatest_after_first_second: float
    waiting: int


_LAGS: Mapping[str, Callable[[_Lag], float]] = {
    "lag p99": lambda lag: lag.p99,
    "lag max": lambda lag: lag.greatest,
    "lag max, second 1 on": lambda lag: lag.greatest_after_first_second,
}


def _lag(work: _Work) -> tuple[list[Figure], list[str]]:
    with _dead_collector(refuses=False) as silent, _dead_collector(refuses=True) as refusing:
        lags = alternate(
            "sdk_host, lag",
            work.lag_rounds,
            {
                "nothing": _life(work, ""),
                "refused": _life(work, refusing),
                "silent": _life(work, silent),
                "spooling": _life(work, refusing, spools=True),
            },
            show=lambda lag: f"p99 {lag.p99:.1f} ms, max {lag.greatest:.1f} ms",
        )
    bare = lags.pop("nothing")
    figures, notes = [], []
    for name, ours in lags.items():
        for figure, of in _LAGS.items():
            label = f"{figure}, {_KINDS[name]}"
            against = "the loop, emitting nothing"
            goal = Goal(most=5.0, of_ours=True)
            figures.append(Figure(label, against, "ms", [*map(of, ours)], [*map(of, bare)], goal))
        later = max(lag.greatest_after_first_second for lag in ours)
        worst = max(lag.greatest for lag in ours)
        notes.append(
            f"{_KINDS[name]}: the greatest lag of all rounds {worst:.1f} ms, after each first second "
            f"{later:.1f} ms; {median(lag.waiting for lag in ours):,.0f} waited at the end"
        )
    notes.append(
        f"the loop that emits nothing: the greatest lag of all rounds {max(lag.greatest for lag in bare):.1f} ms"
    )
    return figures, notes


def _life(work: _Work, url: str, *, spools: bool = False) -> Callable[[int], _Lag]:
    def turn(_number: int) -> _Lag:
        with tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder:
            measured = _host("lag", url, str(work.lag_seconds), folder if spools else "")
        if measured["emitted"] < work.lag_seconds * _PER_SECOND * work.least_emitted:
            raise Void(f"only {measured['emitted']:,.0f} touchpoints in {work.lag_seconds} s: the machine is too busy")
        return _Lag(
            measured["p99_ms"],
            measured["max_ms"],
            measured["max_after_first_second_ms"],
            int(measured["waiting"]),
        )

    return turn


def _memory(work: _Work) -> list[Figure]:
    def side(sdk: str, sink_url: str, dead_url: str) -> Callable[[int], Mapping[str, float]]:
        def turn(_number: int) -> Mapping[str, float]:
            measured = _host("memory", sdk, sink_url, dead_url, str(work.pending))
            if measured["pending"] != work.pending:
                raise Void(f"{sdk}: {measured['pending']:,.0f} of {work.pending:,} touchpoints were pending")
            return measured

        return turn

    with Server(["-m", "benchmarks.peers.sdk_sink"]) as sink, _dead_collector(refuses=False) as dead:
        held = alternate(
            "sdk_host, memory",
            work.memory_rounds,
            {sdk: side(sdk, sink.url, dead) for sdk in ("parcours", "segment")},
            show=lambda one: (
                f"{one['traced_bytes'] / _MIB:.1f} MiB traced, {one['resident_bytes'] / _MIB:.1f} resident"
            ),
        )

    def figure(label: str, key: str) -> Figure:
        ours, theirs = ([turn[key] / 1e6 for turn in held[sdk]] for sdk in ("parcours", "segment"))
        name = f"{work.pending:,} pending, {label}"
        return Figure(name, _PEER, "MB", ours, theirs, Goal(most=20.0, of_ours=True))

    return [figure("traced", "traced_bytes"), figure("resident", "resident_bytes")]


def _imports(work: _Work) -> list[Figure]:
    taken = alternate(
        "sdk_host, import",
        work.import_rounds,
        {name: _import(statement) for name, statement in _IMPORTS.items()},
        show=lambda milliseconds: f"{milliseconds:.0f} ms",
    )
    return [
        Figure(
            "import parcours", "import segment.analytics", "ms", taken["parcours"], taken["segment"], Goal(most=0.5)
        ),
        Figure(
            "import Tracker, touchpoints", "import segment.analytics", "ms", taken["parcours in use"], taken["segment"]
        ),
    ]


def _import(statement: str) -> Callable[[int], float]:
    program = f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    return lambda _number: float(_output(["-c", program])) * 1000


def _host(*arguments: str) -> Mapping[str, float]:
    measured: Mapping[str, float] = json.loads(_output(["-m", "benchmarks.peers.host", *arguments]))
    return measured


def _output(arguments: Sequence[str]) -> str:
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if process.returncode:
        raise Void(f"{' '.join(arguments[:4])} failed: {process.stderr.strip()[-500:]}")
    return process.stdout


@contextmanager
def _dead_collector(*, refuses: bool) -> Iterator[str]:
    """Yield the address of a collector that refuses connections or takes them and never answers."""
    with socket.socket() as bound:
        # Bound and not listening refuses; listening and never accepting leaves every request waiting.
        bound.bind(("127.0.0.1", 0))
        if not refuses:
            bound.listen(128)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
