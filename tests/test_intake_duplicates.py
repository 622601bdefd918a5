"""The window of duplicates: what it remembers, what it forgets first, and that a full one costs what a new one does."""

import time

from parcours_collector.intake.duplicates import DuplicateWindow


def remember(window: DuplicateWindow, first: int, count: int) -> float:
    """Remember so many ids, and return the CPU seconds an id took."""
    started = time.process_time()
    window.remember("shop", map(str, range(first, first + count)))
    return (time.process_time() - started) / count


def test_a_full_window_forgets_the_oldest_ids() -> None:
    window = DuplicateWindow(3)
    window.remember("shop", ["a", "b"])
    window.remember("shop", ["c", "d"])
    assert [one for one in "abcd" if window.holds("shop", one)] == ["b", "c", "d"]


def test_an_id_of_one_project_is_not_one_of_another() -> None:
    window = DuplicateWindow(3)
    window.remember("shop", ["a"])
    assert not window.holds("other", "a")


def test_a_window_of_nothing_remembers_nothing() -> None:
    window = DuplicateWindow(0)
    window.remember("shop", ["a"])
    assert not window.holds("shop", "a")


def test_an_id_costs_the_same_when_the_window_is_full() -> None:
    window = DuplicateWindow(100_000)
    filling = remember(window, 0, 100_000)
    full = min(remember(window, first, 20_000) for first in (120_000, 140_000, 160_000))
    assert full < 8 * filling
