"""Alternating rounds: in each, every side does the same work; the order turns around from round to round."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def say(line: str) -> None:
    """Tell what is going on; the table at the end is what stands on standard output."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def alternate(
    label: str, rounds: int, sides: Mapping[str, Callable[[int], T]], *, show: Callable[[T], str]
) -> dict[str, list[T]]:
    """Run every side once a round, and return what each gave, in the order of rounds.

    Args:
        label: For the progress line.
        rounds: How many.
        sides: Each is called with the number of the round, from 0.
        show: How one result reads in the progress line.
    """
    given: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            given[name].append(sides[name](number))
        shown = " · ".join(f"{name} {show(given[name][-1])}" for name in sides)
        say(f"{label}: round {number + 1} of {rounds}: {shown}")
    return given
