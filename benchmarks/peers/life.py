"""One life of a process that emits with one SDK and ends in one way: `python life.py SDK URL END COUNT SPOOL`.

It runs in whatever interpreter has that SDK installed, so it needs nothing but the standard library and that SDK. Each
touchpoint is marked by its user: `mark-WHO-NUMBER`. Every SDK is made as its documentation shows first, and used as it
is installed: nothing is flushed by hand, for the end is what is shown.
"""

import asyncio
import atexit
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

Emit = Callable[[str], object]


def parcours(url: str, spool: str) -> Emit:
    from parcours import Tracker

    tracker = Tracker(url, "key", spool=spool or None)
    return lambda who: tracker.track("machine_seen", {"number": 1}, user_id=who)


def posthog(url: str, _spool: str) -> Emit:
    from posthog import Posthog

    client = Posthog("key", host=url)
    return lambda who: client.capture("machine_seen", distinct_id=who, properties={"number": 1})


def segment(url: str, _spool: str) -> Emit:
    from segment import analytics

    analytics.write_key = "key"
    analytics.host = url
    return lambda who: analytics.track(who, "machine_seen", {"number": 1})


def rudder(url: str, _spool: str) -> Emit:
    from rudderstack import analytics

    analytics.write_key = "key"
    analytics.dataPlaneUrl = url
    return lambda who: analytics.track(who, "machine_seen", {"number": 1})


def snowplow(url: str, _spool: str) -> Emit:
    from snowplow_tracker import AsyncEmitter, StructuredEvent, Subject, Tracker

    tracker = Tracker("ns", AsyncEmitter(url.removeprefix("http://"), protocol="http"))

    def emit(who: str) -> None:
        subject = Subject()
        subject.set_user_id(who)
        tracker.track(StructuredEvent("shop", "machine_seen", event_subject=subject))

    return emit


def amplitude(url: str, _spool: str) -> Emit:
    from amplitude import Amplitude, BaseEvent, Config

    client = Amplitude("key", Config(server_url=f"{url}/2/httpapi"))
    return lambda who: client.track(BaseEvent("machine_seen", user_id=who))


def mixpanel(url: str, _spool: str) -> Emit:
    from mixpanel import Consumer, Mixpanel

    client = Mixpanel("token", consumer=Consumer(events_url=f"{url}/track"))
    return lambda who: client.track(who, "machine_seen", {"number": 1})


def main(sdk: str, url: str, end: str, count: str, spool: str) -> None:
    """Live, and end."""
    emit: Emit = globals()[sdk.removesuffix("_spool")](url, spool)

    def many(who: str) -> None:
        for number in range(int(count)):
            emit(f"mark-{who}-{number}")

    ENDS[end](many)


def _exits(many: Callable[[str], None]) -> None:
    many("parent")


def _kills_itself(many: Callable[[str], None]) -> None:
    many("parent")
    os.kill(os.getpid(), signal.SIGKILL)


def _is_terminated(many: Callable[[str], None]) -> None:
    many("parent")
    os.kill(os.getpid(), signal.SIGTERM)


def _leaves(many: Callable[[str], None]) -> None:
    many("parent")
    os._exit(0)


def _in_threads(many: Callable[[str], None]) -> None:
    threads = [threading.Thread(target=many, args=(f"thread{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _at_exit(many: Callable[[str], None]) -> None:
    # Run after the SDK's own, when it has one: that was registered later.
    many("parent")


def _in_asyncio(many: Callable[[str], None]) -> None:
    async def work() -> None:
        many("parent")

    asyncio.run(work())


def _in_uvloop(many: Callable[[str], None]) -> None:
    import uvloop

    async def work() -> None:
        many("parent")

    uvloop.run(work())


def _forks(many: Callable[[str], None]) -> None:
    many("parent")
    child = os.fork()
    if child == 0:
        many("child")
        sys.exit(0)
    os.waitpid(child, 0)


def _forks_and_leaves(many: Callable[[str], None]) -> None:
    many("parent")
    child = os.fork()
    if child == 0:
        many("child")
        os._exit(0)
    os.waitpid(child, 0)


def _preloads(many: Callable[[str], None]) -> None:
    # As gunicorn does with preload: made before the fork, used after it, ended by SIGTERM after some work.
    child = os.fork()
    if child == 0:
        many("worker")
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    os.waitpid(child, 0)


def _multiprocesses(many: Callable[[str], None]) -> None:
    many("parent")
    child = multiprocessing.get_context("fork").Process(target=many, args=("child",))
    child.start()
    child.join()


def _spawns(_many: Callable[[str], None]) -> None:
    # The child imports this file again, and makes an SDK of its own.
    child = multiprocessing.get_context("spawn").Process(target=_spawned, args=(sys.argv[1:],))
    child.start()
    child.join()


def _spawned(arguments: list[str]) -> None:
    main(arguments[0], arguments[1], "exits", *arguments[3:])


def _starts_again(_many: Callable[[str], None]) -> None:
    # Emits nothing: what comes now was kept by the life before.
    time.sleep(1)


ENDS: dict[str, Callable[[Callable[[str], None]], None]] = {
    "exits": _exits,
    "threads": _in_threads,
    "asyncio": _in_asyncio,
    "uvloop": _in_uvloop,
    "at_exit": _at_exit,
    "fork": _forks,
    "fork_leaves": _forks_and_leaves,
    "preload": _preloads,
    "multiprocessing": _multiprocesses,
    "spawn": _spawns,
    "leaves": _leaves,
    "terminated": _is_terminated,
    "killed": _kills_itself,
    "outage": _exits,
    "again": _starts_again,
}

if __name__ == "__main__":
    sys.path.pop(0)  # this folder: a file in it must not stand for a library
    if sys.argv[3] == "at_exit":
        # Before the SDK is loaded, so that it runs after whatever the SDK does at exit.
        arguments = list(sys.argv[1:])
        state: dict[str, Emit] = {}
        atexit.register(lambda: [state["emit"](f"mark-parent-{number}") for number in range(int(arguments[3]))])
        state["emit"] = globals()[arguments[0].removesuffix("_spool")](arguments[1], arguments[4])
        Path(os.devnull).touch()
    else:
        main(*sys.argv[1:])
