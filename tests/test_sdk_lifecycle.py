"""How a process lives and ends: imports, threads, forks, multiprocessing, exits, uvloop. Real processes throughout."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcours import AsyncTracker, Tracker
from parcours.testing import Fault, FaultyCollector
from tests.sdk_support import FACES, Face, close, conserved, flush, quick

WAIT_SECONDS = 60


@pytest.fixture
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running
        running.release()


def run(script: str, collector: FaultyCollector | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python of its own, pointed at the collector by the environment."""
    return run_python("-W", "error", "-c", textwrap.dedent(script), collector=collector)


def run_python(*arguments: str, collector: FaultyCollector | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARCOURS_")}
    if collector is not None:
        environment |= {"PARCOURS_ENDPOINT": collector.endpoint, "PARCOURS_WRITE_KEY": collector.write_key}
    started = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = started.communicate(timeout=WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        # The script and every child it has forked: they are the only ones in their session.
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        raise
    return subprocess.CompletedProcess(started.args, started.returncode, output, errors)


def who(collector: FaultyCollector) -> list[str]:
    return sorted(touchpoint["ids"]["user_id"] for touchpoint in collector.touchpoints.values())


def test_importing_it_loads_nothing_heavy_and_starts_nothing() -> None:
    done = run(
        """
        import logging, sys, threading
        import parcours
        heavy = {"aiohttp", "asyncio", "clickhouse_connect", "chdb", "pandas", "pydantic", "orjson"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        from parcours import Tracker, AsyncTracker, DropReason
        import parcours.touchpoints
        heavy -= {"asyncio", "pydantic", "orjson"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        assert threading.active_count() == 1
        assert not logging.getLogger().handlers and not logging.getLogger("parcours").handlers
        assert set(parcours.__all__) <= set(dir(parcours))
        assert all(hasattr(parcours, name) for name in parcours.__all__)
        """
    )
    assert done.returncode == 0, done.stderr


def test_what_sending_needs_is_loaded_when_a_tracker_is_made_and_not_while_the_host_serves(
    collector: FaultyCollector, tmp_path: Path
) -> None:
    done = run(
        f"""
        import os, sys, threading
        os.environ["PARCOURS_DISABLED"] = "1"
        from parcours import Tracker
        Tracker()
        assert "aiohttp" not in sys.modules
        del os.environ["PARCOURS_DISABLED"]
        tracker = Tracker(linger_seconds=0.0, spool={str(tmp_path)!r})
        assert threading.active_count() == 1
        loaded = set(sys.modules)
        tracker.track("machine_seen", user_id="u1")
        assert tracker.flush(30)
        assert set(sys.modules) == loaded, set(sys.modules) - loaded
        """,
        collector,
    )
    assert done.returncode == 0, done.stderr


def test_a_script_that_ends_right_after_emitting_delivers_all(collector: FaultyCollector) -> None:
    # By name, so that resolving it at exit is tried too: executors refuse work by then.
    collector.endpoint = collector.endpoint.replace("127.0.0.1", "localhost")
    done = run(
        """
        from parcours import Tracker
        tracker = Tracker()
        for number in range(1000):
            tracker.track("machine_seen", user_id=str(number))
        """,
        collector,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(collector.touchpoints) == 1000


def test_an_asyncio_script_that_forgets_to_close_delivers_all(collector: FaultyCollector) -> None:
    done = run(
        """
        import asyncio
        from parcours import AsyncTracker
        async def main():
            tracker = AsyncTracker()
            tracker.track("machine_seen", user_id="u1")
        asyncio.run(main())
        """,
        collector,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert who(collector) == ["u1"]


def test_a_forgotten_tracker_still_delivers(collector: FaultyCollector) -> None:
    done = run(
        """
        import gc
        from parcours import Tracker
        def handle():
            Tracker(linger_seconds=2.0).track("machine_seen", user_id="u1")
        handle()
        gc.collect()
        """,
        collector,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert who(collector) == ["u1"]


def test_the_end_of_a_process_is_bounded_whatever_the_number_of_trackers(collector: FaultyCollector) -> None:
    collector.always = Fault.SLOW
    done = run(
        """
        import atexit, time
        from parcours import DropReason, Tracker
        trackers = [Tracker(exit_timeout_seconds=0.5, linger_seconds=0.0) for _ in range(4)]
        def say():
            lost = sum(tracker.stats().dropped[DropReason.SHUTDOWN] for tracker in trackers)
            print(time.monotonic() - started < 4.0, lost)
        for tracker in trackers:
            tracker.track("machine_seen", user_id="u1")
        started = time.monotonic()
        """
        """
        import parcours.lifecycle
        atexit.unregister(parcours.lifecycle._close_all)
        atexit.register(say)
        atexit.register(parcours.lifecycle._close_all)
        """,
        collector,
    )
    assert (done.returncode, done.stdout) == (0, "True 4\n"), done.stderr


def test_emission_after_the_end_is_said_to_be_lost(collector: FaultyCollector) -> None:
    done = run(
        """
        import atexit
        from parcours import DropReason, Tracker
        atexit.register(lambda: print(tracker.track("machine_seen", user_id="u1"), tracker.stats().dropped["shutdown"]))
        tracker = Tracker()
        """,
        collector,
    )
    assert (done.returncode, done.stdout) == (0, "None 1\n")
    assert "shutdown" in done.stderr


def test_emission_in_a_forked_child_is_delivered_once_and_the_parents_too(collector: FaultyCollector) -> None:
    done = run(
        """
        import gc, os, sys, time
        from parcours import Tracker
        tracker = Tracker(linger_seconds=1.0)
        tracker.track("machine_seen", user_id="before")
        tracker.flush(30)
        tracker.track("machine_seen", user_id="parent")
        if os.fork() == 0:
            assert tracker.stats().emitted == 0 and tracker.stats().pending == 0
            gc.collect()
            tracker.track("machine_seen", user_id="child")
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        tracker.track("machine_seen", user_id="parent after")
        assert tracker.flush(30)
        assert tracker.stats().delivered == 3
        """,
        collector,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert who(collector) == ["before", "child", "parent", "parent after"]
    assert collector.duplicates == 0


def test_forks_while_other_threads_emit_neither_hang_nor_lose(collector: FaultyCollector) -> None:
    done = run(
        """
        import os, sys, threading
        from parcours import Tracker
        tracker = Tracker(linger_seconds=0.01)
        stop = threading.Event()
        emitted = [0, 0]
        def work(mine):
            while not stop.is_set():
                tracker.track("machine_seen", user_id=f"parent {mine} {emitted[mine]}")
                emitted[mine] += 1
                stop.wait(0.001)
        threads = [threading.Thread(target=work, args=(mine,)) for mine in range(2)]
        for thread in threads: thread.start()
        for child in range(10):
            if os.fork() == 0:
                tracker.track("machine_seen", user_id=f"child {child}")
                os._exit(0 if tracker.flush(30) else 1)
        codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(10)]
        stop.set()
        for thread in threads: thread.join()
        stats = tracker.close(30)
        assert codes == [0] * 10, codes
        assert stats.delivered == stats.emitted == sum(emitted)
        print(sum(emitted) + 10)
        """,
        collector,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(collector.touchpoints) == int(done.stdout)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_multiprocessing_child_delivers_at_its_end(collector: FaultyCollector, method: str, tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            from parcours import Tracker
            tracker = Tracker(linger_seconds=1.0)
            def work(number):
                tracker.track("machine_seen", user_id=f"child {number}")
            if __name__ == "__main__":
                tracker.track("machine_seen", user_id="parent")
                context = multiprocessing.get_context(sys.argv[1])
                children = [context.Process(target=work, args=(number,)) for number in range(3)]
                for child in children: child.start()
                for child in children: child.join()
                assert [child.exitcode for child in children] == [0, 0, 0]
            """
        )
    )
    done = run_python(str(script), method, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert who(collector) == ["child 0", "child 1", "child 2", "parent"]


def test_it_works_under_uvloop_and_leaves_the_hosts_loop_alone(collector: FaultyCollector) -> None:
    pytest.importorskip("uvloop")
    done = run(
        """
        import asyncio, uvloop
        from parcours import AsyncTracker
        async def main():
            async with AsyncTracker() as tracker:
                tracker.track("machine_seen", user_id="u1")
                assert await tracker.flush(30)
                assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
        uvloop.run(main())
        """,
        collector,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert who(collector) == ["u1"]


def test_one_async_tracker_serves_many_loops(collector: FaultyCollector) -> None:
    tracker = quick(AsyncTracker, collector)
    for number in range(3):
        tracker.track("machine_seen", user_id=str(number))
        assert flush(tracker)
    assert close(tracker).delivered == 3


def test_emission_from_many_threads_is_all_delivered(collector: FaultyCollector) -> None:
    tracker = quick(Tracker, collector)

    def work(mine: int) -> None:
        for number in range(250):
            tracker.track("machine_seen", user_id=f"{mine} {number}")

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert conserved(tracker.stats())
        time.sleep(0.001)
    assert close(tracker).delivered == 2_000
    assert len(collector.touchpoints) == 2_000


def test_emitting_inside_on_drop_or_a_signal_handler_does_not_deadlock(collector: FaultyCollector) -> None:
    done = run(
        """
        import os, signal
        from parcours import Tracker
        def again(dropped, reason):
            if dropped.name == "product_viewed":
                tracker.track("machine_failed", user_id="u1")
        tracker = Tracker(on_drop=again)
        signal.signal(signal.SIGUSR1, lambda *_: tracker.track("machine_seen", user_id="signal"))
        tracker.track("product_viewed", {}, user_id="u1")
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGUSR1)
            tracker.track("machine_seen", user_id="main")
        stats = tracker.close(30)
        assert (stats.emitted, stats.delivered) == (102, 101), stats
        """,
        collector,
    )
    assert done.returncode == 0, done.stderr


def test_a_thread_that_cannot_be_started_is_tried_again_and_said(
    collector: FaultyCollector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with quick(Tracker, collector) as tracker:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            assert tracker.track("newsletter_opened", user_id="u1") is not None
            assert tracker.stats().pending == 1
        assert "No thread can be started" in caplog.text
        tracker.track("newsletter_opened", user_id="u2")
        assert flush(tracker)
    assert len(collector.touchpoints) == 2


def test_a_signal_handler_may_close_a_tracker_that_is_being_started() -> None:
    ended = run(
        """
        import faulthandler, os, signal, threading
        from parcours import Tracker

        faulthandler.dump_traceback_later(30, exit=True)
        tracker = Tracker("http://127.0.0.1:9", "key")
        start = threading.Thread.start

        def start_interrupted(thread):
            os.kill(os.getpid(), signal.SIGTERM)
            start(thread)

        def close(*_):
            threading.Thread.start = start
            tracker.close(0.1)
            print("closed", flush=True)

        signal.signal(signal.SIGTERM, close)
        threading.Thread.start = start_interrupted
        tracker.track("newsletter_opened", user_id="u1")
        print(tracker.close(0.1).lost)
        """
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["closed", "1"]), ended.stderr


def test_a_signal_handler_may_close_a_tracker_that_is_letting_go_of_its_spool(tmp_path: Path) -> None:
    ended = run(
        f"""
        import faulthandler, os, signal
        from parcours import Tracker
        from parcours.spool import Spool

        faulthandler.dump_traceback_later(30, exit=True)
        tracker = Tracker("http://127.0.0.1:9", "key", spool={str(tmp_path)!r})
        release = Spool.release

        def release_interrupted(spool, *, unlink):
            Spool.release = release
            os.kill(os.getpid(), signal.SIGTERM)
            release(spool, unlink=unlink)

        def close(*_):
            tracker.close(0.1)
            print("closed", flush=True)

        signal.signal(signal.SIGTERM, close)
        Spool.release = release_interrupted
        print(tracker.close(0.1).lost)
        """
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["closed", "0"]), ended.stderr


@pytest.mark.parametrize("fault", [None, Fault.NOT_NOW], ids=["nobody listens", "the collector wants to be let alone"])
def test_the_end_does_not_wait_for_a_collector_that_is_away_when_all_is_on_disk(
    collector: FaultyCollector, tmp_path: Path, fault: Fault | None
) -> None:
    collector.always = fault
    collector.retry_after = "3000"
    endpoint = collector.endpoint if fault else "http://127.0.0.1:9"
    # An end that waited its whole time would be killed by `run`.
    script = f"""
        from parcours import Tracker

        tracker = Tracker({endpoint!r}, "test-key", spool={str(tmp_path)!r}, exit_timeout_seconds=600)
        for number in range(50):
            tracker.track("newsletter_opened", user_id=f"u{{number}}")
        """
    ended = run(script)
    assert ended.returncode == 0, ended.stderr
    collector.always = None
    with quick(Tracker, collector, spool=str(tmp_path)) as tracker:
        if fault:
            assert flush(tracker)
            assert len(collector.touchpoints) == 50


def test_one_attempt_that_fails_is_no_reason_to_leave_all_on_the_disk(
    collector: FaultyCollector, tmp_path: Path
) -> None:
    collector.faults.append(Fault.RESET)
    ended = run(
        f"""
        from parcours import Tracker

        tracker = Tracker(spool={str(tmp_path)!r}, exit_timeout_seconds=600)
        tracker.track("newsletter_opened", user_id="u1")
        """,
        collector,
    )
    assert ended.returncode == 0, ended.stderr
    assert len(collector.touchpoints) == 1


def test_the_end_hardly_waits_for_an_answer_when_the_attempts_before_have_failed(
    collector: FaultyCollector, tmp_path: Path
) -> None:
    collector.faults.extend([Fault.ERROR, Fault.ERROR])
    collector.always = Fault.SLOW
    # An end that waited its whole time would be killed by `run`.
    ended = run(
        f"""
        import logging, time
        from parcours import Tracker

        tracker = Tracker(spool={str(tmp_path)!r}, exit_timeout_seconds=600, backoff_base_seconds=0.01)
        tracker.track("newsletter_opened", user_id="u1")
        while tracker._core._worker._failures < 2:
            time.sleep(0.01)
        """,
        collector,
    )
    assert ended.returncode == 0, ended.stderr
    assert not collector.touchpoints


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_the_end_of_a_block_does_not_wait_in_vain_either(face: type[Face], tmp_path: Path) -> None:
    tracker = face("http://127.0.0.1:9", "key", spool=tmp_path, backoff_base_seconds=0.01, backoff_max_seconds=0.01)

    async def use() -> None:
        if isinstance(tracker, AsyncTracker):
            async with tracker:
                tracker.track("newsletter_opened", user_id="u1")
        else:
            with tracker:
                tracker.track("newsletter_opened", user_id="u1")

    began = time.monotonic()
    asyncio.run(use())
    assert time.monotonic() - began < 4.0
    assert (tracker.stats().spooled, tracker.stats().lost) == (1, 0)
