"""Conservation: whatever the collector, the disk and the end of processes do, every touchpoint is accounted for.

Each example is several lives over one spool. A life is a tracker in this process that closes, or a process of its own
that is killed by `kill -9` at a moment nobody chose. What a dead one had taken is delivered in the end; what was lost
was reported once. `CONSERVATION_EXAMPLES` and `CONSERVATION_KILLS` make it long.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours import DropReason, Tracker
from parcours.testing import Fault, FaultyCollector
from tests.sdk_support import Losses, close, conserved, flush, quick

EXAMPLES = int(os.environ.get("CONSERVATION_EXAMPLES", "25"))
KILLS = int(os.environ.get("CONSERVATION_KILLS", "4"))

FAULTS = st.lists(
    st.one_of(st.none(), st.sampled_from([fault for fault in Fault if fault is not Fault.SLOW])), max_size=8
)


@dataclass(frozen=True)
class Life:
    """What one tracker goes through."""

    bursts: list[int]
    faults: list[Fault | None]
    close_seconds: float
    rejected_from: int
    disk_fails: bool


LIVES = st.lists(
    st.builds(
        Life,
        bursts=st.lists(st.integers(1, 15), min_size=1, max_size=4),
        faults=FAULTS,
        close_seconds=st.sampled_from([0.0, 0.02, 10.0]),
        rejected_from=st.sampled_from([5, 1000]),
        disk_fails=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=4,
)


@dataclass
class Accounts:
    """What all lives together were told."""

    taken: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives=LIVES, spool_max_bytes=st.sampled_from([64 * 1024, 1 << 20]), queue_max_count=st.integers(4, 60))
def test_over_several_lives_everything_is_delivered_spooled_or_reported_once(
    lives: list[Life], spool_max_bytes: int, queue_max_count: int
) -> None:
    accounts = Accounts()
    with FaultyCollector() as collector, tempfile.TemporaryDirectory() as folder:
        collector.retry_after = "0.01"
        for life in lives:
            _live(life, collector, Path(folder) / "spool", spool_max_bytes, queue_max_count, accounts)
        collector.faults.clear()
        collector.reject = None
        heir = quick(Tracker, collector, spool=Path(folder) / "spool", on_drop=(losses := Losses()))
        assert flush(heir)
        stats = close(heir)
        accounts.lost += [str(dropped.id) for dropped, _ in losses.seen]
        assert conserved(stats)
        assert stats.adopted.spooled == 0
        assert len(set(accounts.lost)) == len(accounts.lost)
        kept = accounts.taken - set(accounts.lost)
        assert kept <= set(collector.touchpoints)
        assert not [path for path in Path(folder).rglob("*") if path.is_file()]


def _live(
    life: Life, collector: FaultyCollector, spool: Path, spool_max_bytes: int, queue_max_count: int, accounts: Accounts
) -> None:
    collector.faults.clear()
    collector.faults.extend(life.faults)
    collector.reject = lambda sent: (
        {"code": "refused", "path": "/properties"} if sent["properties"]["number"] >= life.rejected_from else None
    )
    losses = Losses()
    tracker = quick(
        Tracker,
        collector,
        spool=spool,
        spool_max_bytes=spool_max_bytes,
        queue_max_count=queue_max_count,
        batch_max_count=5,
        on_drop=losses,
    )
    for index, burst in enumerate(life.bursts):
        if life.disk_fails and index == 1:
            _break_the_disk(tracker)
        for number in range(burst):
            event_id = tracker.track("machine_seen", {"number": number}, user_id="u1")
            if event_id is not None:
                accounts.taken.add(event_id)
            assert conserved(tracker.stats())
        flush(tracker, 0.01)
    stats = close(tracker, life.close_seconds)
    assert conserved(stats)
    assert close(tracker, life.close_seconds) == stats
    assert stats.pending == 0
    assert stats.emitted == sum(life.bursts)
    reported = {reason: losses.count(reason) for reason in DropReason}
    assert reported == {reason: stats.dropped[reason] + stats.adopted.dropped[reason] for reason in DropReason}
    accounts.lost += [str(dropped.id) for dropped, _ in losses.seen]


def _break_the_disk(tracker: Tracker) -> None:
    """Have every write fail, as a disk that went away does: the file descriptor is read-only from now on."""
    spool = tracker._core._spool
    assert spool is not None
    if spool._journal is not None:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.dup2(descriptor, spool._journal._descriptor)
        os.close(descriptor)


CHILD = """
import os, sys, threading
from parcours import Tracker
tracker = Tracker(linger_seconds=0.01, backoff_base_seconds=0.005, backoff_max_seconds=0.02, queue_max_count=300,
                  batch_max_count=20)
written = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def emit():
    while True:
        event_id = tracker.track("machine_seen", {"number": 1}, user_id="u1")
        if event_id is None:
            os._exit(7)
        os.write(written, event_id.encode() + b"\\n")
        while tracker.stats().spooled > 5000 or len(tracker._core._queue._entries) > 250:
            threading.Event().wait(0.001)
threads = [threading.Thread(target=emit) for _ in range(2)]
for thread in threads: thread.start()
"""


@pytest.mark.timeout(60 + 30 * KILLS)
def test_processes_killed_at_any_moment_lose_nothing_that_was_taken(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    told = tmp_path / "taken"
    with FaultyCollector() as collector:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PARCOURS_")} | {
            "PARCOURS_ENDPOINT": collector.endpoint,
            "PARCOURS_WRITE_KEY": collector.write_key,
            "PARCOURS_SPOOL": str(tmp_path / "spool"),
        }
        stop = threading.Event()
        trouble = threading.Thread(target=_make_trouble, args=(collector, stop, chance))
        trouble.start()
        for _ in range(KILLS):
            child = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(CHILD), str(told)], env=environment, stderr=subprocess.DEVNULL
            )
            before = told.stat().st_size if told.exists() else 0
            while child.poll() is None and (not told.exists() or told.stat().st_size == before):
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 0.8))
            child.kill()
            assert child.wait() == -signal.SIGKILL
        stop.set()
        trouble.join()
        collector.faults.clear()
        collector.always = None
        heir = quick(Tracker, collector, spool=tmp_path / "spool")
        assert flush(heir, 60.0)
        assert conserved(close(heir))
        taken = [line for line in told.read_text().split("\n") if len(line) == 36]
        assert len(taken) > KILLS
        assert set(taken) <= set(collector.touchpoints)
        assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


def _make_trouble(collector: FaultyCollector, stop: threading.Event, chance: random.Random) -> None:
    faults = [Fault.ERROR, Fault.RESET, Fault.GARBAGE, Fault.TRUNCATED, Fault.LOST_ANSWER, Fault.TOO_LARGE, None, None]
    while not stop.wait(0.02):
        if len(collector.faults) < 4:
            collector.faults.append(chance.choice(faults))
