"""Delivery from the log to ClickHouse, beside the engine's own `INSERT … FORMAT JSONEachRow` of the same rows.

Ours is `Delivery` with its `Inserter`, as the collector runs them: read the log, check its CRCs, cut batches, seal each
on disk, name it by a hash of its bytes, compress, insert with the pinned settings, move the checkpoint. Theirs is one
POST a batch over one kept-alive connection, body in hand: the fastest plain way to give the engine the same bytes, with
the engine's own defaults. It is measured uncompressed and as zstd, and each is a figure of its own; the nearer the
ratio is to 1 the less the promise of exactly-once costs. A third denominator sends zstd with the settings that delivery
pins, so that what those cost can be told from what the log, the hashes and the checkpoint cost.

All insert the same rows in the same batches into tables made afresh for each turn by the same migrations, materialized
views and all, in one engine; rows are counted afterwards, and a run in which they differ is void. Rows/s by the
clock, since the work is the engine's and delivery reads the next batch meanwhile, as it always does; and, for a busy
machine, by the CPU time of the engine and of the process that sends, together.
"""

import asyncio
import http.client
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from benchmarks.rig.engine import Engine, count, running_engine
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.rounds import alternate, say
from benchmarks.touchpoints import rows
from parcours_collector.delivery.delivery import Delivery
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind
from parcours_collector.warehouse.client import ClickHouseUrl, connect, connect_async
from parcours_collector.warehouse.insert import INSERT_SETTINGS, Inserter

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_NAME = "delivery, log to stored"
_RECORD_ROWS = 100
"""Rows of one record of the log: a request of so many touchpoints."""
_AT_ONCE = 500
"""Records appended together: well below what the log lets wait for the disk."""
_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 50_000
_READABLE = {"date_time_input_format": "best_effort"}
"""What the engine must be told to read the rows at all."""


@dataclass(frozen=True, slots=True)
class _Work:
    rounds: int
    rows: int


_WORK = {Size.FULL: _Work(5, 200_000), Size.QUICK: _Work(3, 100_000), Size.SMOKE: _Work(1, 1_000)}


def run(size: Size) -> Outcome:
    """Measure delivery and three ways to insert the same rows."""
    work = _WORK[size]
    say(f"delivery: making {work.rows:,} rows")
    made = rows(1, work.rows, "benchmark")
    records = [b"".join(islice(made, _RECORD_ROWS)) for _ in range(work.rows // _RECORD_ROWS)]
    batches = _batches(records)
    with running_engine() as engine, tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder:

        def ours(number: int) -> _Rate:
            return _in_new_tables(
                engine, work.rows, lambda: asyncio.run(_deliver(engine, Path(folder, str(number)), records))
            )

        def own(
            settings: dict[str, str | int], encode: Callable[[bytes], bytes], encoding: str
        ) -> Callable[[int], _Rate]:
            return lambda _number: _in_new_tables(
                engine, work.rows, lambda: _insert(engine, batches, settings, encode, encoding)
            )

        given = alternate(
            "delivery",
            work.rounds,
            {
                "ours": ours,
                "plain": own(dict(_READABLE), bytes, ""),
                "zstd": own(dict(_READABLE), lambda lines: zstd.compress(lines, 1), "zstd"),
                "pinned": own(dict(INSERT_SETTINGS), lambda lines: zstd.compress(lines, 1), "zstd"),
            },
            show=lambda rate: f"{rate.by_clock:,.0f} rows/s, {rate.by_cpu:,.0f} of CPU",
        )
    figures = []
    for side, against, goal in (
        ("plain", "engine's own insert, plain", Goal(least=0.8)),
        ("zstd", "engine's own insert, zstd", Goal(least=0.8)),
        ("pinned", "the same, delivery's settings", None),
    ):
        ours_, theirs = given["ours"], given[side]
        figures += [
            Figure(_NAME, against, "rows/s", [r.by_clock for r in ours_], [r.by_clock for r in theirs], goal),
            Figure(_NAME, against, "rows/s of CPU", [r.by_cpu for r in ours_], [r.by_cpu for r in theirs]),
        ]
    row_bytes = sum(map(len, records)) / work.rows
    return Outcome(figures, [f"{work.rows:,} rows of {row_bytes:.0f} bytes in {len(batches)} batches a turn"])


class _Took(NamedTuple):
    seconds: float
    cpu_seconds: float


class _Rate(NamedTuple):
    """Rows a second: by the clock, and of the CPU time of both processes together."""

    by_clock: float
    by_cpu: float


class _Watch:
    """Started when it is made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._started, self._cpu_seconds = time.perf_counter(), self._spent()

    def took(self) -> _Took:
        return _Took(time.perf_counter() - self._started, self._spent() - self._cpu_seconds)

    def _spent(self) -> float:
        return self._engine.cpu_seconds + time.process_time()


def _batches(records: Sequence[bytes]) -> list[bytes]:
    """Cut as delivery does: whole records, to the same bounds."""
    batches: list[bytes] = []
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and (size + len(record) > _BATCH_BYTES or len(batch) >= _BATCH_ROWS // _RECORD_ROWS):
            batches.append(b"".join(batch))
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    return [*batches, b"".join(batch)]


def _in_new_tables(engine: Engine, expected: int, work: Callable[[], _Took]) -> _Rate:
    engine.make_tables_again()
    took = work()
    with connect(engine.url) as client:
        stored = count(client, "touchpoints")
    if stored != expected:
        raise Void(f"{stored} of {expected} rows are stored")
    return _Rate(expected / took.seconds, expected / took.cpu_seconds)


async def _deliver(engine: Engine, folder: Path, records: Sequence[bytes]) -> _Took:
    log = WriteAheadLog.open(folder)
    inserter = Inserter(lambda: connect_async(engine.url))
    try:
        for start in range(0, len(records), _AT_ONCE):
            await asyncio.gather(
                *(log.append([(RecordKind.TOUCHPOINTS, record)]) for record in records[start : start + _AT_ONCE])
            )
        delivery = Delivery(log, inserter, max_batch_rows=_BATCH_ROWS, max_batch_bytes=_BATCH_BYTES)
        watch = _Watch(engine)
        delivery.start()
        left = await delivery.drain(600)
        took = watch.took()
        if left:
            raise Void(f"{left} bytes are left in the log")
    finally:
        await inserter.close()
        await log.close()
    return took


def _insert(
    engine: Engine,
    batches: Sequence[bytes],
    settings: dict[str, str | int],
    encode: Callable[[bytes], bytes],
    encoding: str,
) -> _Took:
    where = ClickHouseUrl.parse(engine.url)
    connection = http.client.HTTPConnection(where.host, where.port, timeout=600)
    query = urlencode({"database": "parcours", "query": "INSERT INTO touchpoints FORMAT JSONEachRow", **settings})
    headers = {"X-ClickHouse-User": where.username, "X-ClickHouse-Key": where.password}
    headers |= {"Content-Encoding": encoding} if encoding else {}
    watch = _Watch(engine)
    for batch in batches:
        connection.request("POST", f"/?{query}", encode(batch), headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.HTTPStatus.OK:
            raise Void(f"the insert failed: {answer[:300]!r}")
    took = watch.took()
    connection.close()
    return took
