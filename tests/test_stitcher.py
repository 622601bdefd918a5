"""The stitcher beside delivery: how long rows have waited is told truly, also when more rows always come."""

import asyncio
import itertools
import time

from parcours_collector.warehouse.stitcher import Stitcher


async def test_rows_that_always_come_have_waited_no_longer_than_since_the_last_run_began(clickhouse_url: str) -> None:
    ended_at: list[float] = []
    enough = asyncio.Event()

    def took(_seconds: float) -> None:
        ended_at.append(time.monotonic())
        if len(ended_at) == 4:
            enough.set()

    rows_stored = itertools.count(1)
    stitcher = Stitcher(clickhouse_url, interval_seconds=0.01, rows_stored=lambda: next(rows_stored), took=took)
    stitcher.start()
    try:
        async with asyncio.timeout(60):
            await enough.wait()
        behind, before_the_last_run = stitcher.counts.behind.seconds, ended_at[2]
        assert 0 < behind < time.monotonic() - before_the_last_run
    finally:
        await stitcher.stop()


async def test_nothing_waits_once_all_that_was_stored_is_stitched(clickhouse_url: str) -> None:
    first = asyncio.Event()
    stitcher = Stitcher(clickhouse_url, interval_seconds=0.01, rows_stored=lambda: 1, took=lambda _seconds: first.set())
    stitcher.start()
    try:
        async with asyncio.timeout(60):
            await first.wait()
        assert stitcher.counts.behind.seconds == 0
    finally:
        await stitcher.stop()
