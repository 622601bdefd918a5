"""What a collector holds: when nothing is asked of it, and while ClickHouse is away for an hour.

ClickHouse is an address where nobody answers, and touchpoints come at 5,000/s in requests of 100. That an outage costs
disk only shows in two slopes over the same minutes: the collector's resident memory and the bytes of its log. Both are
least-squares lines through one sample a second after the warm-up, and an hour is extrapolated from them: nobody waits
an hour for a benchmark. The ratio is memory ÷ disk. What is remembered up to a bound (the ids of the last touchpoints)
is filled before the clock starts, so that filling it is not taken for a leak; how long that takes is in the notes.

Idle memory is the process's resident set after it has answered one request, beside the bare aiohttp handler's.
"""

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.collector_intake import NOBODY, collector_process
from benchmarks.peers.bare_server import ANSWER
from benchmarks.peers.load import Load, send_load
from benchmarks.peers.paced import send_paced
from benchmarks.rig.figure import Figure, Goal, Outcome, Size
from benchmarks.rig.processes import Server
from benchmarks.rig.rounds import say

_PER_SECOND = 5_000
_BATCH = 100
_MEGABYTE = 1e6
_HOUR_SECONDS = 3_600
_WINDOW_EVENTS = 50_000
"""The window of duplicates, smaller than by default, so that it is full before the measurement."""


@dataclass(frozen=True, slots=True)
class _Work:
    warm_up_requests: int
    seconds: int


_WORK = {Size.FULL: _Work(1_200, 120), Size.QUICK: _Work(800, 30), Size.SMOKE: _Work(5, 3)}


def run(size: Size) -> Outcome:
    """Measure the idle collector, then two slopes."""
    work = _WORK[size]
    window = {"PARCOURS_HTTP__DUPLICATE_WINDOW_EVENTS": str(_WINDOW_EVENTS)}
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder,
        collector_process(Path(folder), clickhouse_url=NOBODY, environment=window) as (collector, write_key),
        Server(["-m", "benchmarks.peers.bare_server"]) as bare,
    ):
        load = Load(
            port=collector.port,
            pid=collector.pid,
            write_key=write_key,
            expected=ANSWER.decode().replace(":0", f":{_BATCH}", 1),
            seed=1,
            requests=1,
            batch=_BATCH,
        )
        send_load(load)
        send_load(_at(load, bare))
        idle = [resident_bytes(server.pid) / _MEGABYTE for server in (collector, bare)]
        say(f"collector_outage: idle {idle[0]:.0f} MB; filling what is bounded")
        send_load(_more(load, seed=2, requests=work.warm_up_requests))
        with _Watch(collector.pid, Path(folder) / "wal") as watch:
            paced = send_paced(
                _more(load, seed=3, requests=work.seconds * _PER_SECOND // _BATCH), per_second=_PER_SECOND / _BATCH
            )
    memory, disk = watch.slopes()
    held = [each / _MEGABYTE for each in watch.resident]
    slopes = f"memory {memory / 1e3:+.1f} kB/s, disk {disk / 1e3:,.0f} kB/s"
    return Outcome(
        [
            Figure(
                "idle collector, resident",
                "bare aiohttp + orjson.loads",
                "MB",
                [idle[0]],
                [idle[1]],
                Goal(most=120, of_ours=True),
            ),
            Figure(
                "an hour's outage at 5,000/s, memory",
                "the same hour, disk",
                "MB",
                [max(memory * _HOUR_SECONDS / _MEGABYTE, 0.001)],
                [disk * _HOUR_SECONDS / _MEGABYTE],
                Goal(most=0.01),
            ),
        ],
        [
            f"the hour is extrapolated from {paced.seconds:.0f} s: {slopes}",
            f"resident meanwhile: {held[0]:.1f} MB at first, {held[-1]:.1f} MB at last, {max(held):.1f} MB at most",
            f"request to 200 meanwhile: p50 {paced.percentile(0.5):.1f} ms, p99 {paced.percentile(0.99):.1f} ms",
        ],
    )


def resident_bytes(pid: int) -> int:
    """Return how much memory a process and its children hold."""
    process = psutil.Process(pid)
    return sum(int(each.memory_info().rss) for each in (process, *process.children(recursive=True)))


def _at(load: Load, server: Server) -> Load:
    return Load(port=server.port, pid=server.pid, write_key="", expected=ANSWER.decode(), seed=1, requests=1, batch=100)


def _more(load: Load, *, seed: int, requests: int) -> Load:
    return Load(
        port=load.port,
        pid=load.pid,
        write_key=load.write_key,
        expected=load.expected,
        seed=seed,
        requests=requests,
        batch=load.batch,
    )


class _Watch:
    """Samples, once a second, what a process and a folder hold."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid = pid
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._at: list[float] = []
        self.resident: list[int] = []
        self._disk: list[int] = []

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def slopes(self) -> tuple[float, float]:
        """Return bytes a second of memory and of disk."""
        skip = len(self._at) // 5  # the source of load makes its requests meanwhile, and sends nothing yet
        return _slope(self._at[skip:], self.resident[skip:]), _slope(self._at[skip:], self._disk[skip:])

    def _sample(self) -> None:
        while not self._stop.wait(1.0 if len(self._at) > 2 else 0.3):
            self._at.append(time.perf_counter())
            self.resident.append(resident_bytes(self._pid))
            self._disk.append(sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file()))


def _slope(at: Sequence[float], held: Sequence[int]) -> float:
    mean_at, mean_held = sum(at) / len(at), sum(held) / len(held)
    spread = sum((one - mean_at) ** 2 for one in at)
    return sum((one - mean_at) * (two - mean_held) for one, two in zip(at, held, strict=True)) / spread
