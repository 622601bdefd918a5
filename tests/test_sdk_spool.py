"""The spool: what was emitted is on disk until the collector has answered, whatever the process comes to."""

import logging
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from parcours import AsyncTracker, DropReason, InvalidOptions, Tracker, clock
from parcours.backlog import Backlog
from parcours.claim import Claim
from parcours.journal import Journal, Record, read_journal
from parcours.outgoing import Outgoing, Waiting
from parcours.testing import Fault, FaultyCollector
from tests.sdk_support import FACES, Face, Losses, close, conserved, flush, quick

WAIT_SECONDS = 60


@pytest.fixture
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running
        running.release()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture(params=FACES, ids=lambda face: face.__name__)
def face(request: pytest.FixtureRequest) -> type[Face]:
    kind: type[Face] = request.param
    return kind


def run(script: str, collector: FaultyCollector, spool: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python of its own, pointed at the collector and the spool by the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARCOURS_")} | {
        "PARCOURS_ENDPOINT": collector.endpoint,
        "PARCOURS_WRITE_KEY": collector.write_key,
        "PARCOURS_SPOOL": str(spool),
    }
    started = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = started.communicate(timeout=WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        raise
    return subprocess.CompletedProcess(started.args, started.returncode, output, errors)


def emit_many(tracker: Face, count: int) -> list[str]:
    ids = [tracker.track("machine_seen", {"number": number}, user_id="u1") for number in range(count)]
    assert None not in ids
    return [event_id for event_id in ids if event_id is not None]


def files(spool: Path, suffix: str = "") -> list[Path]:
    return sorted(path for path in spool.rglob(f"*{suffix}") if path.is_file())


def eventually(condition: Callable[[], bool], timeout_seconds: float = 20.0) -> bool:
    """Whether something of a background thread's becomes true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def leave_behind(collector: FaultyCollector, spool: Path, count: int) -> list[str]:
    """Have a process die with so many touchpoints, below 1,000, in its spool: none of them was sent.

    Nor were those of the dead before it: where a process lives long enough to adopt some and is killed between the
    answer and its note of it, the next one sends them again, as it must.
    """
    was, collector.always = collector.always, Fault.ERROR
    done = run(
        f"""
        import os
        from parcours import Tracker
        tracker = Tracker(linger_seconds=60.0, batch_max_count=1000)
        for number in range({count}):
            print(tracker.track("machine_seen", {{"number": number}}, user_id="u1"))
        import sys; sys.stdout.flush()
        os.kill(os.getpid(), 9)
        """,
        collector,
        spool,
    )
    collector.always = was
    assert done.returncode == -signal.SIGKILL, done.stderr
    ids = done.stdout.split()
    assert len(ids) == count
    return ids


ENDS = {
    "kill -9": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "os._exit": "os._exit(0)",
    "os.abort": "os.abort()",
    "an unhandled error": "raise SystemExit(3)",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_whatever_way_a_process_ends_right_after_emitting_the_next_delivers_all_of_it_once(
    collector: FaultyCollector, spool: Path, end: str
) -> None:
    collector.always = Fault.ERROR
    done = run(
        f"""
        import os, signal, sys
        from parcours import Tracker
        tracker = Tracker(exit_timeout_seconds=0.2)
        for number in range(50):
            print(tracker.track("machine_seen", user_id="u1"))
        sys.stdout.flush()
        {end}
        """,
        collector,
        spool,
    )
    ids = done.stdout.split()
    assert len(ids) == 50, done.stderr
    assert not collector.touchpoints
    collector.always = None
    tracker = quick(Tracker, collector, spool=spool)
    assert flush(tracker)
    adopted = close(tracker).adopted
    assert (adopted.count, adopted.delivered, adopted.spooled) == (50, 50, 0)
    assert list(collector.touchpoints) == ids
    assert collector.duplicates == 0
    assert files(spool) == []


def test_what_is_spooled_is_counted_as_spooled_and_the_law_holds(
    face: type[Face], collector: FaultyCollector, spool: Path
) -> None:
    collector.always = Fault.ERROR
    tracker = quick(face, collector, spool=spool)
    emit_many(tracker, 10)
    stats = tracker.stats()
    assert (stats.emitted, stats.pending, stats.spooled) == (10, 0, 10)
    last = close(tracker, 0.1)
    assert (last.spooled, last.lost) == (10, 0)
    assert conserved(last)
    assert close(tracker, 0.1) == last
    collector.always = None
    heir = quick(face, collector, spool=spool)
    emit_many(heir, 5)
    stats = close(heir)
    assert conserved(stats)
    assert (stats.emitted, stats.delivered, stats.adopted.delivered) == (5, 5, 10)
    assert (len(collector.touchpoints), collector.duplicates) == (15, 0)
    assert files(spool) == []


def test_delivered_touchpoints_do_not_stay_on_the_disk(collector: FaultyCollector, spool: Path) -> None:
    tracker = quick(Tracker, collector, spool=spool)
    tracker.track("machine_seen", {"text": "canary"}, user_id="u1")
    assert any(b"canary" in path.read_bytes() for path in files(spool))
    assert flush(tracker)
    assert files(spool)
    assert not any(b"canary" in path.read_bytes() for path in files(spool))
    close(tracker)


def test_two_living_processes_share_no_spool(collector: FaultyCollector, spool: Path) -> None:
    collector.always = Fault.ERROR
    one = quick(Tracker, collector, spool=spool)
    emit_many(one, 10)
    other = quick(AsyncTracker, collector, spool=spool)
    emit_many(other, 10)
    assert len(files(spool, ".journal")) == 2
    collector.always = None
    assert close(other).adopted.count == 0
    assert close(one).adopted.count == 0
    assert (len(collector.touchpoints), collector.duplicates) == (20, 0)


def test_many_heirs_deliver_what_the_dead_left_once(collector: FaultyCollector, spool: Path) -> None:
    for _ in range(3):
        leave_behind(collector, spool, 20)
    heirs = [quick(Tracker, collector, spool=spool) for _ in range(3)]
    for heir in heirs:
        assert flush(heir)
    assert sum(close(heir).adopted.delivered for heir in heirs) == 60
    assert (len(collector.touchpoints), collector.duplicates) == (60, 0)


def test_the_spool_of_another_key_is_left_alone(collector: FaultyCollector, spool: Path) -> None:
    leave_behind(collector, spool, 3)
    with FaultyCollector(write_key="another") as elsewhere:
        other = quick(Tracker, elsewhere, spool=spool)
        emit_many(other, 1)
        assert close(other).adopted.count == 0
        assert len(elsewhere.touchpoints) == 1
    assert not collector.touchpoints
    heir = quick(Tracker, collector, spool=spool)
    assert close(heir).adopted.delivered == 3


def test_much_goes_from_memory_to_the_backlog_and_comes_back_oldest_first(
    collector: FaultyCollector, spool: Path
) -> None:
    collector.always = Fault.SLOW
    losses = Losses()
    tracker = quick(Tracker, collector, spool=spool, queue_max_count=400, on_drop=losses)
    ids: list[str] = []
    for _ in range(20):
        ids += emit_many(tracker, 100)
        for _ in range(200):
            # Memory holds few: the rest must have gone to SQLite.
            if len(tracker._core._queue._entries) < 200:
                break
            time.sleep(0.01)
    assert files(spool, ".sqlite")
    assert tracker.stats().spooled == 2000
    # Down to little: the journal, which is written anew under the lock of whoever emits, is short then.
    assert eventually(lambda: len(tracker._core._queue._entries) <= 25)
    collector.always = None
    collector.release()
    assert flush(tracker)
    assert list(collector.touchpoints) == ids
    stats = close(tracker)
    assert (stats.delivered, stats.lost, losses.seen, collector.duplicates) == (2000, 0, [], 0)
    assert max(map(len, collector.batches)) <= 500


def test_a_thread_that_cannot_be_started_leaves_memory_to_be_emptied_by_the_next(
    collector: FaultyCollector, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.always = Fault.SLOW
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "parcours-spool":
            raise RuntimeError("can't start new thread")
        start(thread)

    tracker = quick(Tracker, collector, spool=spool, queue_max_count=400)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        emit_many(tracker, 250)
    emit_many(tracker, 50)
    assert eventually(lambda: len(tracker._core._queue._entries) <= 25)
    emit_many(tracker, 300)
    assert tracker.stats().lost == 0
    collector.always = None
    collector.release()
    assert close(tracker).delivered == 600


def test_a_fork_while_a_spool_is_being_claimed_takes_no_lock_along(collector: FaultyCollector, spool: Path) -> None:
    done = run(
        """
        import os, threading, time
        from parcours import Tracker
        from parcours.claim import Claim

        tracker = Tracker(linger_seconds=60.0)
        make, claimed = Claim.make, threading.Event()

        def make_slowly(folder):
            claim = make(folder)
            claimed.set()
            time.sleep(0.3)
            return claim

        Claim.make = make_slowly
        emitting = threading.Thread(target=tracker.track, args=("machine_seen",), kwargs={"user_id": "u1"})
        emitting.start()
        claimed.wait()
        child = os.fork()
        if child == 0:
            held = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if number > "2"
                    and os.path.islink(f"/proc/self/fd/{number}")]
            os._exit(any(name.endswith(".lock") for name in held))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        emitting.join()
        """,
        collector,
        spool,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_backlog_left_by_kill_9_is_delivered_in_order(collector: FaultyCollector, spool: Path) -> None:
    collector.always = Fault.ERROR
    done = run(
        """
        import os, time
        from parcours import Tracker
        tracker = Tracker(queue_max_count=1000)
        ids = []
        for number in range(3000):
            ids.append(tracker.track("machine_seen", user_id="u1"))
            while len(tracker._core._queue._entries) > 900:
                time.sleep(0.01)
        print("\\n".join(ids), flush=True)
        assert tracker.stats().spooled == 3000
        os.kill(os.getpid(), 9)
        """,
        collector,
        spool,
    )
    ids = done.stdout.split()
    assert len(ids) == 3000, done.stderr
    collector.always = None
    heir = quick(Tracker, collector, spool=spool)
    assert flush(heir)
    assert close(heir).adopted.delivered == 3000
    assert list(collector.touchpoints) == ids
    assert collector.duplicates == 0


def test_an_heir_that_dies_leaves_the_rest_to_the_next(collector: FaultyCollector, spool: Path) -> None:
    ids = leave_behind(collector, spool, 100)
    done = run(
        """
        import os, time
        from parcours import Tracker
        tracker = Tracker(batch_max_count=10)
        while tracker.stats().adopted.delivered < 30:
            time.sleep(0.001)
        os.kill(os.getpid(), 9)
        """,
        collector,
        spool,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    heir = quick(Tracker, collector, spool=spool)
    assert flush(heir)
    assert close(heir).adopted.count <= 70
    assert sorted(collector.touchpoints) == sorted(ids)
    # At most the batch whose answer the dead one did not live to read.
    assert collector.duplicates <= 10


def test_a_forked_child_has_a_spool_of_its_own_and_leaves_the_parents_alone(
    collector: FaultyCollector, spool: Path
) -> None:
    collector.always = Fault.ERROR
    done = run(
        """
        import os, sys, time
        from parcours import Tracker
        tracker = Tracker(queue_max_count=1000, backoff_max_seconds=0.1)
        def emit(who, count):
            for _ in range(count):
                assert tracker.track("machine_seen", user_id=who)
                while len(tracker._core._queue._entries) > 900:
                    time.sleep(0.01)
        emit("parent", 2000)
        children = []
        for number in range(3):
            pid = os.fork()
            if pid == 0:
                stats = tracker.stats()
                assert (stats.emitted, stats.spooled) == (0, 0)
                emit("child", 700)
                if number == 0:
                    os._exit(0)
                if number == 1:
                    sys.exit(0)
                os.kill(os.getpid(), 9)
            children.append(pid)
        for child in children:
            os.waitpid(child, 0)
        assert tracker.stats().spooled == 2000
        os.kill(os.getpid(), 9)
        """,
        collector,
        spool,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    collector.always = None
    heir = quick(Tracker, collector, spool=spool)
    assert flush(heir)
    assert close(heir).adopted.delivered == 2000 + 3 * 700
    assert collector.duplicates == 0
    assert files(spool) == []


def test_the_death_of_a_parent_frees_its_spool_while_its_children_live(collector: FaultyCollector, spool: Path) -> None:
    done = run(
        """
        import os, sys, time
        from parcours import Tracker
        tracker = Tracker(linger_seconds=60.0)
        tracker.track("machine_seen", user_id="grandparent")
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(writing)
            os.read(reading, 1)  # until its parent is dead
            tracker.track("machine_seen", user_id="child")
            heir = Tracker()
            deadline = time.monotonic() + 30
            while not heir.stats().adopted.delivered and time.monotonic() < deadline:
                time.sleep(0.01)
            assert tracker.flush(30)
            print("adopted", flush=True)
            os._exit(0)
        os.kill(os.getpid(), 9)
        """,
        collector,
        spool,
    )
    assert done.stdout == "adopted\n", done.stderr
    assert len(collector.touchpoints) == 2


def test_a_spool_that_is_full_drops_the_newest(collector: FaultyCollector, spool: Path) -> None:
    collector.always = Fault.SLOW
    losses = Losses()
    tracker = quick(Tracker, collector, spool=spool, spool_max_bytes=64 * 1024, on_drop=losses)
    sent = [tracker.track("machine_seen", {"text": "x" * 8_000}, user_id="u1") for _ in range(10)]
    assert [event_id is not None for event_id in sent] == [True] * 8 + [False] * 2
    assert losses.count(DropReason.FULL) == 2
    collector.always = None
    collector.release()
    assert flush(tracker)
    stats = close(tracker)
    assert conserved(stats)
    assert stats.delivered == 8


def test_what_waited_too_long_is_dropped_as_expired_and_nothing_else_is(
    collector: FaultyCollector, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_behind(collector, spool, 3)
    losses = Losses()
    tracker = quick(Tracker, collector, spool=spool, spool_max_age_seconds=3600.0, on_drop=losses, linger_seconds=60.0)
    assert collector.wait_for(lambda: len(collector.touchpoints) == 3)
    collector.always = Fault.ERROR
    leave_behind(collector, spool, 4)
    emit_many(tracker, 5)
    steady, wall = clock.steady_ns, clock.wall_ns
    two_hours_ns = 2 * 3600 * 1_000_000_000
    monkeypatch.setattr(clock, "steady_ns", lambda: steady() + two_hours_ns)
    monkeypatch.setattr(clock, "wall_ns", lambda: wall() + two_hours_ns)
    collector.always = None
    young = tracker.track("machine_seen", user_id="u1")
    assert flush(tracker)
    stats = tracker.stats()
    assert (stats.delivered, stats.dropped[DropReason.EXPIRED]) == (1, 5)
    assert young in collector.touchpoints
    adopters = [close(tracker)]
    heir = quick(Tracker, collector, spool=spool, spool_max_age_seconds=3600.0, on_drop=losses)
    assert flush(heir)
    adopters.append(close(heir))
    # Either of them may have found the second dead process first: it looks for them at its own times.
    assert sum(stats.adopted.dropped[DropReason.EXPIRED] for stats in adopters) == 4
    assert sum(stats.adopted.delivered for stats in adopters) == 3
    assert losses.count(DropReason.EXPIRED) == 9


def test_a_wall_clock_that_is_set_does_not_age_what_waits(
    collector: FaultyCollector, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.always = Fault.ERROR
    tracker = quick(Tracker, collector, spool=spool, spool_max_age_seconds=3600.0)
    emit_many(tracker, 5)
    wall = clock.wall_ns
    monkeypatch.setattr(clock, "wall_ns", lambda: wall() + 10 * 365 * 86_400 * 1_000_000_000)
    collector.always = None
    assert flush(tracker)
    assert close(tracker).delivered == 5


def test_a_folder_that_cannot_be_made_is_said_once_and_memory_serves(
    face: type[Face], collector: FaultyCollector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in the way").write_text("")
    tracker = quick(face, collector, spool=tmp_path / "in the way")
    emit_many(tracker, 20)
    assert tracker.stats().spooled == 0
    assert flush(tracker)
    stats = close(tracker)
    assert (stats.delivered, stats.lost) == (20, 0)
    assert [record.levelno for record in caplog.records if record.name == "parcours"] == [logging.WARNING]
    assert "spool" in caplog.text


def test_a_disk_that_fills_costs_nothing_and_serves_again_when_there_is_room(
    collector: FaultyCollector, spool: Path
) -> None:
    collector.always = Fault.ERROR
    tracker = quick(Tracker, collector, spool=spool)
    emit_many(tracker, 5)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (files(spool, ".journal")[0].stat().st_size + 60, limits[1]))
    try:
        emit_many(tracker, 5)
        stats = tracker.stats()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (stats.spooled, stats.pending) == (5, 5)
    assert conserved(stats)
    queue = tracker._core._queue
    queue._spool._rests_until = 0.0
    queue.secure()
    assert (tracker.stats().spooled, tracker.stats().pending) == (10, 0)
    assert close(tracker, 0.1).spooled == 10
    collector.always = None
    heir = quick(Tracker, collector, spool=spool)
    assert close(heir).adopted.delivered == 10
    assert len(collector.touchpoints) == 10


@pytest.mark.parametrize("damage", ["not a database", "torn page"])
def test_a_damaged_backlog_is_set_aside_and_the_journal_beside_it_is_delivered(
    collector: FaultyCollector, spool: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    leave_behind(collector, spool, 10)
    (journal,) = files(spool, ".journal")
    database = journal.with_suffix(".sqlite")
    if damage == "not a database":
        database.write_bytes(b"\xff" * 8192)
    else:
        with sqlite3.connect(database) as made:
            made.execute(
                "CREATE TABLE touchpoints (number INTEGER PRIMARY KEY, at_ms, id, name, wire, clock_offset_ns)"
            )
            made.executemany(
                "INSERT INTO touchpoints VALUES (?, 0, 'x', 'x', ?, NULL)", [(-n, "x" * 900) for n in range(1, 40)]
            )
        made.close()
        content = bytearray(database.read_bytes())
        content[4096:] = b"\x00" * (len(content) - 4096)
        database.write_bytes(content)
    heir = quick(Tracker, collector, spool=spool)
    assert flush(heir)
    assert close(heir).adopted.delivered == 10
    assert len(collector.touchpoints) == 10
    assert files(spool, ".damaged")
    assert "set aside" in caplog.text


def test_a_record_that_a_power_cut_cut_short_costs_itself_only(collector: FaultyCollector, spool: Path) -> None:
    ids = leave_behind(collector, spool, 10)
    (journal,) = files(spool, ".journal")
    os.truncate(journal, journal.stat().st_size - 20)
    heir = quick(Tracker, collector, spool=spool)
    assert flush(heir)
    assert close(heir).adopted.delivered == 9
    assert list(collector.touchpoints) == ids[:9]


def test_a_journal_gives_back_what_is_not_settled_and_reads_on_behind_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal(path, to_disk=True)
    records = [Record(number, 1_000 + number, b"x" * number, None if number % 2 else -number) for number in range(1, 9)]
    for record in records:
        journal.append(*record)
    assert read_journal(path) == (tuple(records), 0, False)
    journal.settle(3)
    assert read_journal(path).records == tuple(records[3:])
    journal.rewrite(records[5:])
    journal.append(9, 0, b"nine", None)
    assert read_journal(path).records == (*records[5:], Record(9, 0, b"nine", None))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert read_journal(path).records == tuple(records[5:])
    journal.clear()
    assert read_journal(path) == ((), 0, False)
    journal.close()
    assert read_journal(tmp_path / "absent") == ((), 0, False)


@pytest.mark.parametrize("at", [0, 5, 9, 20, 60], ids=["mark", "sum", "length", "number", "event"])
def test_a_flipped_bit_in_a_journal_costs_one_record_only(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.journal"
    journal = Journal(path, to_disk=False)
    journal.append(1, 0, b"x" * 100, None)
    start = journal.size_bytes
    journal.append(2, 0, b"y" * 100, None)
    length = journal.size_bytes - start
    journal.append(3, 0, b"z" * 100, None)
    journal.close()
    data = bytearray(path.read_bytes())
    data[start + at] ^= 1
    path.write_bytes(data)
    contents = read_journal(path)
    assert [record.number for record in contents.records] == [1, 3]
    assert contents[1:] == (length, True)


def test_a_last_record_that_was_cut_short_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal(path, to_disk=False)
    journal.append(1, 0, b"x" * 100, None)
    whole = journal.size_bytes
    journal.append(2, 0, b"y" * 100, None)
    journal.close()
    data = path.read_bytes()
    for end in range(whole, len(data)):
        path.write_bytes(data[:end])
        contents = read_journal(path)
        assert [record.number for record in contents.records] == [1]
        assert contents[1:] == (end - whole, False)


def test_a_damaged_journal_is_set_aside_with_a_warning_and_its_readable_rest_is_delivered(
    collector: FaultyCollector, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave_behind(collector, spool, 10)
    (journal,) = files(spool, ".journal")
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    with quick(Tracker, collector, spool=spool) as tracker:
        assert tracker.flush(WAIT_SECONDS)
        adopted = tracker.stats().adopted
    assert adopted.delivered == adopted.count == 9
    assert [file.name for file in files(spool, ".damaged")] == [f"{journal.name}.damaged"]
    assert sum("journal is damaged" in message for message in caplog.messages) == 1


def test_forced_to_the_disk_it_delivers_the_same(collector: FaultyCollector, spool: Path) -> None:
    tracker = quick(Tracker, collector, spool=spool, spool_synchronous="full")
    emit_many(tracker, 20)
    assert close(tracker).delivered == 20
    with pytest.raises(InvalidOptions, match="spool_synchronous"):
        Tracker(collector.endpoint, "key", spool=spool, spool_synchronous="sometimes")  # type: ignore[arg-type] # it is wrong


def test_a_collector_that_comes_back_is_not_flooded(collector: FaultyCollector, spool: Path) -> None:
    ids = leave_behind(collector, spool, 900)
    collector.faults.extend([Fault.ERROR, Fault.RESET, Fault.GARBAGE])
    heir = quick(Tracker, collector, spool=spool, batch_max_count=100)
    assert flush(heir)
    close(heir)
    # One request at a time, each the next hundred: three attempts failed and were made again.
    assert len(collector.batches) == 9 + 3
    assert [event_id for batch in collector.batches[3:] for event_id in batch] == ids


def test_emission_from_many_threads_with_a_spool_is_all_delivered_once(collector: FaultyCollector, spool: Path) -> None:
    tracker = quick(Tracker, collector, spool=spool)

    def work() -> None:
        emit_many(tracker, 400)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert conserved(tracker.stats())
        time.sleep(0.001)
    assert close(tracker).delivered == 2400
    assert (len(collector.touchpoints), collector.duplicates) == (2400, 0)
    assert files(spool) == []


def test_files_are_readable_by_their_owner_alone(collector: FaultyCollector, spool: Path) -> None:
    collector.always = Fault.ERROR
    tracker = quick(Tracker, collector, spool=spool)
    emit_many(tracker, 1)
    assert {path.stat().st_mode & 0o077 for path in spool.rglob("*")} == {0}
    close(tracker, 0.0)


def test_a_disabled_tracker_makes_no_spool(
    collector: FaultyCollector, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCOURS_DISABLED", "1")
    tracker = quick(Tracker, collector, spool=spool)
    assert tracker.track("machine_seen", user_id="u1") is None
    close(tracker)
    assert not spool.exists()


def test_a_lock_that_cannot_be_opened_keeps_no_other_spool_from_being_adopted(
    collector: FaultyCollector, spool: Path
) -> None:
    leave_behind(collector, spool, 10)
    (journal,) = files(spool, ".journal")
    (journal.parent / "00000000000001-1-deadbeef.lock").mkdir()
    with quick(Tracker, collector, spool=spool) as heir:
        assert flush(heir)
        assert heir.stats().adopted.delivered == 10


def test_a_claim_that_cannot_be_made_leaves_neither_a_lock_file_nor_a_descriptor(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        for _ in range(3):
            with pytest.raises(OSError, match="File too large"):
                Claim.make(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not files(tmp_path)


def test_what_a_kill_inside_a_rewrite_left_goes_with_the_spool(collector: FaultyCollector, spool: Path) -> None:
    leave_behind(collector, spool, 10)
    (journal,) = files(spool, ".journal")
    journal.with_suffix(".rewritten").write_bytes(b"half a successor")
    with quick(Tracker, collector, spool=spool) as heir:
        assert flush(heir)
    assert not files(spool)


@pytest.fixture
def signal_in_a_write(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Raise SIGUSR1 at the start of each write to a journal whose turn is in the list."""
    turns: list[int] = []
    writes = iter(range(1, 10**9))
    write = os.pwrite

    def interrupted(descriptor: int, data: bytes, offset: int) -> int:
        if next(writes) in turns:
            signal.raise_signal(signal.SIGUSR1)
        return write(descriptor, data, offset)

    before = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setattr(os, "pwrite", interrupted)
    yield turns
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_handler_that_emits_inside_a_write_costs_no_touchpoint(
    collector: FaultyCollector, spool: Path, signal_in_a_write: list[int]
) -> None:
    tracker = quick(Tracker, collector, spool=spool, linger_seconds=60.0)
    signal.signal(signal.SIGUSR1, lambda *_: emit_many(tracker, 1) and None)
    signal_in_a_write.extend([2, 5])
    emit_many(tracker, 5)
    stats = tracker.stats()
    contents = read_journal(files(spool, ".journal")[0])
    assert conserved(stats)
    assert stats.spooled == 7
    assert [record.number for record in contents.records] == list(range(1, 8))
    assert contents[1:] == (0, False)
    assert tracker.flush(WAIT_SECONDS)
    assert close(tracker).delivered == 7


def test_a_signal_handler_that_raises_inside_a_write_leaves_the_ledger_true(
    collector: FaultyCollector, spool: Path, signal_in_a_write: list[int]
) -> None:
    def out_of_time(*_: object) -> None:
        raise TimeoutError

    tracker = quick(Tracker, collector, spool=spool, linger_seconds=60.0)
    signal.signal(signal.SIGUSR1, out_of_time)
    signal_in_a_write.append(2)
    emit_many(tracker, 1)
    with pytest.raises(TimeoutError):
        emit_many(tracker, 1)
    emit_many(tracker, 1)
    assert conserved(tracker.stats())
    assert tracker.stats().spooled == 2
    assert tracker.flush(WAIT_SECONDS)
    assert close(tracker).delivered == 2


def test_what_waits_in_memory_since_the_disk_failed_is_kept_at_close(
    collector: FaultyCollector, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.always = Fault.ERROR
    tracker = quick(Tracker, collector, spool=spool, linger_seconds=60.0)
    emit_many(tracker, 1)
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", lambda *_: os.write(-1, b""))
        emit_many(tracker, 3)
    assert tracker.stats().pending == 3
    last = tracker.close(0)
    assert (last.spooled, last.dropped[DropReason.SHUTDOWN]) == (4, 0)


def test_a_backlog_reads_no_more_large_touchpoints_than_it_hands_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog = Backlog(tmp_path / "a.sqlite", to_disk=False)
    sizes = [60_000] * 40 + [100] * 300 + [60_000] * 40
    backlog.extend([Waiting(n, 0, Outgoing(str(n), "n", b"x" * size, None)) for n, size in enumerate(sizes, 1)])
    read: list[int] = []
    loads = orjson.loads
    monkeypatch.setattr(orjson, "loads", lambda text: read.append(len(text)) or loads(text))
    numbers: list[int] = []
    while backlog.count:
        batch = backlog.oldest(max_count=500, max_bytes=500_000)
        assert len(batch) == 1 or sum(len(waiting.event.wire) + 1 for waiting in batch) <= 500_000
        numbers += [waiting.number for waiting in batch]
        backlog.remove_oldest(len(batch))
    backlog.close()
    assert numbers == list(range(1, len(sizes) + 1))
    assert sum(read) < 3 * sum(sizes)
