"""How long a sender waits for a 200, how soon what it sent can be asked for, and what one machine takes in all.

One collector with its engine, as `parcours up` runs them, each a process of its own; everything is on.

- *request to 200, half load*: requests of 100 touchpoints leave on time at half the rate that the collector reached
  when it was sent as many as it would take, just before; p99 from when a request was due to its answer, which comes
  after the fsync. Delivery to the engine goes on meanwhile. Beside it the bare aiohttp handler, at the same rate.
- *200 to visible*: a request of 100, and from its answer on `touchpoints_resolved` is asked again and again until it
  has them: p99 of the requests, where few it is the slowest. Beside it one INSERT of the engine's own, asked after in
  the same way: what the asking itself takes.
- *all together*: load, collector and engine share the machine; touchpoints/s from the first request until the last row
  is stored. Beside it what the bare handler takes in by the clock, which keeps nothing.
"""

import http.client
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

import orjson
from clickhouse_connect.driver.client import Client

from benchmarks.collector_intake import collector_process
from benchmarks.peers.bare_server import ANSWER
from benchmarks.peers.load import Load, Sent, send_load
from benchmarks.peers.paced import Paced, send_paced
from benchmarks.rig.engine import Engine, count, running_engine
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.processes import Server
from benchmarks.rig.rounds import alternate, say
from benchmarks.touchpoints import rows, wire_touchpoints
from parcours_collector.warehouse.client import ClickHouseUrl, connect

_BATCH = 100
_STORED_TIMEOUT_SECONDS = 120.0
_ASK_AGAIN_SECONDS = 0.02
_EXPECTED = {"ours": ANSWER.decode().replace(":0", f":{_BATCH}", 1), "bare": ANSWER.decode()}


@dataclass(frozen=True, slots=True)
class _Work:
    """Requests of a load, of a paced load, and how many are watched until they are visible; rounds of each."""

    rounds: int
    requests: int
    paced_seconds: float
    watched: int


_WORK = {Size.FULL: _Work(3, 800, 8.0, 100), Size.QUICK: _Work(2, 300, 3.0, 30), Size.SMOKE: _Work(1, 10, 0.2, 2)}


def run(size: Size) -> Outcome:
    """Measure the three on one collector."""
    work = _WORK[size]
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder,
        running_engine() as engine,
        collector_process(Path(folder), clickhouse_url=engine.url) as (collector, write_key),
        Server(["-m", "benchmarks.peers.bare_server"]) as bare,
        connect(engine.url) as client,
    ):
        measure = _Measure(engine, client, {"ours": collector, "bare": bare}, write_key)
        say("collector_promise: warming up")
        measure.visible(2)
        visible = alternate(
            "collector_promise, 200 to visible",
            1,
            {"ours": lambda _n: measure.visible(work.watched), "own": lambda _n: measure.own_visible(work.watched)},
            show=lambda ms: f"p99 {_p99(ms):,.0f} ms",
        )
        together = alternate(
            "collector_promise, all together",
            work.rounds,
            {"ours": lambda _n: measure.together(work.requests), "bare": lambda _n: measure.bare(work.requests)},
            show=lambda rate: f"{rate:,.0f} touchpoints/s",
        )
        half = max(1.0, measure.accepted_per_second(work.requests) / _BATCH / 2)
        waits = alternate(
            "collector_promise, half load",
            work.rounds,
            {side: measure.paced(side, half, max(5, int(work.paced_seconds * half))) for side in ("ours", "bare")},
            show=lambda paced: f"p50 {paced.percentile(0.5):.1f} ms, p99 {paced.percentile(0.99):.1f} ms",
        )
    return Outcome(
        [
            Figure(
                "request to 200, half load, p99",
                "bare aiohttp + orjson.loads",
                "ms",
                [paced.percentile(0.99) for paced in waits["ours"]],
                [paced.percentile(0.99) for paced in waits["bare"]],
                Goal(most=25, of_ours=True),
            ),
            Figure(
                "200 to visible, p99",
                "engine's own insert to visible",
                "ms",
                [_p99(ms) for ms in visible["ours"]],
                [_p99(ms) for ms in visible["own"]],
                Goal(most=2_000, of_ours=True),
            ),
            Figure(
                "all together, 2 cores",
                "bare aiohttp + orjson.loads",
                "touchpoints/s",
                together["ours"],
                together["bare"],
                Goal(least=40_000, of_ours=True),
            ),
        ],
        [
            f"half load is {half * _BATCH:,.0f} touchpoints/s in requests of {_BATCH}",
            f"{len(visible['ours'][0])} requests of {_BATCH} were watched until they were visible",
        ],
    )


class _Measure:
    def __init__(self, engine: Engine, client: Client, servers: dict[str, Server], write_key: str) -> None:
        self._engine = engine
        self._client = client
        self._servers = servers
        self._write_key = write_key
        self._seed = 0

    def visible(self, watched: int) -> list[float]:
        """Send requests one by one; return how long each took from its 200 to being visible, in ms."""

        def send(events: list[bytes]) -> None:
            self._post("ours", b"[" + b",".join(events) + b"]")

        return [self._watch(list(wire_touchpoints(self._next(), _BATCH)), send) for _ in range(watched)]

    def own_visible(self, watched: int) -> list[float]:
        """The same of the engine's own insert."""
        return [self._watch(list(rows(self._next(), _BATCH, "benchmark")), self._insert) for _ in range(watched)]

    def together(self, requests: int) -> float:
        """Return touchpoints/s from the first request until the last row is stored."""
        before = count(self._client, "touchpoints")
        started = time.perf_counter()
        self._load("ours", requests)
        expected = before + requests * _BATCH
        while count(self._client, "touchpoints") < expected:
            if time.perf_counter() - started > _STORED_TIMEOUT_SECONDS:
                raise Void("not everything that was acknowledged was stored in time")
            time.sleep(_ASK_AGAIN_SECONDS)
        return requests * _BATCH / (time.perf_counter() - started - self._preparing)

    def bare(self, requests: int) -> float:
        """Return what the bare handler takes in a second."""
        sent = self._load("bare", requests)
        return sent.events / sent.seconds

    def accepted_per_second(self, requests: int) -> float:
        """Return what the collector accepts in a second when it is sent as many as it takes."""
        sent = self._load("ours", requests)
        return sent.events / sent.seconds

    def paced(self, side: str, per_second: float, requests: int) -> Callable[[int], Paced]:
        return lambda _number: send_paced(self._as_load(side, requests), per_second=per_second)

    def _load(self, side: str, requests: int) -> Sent:
        started = time.perf_counter()
        sent = send_load(self._as_load(side, requests))
        # The process started, made its requests, and ended: all but the sending itself.
        self._preparing = time.perf_counter() - started - sent.seconds
        return sent

    def _as_load(self, side: str, requests: int) -> Load:
        server = self._servers[side]
        return Load(
            port=server.port,
            pid=server.pid,
            write_key=self._write_key,
            expected=_EXPECTED[side],
            seed=self._next(),
            requests=requests,
            batch=_BATCH,
        )

    def _next(self) -> int:
        self._seed += 1
        return self._seed

    def _watch(self, events: list[bytes], send: Callable[[list[bytes]], None]) -> float:
        asked = [orjson.loads(event)["id"] for event in islice(events, 0, None, _BATCH - 1)]
        send(events)
        started = time.perf_counter()
        while True:
            found = self._client.query(
                "SELECT count() FROM touchpoints_resolved WHERE id IN {ids:Array(UUID)}", parameters={"ids": asked}
            ).result_rows[0][0]
            if found == len(asked):
                return (time.perf_counter() - started) * 1_000
            if time.perf_counter() - started > _STORED_TIMEOUT_SECONDS:
                raise Void("what was acknowledged did not become visible")
            time.sleep(_ASK_AGAIN_SECONDS)

    def _post(self, side: str, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._servers[side].port, timeout=60)
        headers = {"Authorization": f"Bearer {self._write_key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/touchpoints", body, headers)
        response = connection.getresponse()
        answer = response.read().decode()
        connection.close()
        if response.status != http.HTTPStatus.OK or answer != _EXPECTED[side]:
            raise Void(f"it answered {response.status} {answer[:300]}")

    def _insert(self, lines: list[bytes]) -> None:
        where = ClickHouseUrl.parse(self._engine.url)
        settings = {"date_time_input_format": "best_effort"}
        query = urlencode({"database": "parcours", "query": "INSERT INTO touchpoints FORMAT JSONEachRow", **settings})
        connection = http.client.HTTPConnection(where.host, where.port, timeout=60)
        headers = {"X-ClickHouse-User": where.username, "X-ClickHouse-Key": where.password}
        connection.request("POST", f"/?{query}", b"".join(lines), headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if response.status != http.HTTPStatus.OK:
            raise Void(f"the insert failed: {answer[:300]!r}")


def _p99(milliseconds: list[float]) -> float:
    kept = sorted(milliseconds)
    return kept[min(len(kept) - 1, int(0.99 * len(kept)))]
