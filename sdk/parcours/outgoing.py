"""A touchpoint on its way: what the call has made, and what stands beside it while it waits."""

from collections.abc import Sequence
from typing import NamedTuple

from parcours import clock

_CLOCK_WAS_SET_MS = 1_577_836_800_000
"""2020: an earlier instant was read from a clock that nobody had set, and says nothing of an age."""


class BacklogLost(Exception):
    """A spool's backlog cannot be read any more: its file was set aside with all it holds."""


class Outgoing(NamedTuple):
    """One touchpoint on its way: its wire bytes are made once, at the call.

    Attributes:
        id: Event id.
        name: Name of the touchpoint.
        wire: The touchpoint as JSON.
        clock_offset_ns: Wall clock less steady clock at the call, of this boot; None when its time is to be kept. See
            `clock.retimed`.
    """

    id: str
    name: str
    wire: bytes
    clock_offset_ns: int | None = None


class Waiting(NamedTuple):
    """A touchpoint that waits: its number in its process, the wall clock at emission (ms since 1970), itself."""

    number: int
    at_ms: int
    event: Outgoing


class Batch(NamedTuple):
    """The oldest touchpoints of a place, all of one fate: to be sent, or `expired`."""

    events: tuple[Outgoing, ...]
    expired: bool = False


def oldest_of_one_fate(waiting: Sequence[Waiting], max_age_seconds: float) -> Batch:
    """Return the first of these as long as they have all waited too long, or none of them has."""
    events: list[Outgoing] = []
    expired = bool(waiting) and is_expired(waiting[0], max_age_seconds)
    for one in waiting:
        if is_expired(one, max_age_seconds) is not expired:
            break
        events.append(one.event)
    return Batch(tuple(events), expired)


def is_expired(waiting: Waiting, max_age_seconds: float) -> bool:
    """Whether a touchpoint has waited longer, by the clock that nobody sets where that is known."""
    _, at_ms, event = waiting
    now_ns = clock.wall_ns()
    if event.clock_offset_ns is not None:
        at_ms += (now_ns - clock.steady_ns() - event.clock_offset_ns) // 1_000_000
    return at_ms > _CLOCK_WAS_SET_MS and now_ns // 1_000_000 - at_ms > max_age_seconds * 1000
