"""A process that emits with one SDK and says what that cost.

`python -m benchmarks.peers.emitter SDK URL WARM_UP EVENTS`.

Every SDK sends batches of 100 in the background over one kept-alive connection, and has a queue that holds all of it.
It prints a JSON object: `cpu_seconds` of the whole process from the first call until all is delivered, and
`call_seconds_p50` of one call.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

BATCH = 100


class Emitter(NamedTuple):
    """One SDK: `emit` records the touchpoint of a number, `flush` returns when all are delivered."""

    emit: Callable[[int], object]
    flush: Callable[[], object]


def parcours(url: str, capacity: int) -> Emitter:
    """Ours, typed: the model is made, and so validated, in the call that is timed."""
    from parcours import Tracker
    from parcours.touchpoints import ProductViewed

    tracker = Tracker(url, "benchmark", queue_max_count=capacity, queue_max_bytes=1 << 30, batch_max_count=BATCH)

    def emit(number: int) -> None:
        tracker.emit(
            ProductViewed(
                product_id=f"tv-{number % 500}",
                name="Television 55 inches",
                category="televisions",
                price="799.00",
                currency="EUR",
                quantity=1,
            ),
            user_id=f"u-{number}",
            context={"url": "https://shop.example/televisions"},
        )

    def flush() -> None:
        tracker.flush(120)
        stats = tracker.stats()
        if stats.pending or any(stats.dropped.values()):
            raise SystemExit(f"not everything was delivered: {stats}")

    return Emitter(emit, flush)


def segment(url: str, capacity: int) -> Emitter:
    """segment-analytics-python: `track` with the same properties, which it does not validate."""
    from segment.analytics.client import Client

    client = Client("benchmark", host=url, max_queue_size=capacity, upload_size=BATCH)

    def emit(number: int) -> None:
        client.track(
            user_id=f"u-{number}",
            event="product_viewed",
            properties=_properties(number),
            context={"page": {"url": "https://shop.example/televisions"}},
        )

    return Emitter(emit, client.flush)


def snowplow(url: str, capacity: int) -> Emitter:
    """snowplow-tracker: a self-describing event with the same properties, which its collector would validate."""
    import requests
    from snowplow_tracker import AsyncEmitter, SelfDescribing, SelfDescribingJson, Subject, Tracker

    emitter = AsyncEmitter(
        url.removeprefix("http://"),
        protocol="http",
        method="post",
        batch_size=BATCH,
        buffer_capacity=capacity,
        session=requests.Session(),
    )
    tracker = Tracker(namespace="benchmark", app_id="shop", emitters=emitter)

    def emit(number: int) -> None:
        subject = Subject()
        subject.set_user_id(f"u-{number}")
        event = SelfDescribing(
            SelfDescribingJson("iglu:example.shop/product_viewed/jsonschema/1-0-0", _properties(number)),
            event_subject=subject,
        )
        event.payload.add("url", "https://shop.example/televisions")
        tracker.track(event)

    return Emitter(emit, emitter.sync_flush)


SDKS: dict[str, Callable[[str, int], Emitter]] = {"parcours": parcours, "segment": segment, "snowplow": snowplow}


def _properties(number: int) -> dict[str, object]:
    return {
        "product_id": f"tv-{number % 500}",
        "name": "Television 55 inches",
        "category": "televisions",
        "price": "799.00",
        "currency": "EUR",
        "quantity": 1,
    }


def _measure(sdk: str, url: str, warm_up: int, events: int) -> dict[str, float]:
    emitter = SDKS[sdk](url, warm_up + events)
    for number in range(warm_up):
        emitter.emit(number)
    emitter.flush()
    clock = time.perf_counter_ns
    calls = []
    cpu_seconds = time.process_time()
    for number in range(events):
        called = clock()
        emitter.emit(number)
        calls.append(clock() - called)
    emitter.flush()
    cpu_seconds = time.process_time() - cpu_seconds
    return {"cpu_seconds": cpu_seconds, "call_seconds_p50": median(calls) / 1e9}


if __name__ == "__main__":
    _, name, server, *counts = sys.argv
    print(json.dumps(_measure(name, server, *map(int, counts))))
