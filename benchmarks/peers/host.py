"""A process that an SDK lives in, and what the SDK does to it: `python -m benchmarks.peers.host lag|memory …`.

`lag URL SECONDS [SPOOL]`: an asyncio loop that emits 5,000 typed touchpoints a second with `AsyncTracker`, or does
nothing without a URL, and measures how late it is. `memory SDK SINK DEAD COUNT`: what so many pending touchpoints hold,
after others were delivered to the sink. Each prints a JSON object.
"""

import asyncio
import gc
import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from statistics import quantiles

import psutil

from benchmarks.peers.emitter import SDKS

PER_SECOND = 5_000
_TICK_SECONDS = 0.001
_FIRST_SECONDS = 1.0


async def _lag(url: str, seconds: float, spool: str) -> dict[str, float]:
    from parcours import AsyncTracker
    from parcours.touchpoints import ProductViewed

    tracker = AsyncTracker(url, "benchmark", spool=spool or None) if url else None

    def emit(number: int) -> None:
        if tracker is not None:
            tracker.emit(
                ProductViewed(product_id=f"tv-{number % 500}", price="799.00", currency="EUR", quantity=1),
                user_id=f"u-{number}",
                context={"url": "https://shop.example/televisions"},
            )

    loop = asyncio.get_running_loop()
    started_at = loop.time()
    beating = asyncio.create_task(_beat(started_at, seconds))
    emitted = 0
    while (elapsed := loop.time() - started_at) < seconds:
        due = int(elapsed * PER_SECOND)
        for number in range(emitted, due):
            emit(number)
        emitted = due
        await asyncio.sleep(_TICK_SECONDS)
    lags = await beating
    stats = tracker.stats() if tracker is not None else None
    return {
        "p99_ms": quantiles(lags, n=100)[98] * 1000,
        "max_ms": max(lags) * 1000,
        "max_after_first_second_ms": max(lags[int(_FIRST_SECONDS / _TICK_SECONDS) :], default=0.0) * 1000,
        "emitted": emitted if stats is None else stats.emitted,
        "waiting": 0 if stats is None else stats.pending + stats.spooled,
    }


async def _beat(started_at: float, seconds: float) -> list[float]:
    """Return how late the loop was for each millisecond of the time.

    Also for those that passed while it was held up: one long wait is late for all of them.
    """
    loop = asyncio.get_running_loop()
    lags = []
    for number in range(1, int(seconds / _TICK_SECONDS)):
        due_at = started_at + number * _TICK_SECONDS
        if (ahead := due_at - loop.time()) > 0:
            await asyncio.sleep(ahead)
        lags.append(loop.time() - due_at)
    return lags


def _memory(sdk: str, sink_url: str, dead_url: str, count: int) -> dict[str, float]:
    process = psutil.Process()

    def resident() -> int:
        return int(process.memory_info().rss)

    def traced() -> int:
        return tracemalloc.get_traced_memory()[0]

    # What is loaded and set up once is behind it.
    warm = SDKS[sdk](sink_url, 1_000, "")
    for number in range(1_000):
        warm.emit(number)
    warm.flush()
    resident_bytes, pending = _growth(sdk, dead_url, count, resident)
    tracemalloc.start()
    traced_bytes, pending_traced = _growth(sdk, dead_url, count, traced)
    return {"resident_bytes": resident_bytes, "traced_bytes": traced_bytes, "pending": min(pending, pending_traced)}


def _growth(sdk: str, url: str, count: int, read: Callable[[], int]) -> tuple[int, int]:
    """Return how many bytes so many pending touchpoints hold, and how many are pending."""
    gc.collect()
    before = read()
    emitter = SDKS[sdk](url, count, "")
    for number in range(count):
        emitter.emit(number)
    assert emitter.pending is not None
    pending = emitter.pending()
    gc.collect()
    return read() - before, pending


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["lag", where, how_long, *folder]:
            measured = asyncio.run(_lag(where, float(how_long), *folder or [""]))
        case ["memory", which, sink, dead, how_many]:
            measured = _memory(which, sink, dead, int(how_many))
        case _:
            sys.exit(__doc__)
    print(json.dumps(measured), flush=True)
    # Nothing that waits for a dead collector is waited for.
    os._exit(0)
