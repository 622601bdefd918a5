"""Event ids: unique, in order, and true about the time."""

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
