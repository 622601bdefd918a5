"""A process that emits with one SDK and says what that cost.

`python -m benchmarks.peers.emitter SDK URL WARM_UP EVENTS [SPOOL]`.

Every SDK sends batches of 100, and has a queue that holds all of it; `sdk_emit` says where one cannot. It prints a JSON
object: `cpu_seconds` of the whole process from the first call until all is delivered, `call_seconds_p50` and
`call_seconds_p99` of one call.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import NamedTuple

BATCH = 100
_FLUSH_SECONDS = 120.0
_PAGE = "https://shop.example/televisions"


class Emitter(NamedTuple):
    """One SDK.

    Attributes:
        emit: Records the touchpoint of a number.
        flush: Returns when all are delivered.
        pending: How many are not, where the SDK tells.
    """

    emit: Callable[[int], object]
    flush: Callable[[], object]
    pending: Callable[[], int] | None = None


def parcours(url: str, capacity: int, spool: str) -> Emitter:
    """Ours, typed: the model is made, and so validated, in the call that is timed."""
    return _parcours(url, capacity, spool, batch_max_count=BATCH)


def parcours_as_installed(url: str, capacity: int, spool: str) -> Emitter:
    """Ours with the size of batches that it comes with."""
    return _parcours(url, capacity, spool)


def _parcours(url: str, capacity: int, spool: str, **options: int) -> Emitter:
    from parcours import Tracker
    from parcours.touchpoints import ProductViewed

    tracker = Tracker(
        url,
        "benchmark",
        queue_max_count=capacity,
        queue_max_bytes=1 << 30,
        spool=spool or None,
        spool_max_bytes=1 << 30,
        **options,
    )

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
            context={"url": _PAGE},
        )

    def flush() -> None:
        tracker.flush(_FLUSH_SECONDS)
        stats = tracker.stats()
        if stats.pending or stats.spooled or stats.lost:
            raise SystemExit(f"not everything was delivered: {stats}")

    return Emitter(emit, flush, lambda: tracker.stats().pending)


def posthog(url: str, capacity: int, _spool: str) -> Emitter:
    """Posthog: `capture` with the same properties, which it does not validate."""
    from posthog import Posthog

    client = Posthog("benchmark", host=url, max_queue_size=capacity, flush_at=BATCH)

    def emit(number: int) -> None:
        client.capture(
            "product_viewed", distinct_id=f"u-{number}", properties={**_properties(number), "$current_url": _PAGE}
        )

    return Emitter(emit, lambda: client.flush(timeout_seconds=_FLUSH_SECONDS))


def segment(url: str, capacity: int, _spool: str) -> Emitter:
    """segment-analytics-python: `track` with the same properties, which it does not validate."""
    from segment.analytics.client import Client

    client = Client("benchmark", host=url, max_queue_size=capacity, upload_size=BATCH)

    def emit(number: int) -> None:
        client.track(
            user_id=f"u-{number}",
            event="product_viewed",
            properties=_properties(number),
            context={"page": {"url": _PAGE}},
        )

    return Emitter(emit, client.flush, lambda: client.queue.unfinished_tasks)


def rudder(url: str, capacity: int, _spool: str) -> Emitter:
    """rudder-sdk-python: Segment's call; gzip is its default."""
    from rudderstack.analytics.client import Client

    client = Client("benchmark", host=url, max_queue_size=capacity, upload_size=BATCH)

    def emit(number: int) -> None:
        client.track(
            user_id=f"u-{number}",
            event="product_viewed",
            properties=_properties(number),
            context={"page": {"url": _PAGE}},
        )

    return Emitter(emit, client.flush)


def snowplow(url: str, capacity: int, _spool: str) -> Emitter:
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
        event.payload.add("url", _PAGE)
        tracker.track(event)

    return Emitter(emit, emitter.sync_flush)


def mixpanel(url: str, _capacity: int, _spool: str) -> Emitter:
    """Mixpanel: its buffered consumer, which sends 50 at a time in the caller's thread: it has no other."""
    from mixpanel import BufferedConsumer, Mixpanel

    consumer = BufferedConsumer(max_size=BATCH, events_url=f"{url}/track")
    client = Mixpanel("benchmark", consumer=consumer)

    def emit(number: int) -> None:
        client.track(f"u-{number}", "product_viewed", {**_properties(number), "$current_url": _PAGE})

    return Emitter(emit, consumer.flush)


def amplitude(url: str, _capacity: int, _spool: str) -> Emitter:
    """amplitude-analytics: a typed event object whose properties it copies and checks for being JSON."""
    from amplitude import Amplitude, BaseEvent, Config

    ended = 0
    emitted = 0
    changed = threading.Condition()

    def count(_event: object, _code: int, _message: str | None = None) -> None:
        # Its own flush does not wait for what its consumer has taken already.
        nonlocal ended
        with changed:
            ended += 1
            changed.notify_all()

    client = Amplitude("benchmark", Config(server_url=f"{url}/2/httpapi", flush_queue_size=BATCH, callback=count))

    def emit(number: int) -> None:
        nonlocal emitted
        emitted += 1
        client.track(
            BaseEvent(
                "product_viewed",
                user_id=f"u-{number}",
                event_properties={**_properties(number), "[Amplitude] Page URL": _PAGE},
            )
        )

    def flush() -> None:
        client.flush()
        with changed:
            changed.wait_for(lambda: ended == emitted, _FLUSH_SECONDS)

    return Emitter(emit, flush)


SDKS: dict[str, Callable[[str, int, str], Emitter]] = {
    "parcours": parcours,
    "parcours_spool": parcours,
    "parcours_as_installed": parcours_as_installed,
    "posthog": posthog,
    "segment": segment,
    "rudder": rudder,
    "snowplow": snowplow,
    "mixpanel": mixpanel,
    "amplitude": amplitude,
}


def _properties(number: int) -> dict[str, object]:
    return {
        "product_id": f"tv-{number % 500}",
        "name": "Television 55 inches",
        "category": "televisions",
        "price": "799.00",
        "currency": "EUR",
        "quantity": 1,
    }


def _measure(sdk: str, url: str, warm_up: int, events: int, spool: str) -> dict[str, float]:
    emitter = SDKS[sdk](url, warm_up + events, spool)
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
    return {
        "cpu_seconds": cpu_seconds,
        "call_seconds_p50": median(calls) / 1e9,
        "call_seconds_p99": quantiles(calls, n=100)[98] / 1e9,
    }


if __name__ == "__main__":
    _, name, server, warm_up_count, event_count, *folder = sys.argv
    print(json.dumps(_measure(name, server, int(warm_up_count), int(event_count), *folder or [""])), flush=True)
    # All is delivered, and the end is not measured: Amplitude's takes ten seconds, until its thread looks up.
    os._exit(0)
