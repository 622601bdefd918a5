"""The time of a touchpoint when the wall clock is set between the call and the sending: a till that boots without one.

Beside the wall clock stands one that nobody sets: it counts from the start of the machine, sleep included. Their
difference, the clock's offset, changes by the very step that the wall clock made, and holds in every process of one
boot. A touchpoint is sent with its time on the clock that says `sent_at`: the collector, which corrects by the
difference between `sent_at` and its own clock, then corrects the whole error once.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from uuid import uuid4

_TOLERANCE_NS = 500_000_000
"""Reading two clocks takes a moment, and a leap second is no step. Slow corrections move both clocks alike."""
_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_TIME_BEGINS = len('{"id":"01234567-0123-7123-8123-0123456789ab","occurred_at":"')
_TIME_ENDS = _TIME_BEGINS + len("2026-11-21T10:00:00.000000Z")

wall_ns: Callable[[], int] = time.time_ns
"""Read the wall clock: nanoseconds since 1970, UTC."""
steady_ns: Callable[[], int] = time.monotonic_ns
"""Read the clock that nobody sets: nanoseconds since the machine started, or since some other moment of this boot."""
if sys.platform != "win32":
    # Linux stops CLOCK_MONOTONIC during sleep and macOS does not.
    steady_ns = partial(time.clock_gettime_ns, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

# Looked up rather than formatted: half the time of an instant's text.
_THREE_DIGITS = tuple(f"{number:03}" for number in range(1000))
_second = (0, "1970-01-01T00:00:00")


@cache
def boot_id() -> str:
    """Return what is the same for every process until the machine starts again; of this process alone if unknown."""
    try:
        return _BOOT_ID_FILE.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return str(uuid4())


def time_text(at_ns: int) -> str:
    """Return an instant as the wire has it, always 27 characters: RFC 3339 in UTC with microseconds."""
    global _second  # noqa: PLW0603 - most calls fall into the same second as the last; a tuple is replaced whole
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    second, text = _second
    if second != seconds:
        text = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
        _second = (seconds, text)
    microseconds = rest_ns // 1000
    return f"{text}.{_THREE_DIGITS[microseconds // 1000]}{_THREE_DIGITS[microseconds % 1000]}Z"


def retimed(wire: bytes, offset_ns: int | None, present_offset_ns: int) -> bytes:
    """Return a touchpoint with its time on the wall clock as it is now.

    The same bytes, unless the wall clock was set since. Its time stands at a fixed place: nothing is parsed.

    Args:
        wire: As `envelope` writes it.
        offset_ns: Wall clock less steady clock at the call; None keeps the time: the caller gave it, or it was kept
            under another boot.
        present_offset_ns: The same difference now.
    """
    if offset_ns is None or -_TOLERANCE_NS <= present_offset_ns - offset_ns <= _TOLERANCE_NS:
        return wire
    step = timedelta(microseconds=(present_offset_ns - offset_ns) // 1000)
    try:
        moved = datetime.fromisoformat(wire[_TIME_BEGINS:_TIME_ENDS].decode()) + step
    except OverflowError:
        return wire
    text = moved.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return wire[:_TIME_BEGINS] + text.encode() + wire[_TIME_ENDS:]
