"""Event ids: unique, in order, and true about the time."""

import os
import subprocess
import sys
import threading
import time
from uuid import UUID

import pytest

from parcours import event_id
from parcours.event_id import new_event_id

DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture(autouse=True)
def _own_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_id, "_last_ticks", 0)


def test_an_id_is_a_uuid_of_version_7_that_holds_the_time_to_the_millisecond() -> None:
    now_ns = time.time_ns()
    made = UUID(new_event_id(now_ns))
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == now_ns // 1_000_000


def test_ids_rise_even_when_the_clock_stands_still() -> None:
    ids = [new_event_id(1_700_000_000_000_000_000) for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_rise_over_a_clock_that_is_set_back_by_seconds() -> None:
    before = new_event_id(1_700_000_010_000_000_000)
    assert new_event_id(1_700_000_000_000_000_000) > before


def test_after_a_clock_that_ran_years_ahead_ids_are_true_again() -> None:
    new_event_id(1_700_000_000_000_000_000 + 3650 * DAY_NS)
    made = UUID(new_event_id(1_700_000_000_000_000_000))
    assert made.int >> 80 == 1_700_000_000_000


def test_ids_of_many_threads_are_all_different() -> None:
    made: list[list[str]] = [[] for _ in range(8)]

    def make(mine: list[str]) -> None:
        mine.extend(new_event_id(time.time_ns()) for _ in range(2_000))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_parent_and_child_of_a_fork_make_different_ids_at_the_same_instant() -> None:
    code = """
import os, sys
from parcours import Tracker
from parcours.event_id import new_event_id
Tracker("http://127.0.0.1:9", "key")
new_event_id(1)
out, into = os.pipe()
if os.fork() == 0:
    os.write(into, " ".join(new_event_id(1 << 60) for _ in range(100)).encode())
    os._exit(0)
mine = [new_event_id(1 << 60) for _ in range(100)]
os.wait()
theirs = os.read(out, 65536).decode().split()
assert [one[:18] for one in mine] == [one[:18] for one in theirs], "not at the same instant"
print(len({one[19:] for one in mine + theirs}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "200"


def test_an_id_made_inside_the_making_of_another_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    inner: list[str] = []
    new_tails = event_id._new_tails

    def interrupted() -> str:
        # As a signal handler that emits would.
        monkeypatch.setattr(event_id, "_new_tails", new_tails)
        inner.append(new_event_id(time.time_ns()))
        return new_tails()

    monkeypatch.setattr(event_id, "_tails", [])
    monkeypatch.setattr(event_id, "_new_tails", interrupted)
    outer = new_event_id(time.time_ns())
    assert len({outer, *inner}) == 2
