"""Event ids: UUIDv7 made at the call, so that every retry is the same event.

Ids of one process rise strictly, whatever thread makes them. They know nothing of touchpoints.
"""

import os
import threading

_CLOCK_STEP_BACK_NS = 60 * 1_000_000_000
_TAILS = 512
_TAIL_BYTES = 8
_WITH_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))
# Looked up rather than formatted.
_THREE_DIGITS = tuple(f"{number:03x}-" for number in range(4096))
# Reentrant: a signal handler may emit while this very thread is inside.
_lock = threading.RLock()
_last_ticks = 0
_millisecond = (-1, "")
_tails: list[str] = []


def new_event_id(now_ns: int) -> str:
    """Return a new UUIDv7 (RFC 9562, 12 bits below the millisecond), greater than all before it in this process.

    Args:
        now_ns: Wall clock, nanoseconds since 1970. When it was set back by more than a minute the order starts again
            from the new time: an id far in the future would be worse than one out of order.
    """
    global _last_ticks, _millisecond  # noqa: PLW0603 - the order is of the whole process
    milliseconds, rest_ns = divmod(now_ns, 1_000_000)
    ticks = milliseconds << 12 | (rest_ns << 12) // 1_000_000
    with _lock:
        if ticks <= _last_ticks and _last_ticks - ticks < _CLOCK_STEP_BACK_NS // 1_000_000 << 12:
            ticks = _last_ticks + 1
        _last_ticks = ticks
    try:
        # Each is taken once, whatever threads and signal handlers do.
        tail = _tails.pop()
    except IndexError:
        tail = _new_tails()
    of_milliseconds, prefix = _millisecond
    milliseconds = ticks >> 12
    if milliseconds != of_milliseconds:
        text = f"{milliseconds:012x}"
        prefix = f"{text[:8]}-{text[8:]}-7"
        _millisecond = (milliseconds, prefix)
    return prefix + _THREE_DIGITS[ticks & 0xFFF] + tail


def _new_tails() -> str:
    """Return what an id ends in, its two bits of variant set, and put many others ready.

    A call of the system for each id would cost more than the rest of it.
    """
    page = bytearray(os.urandom(_TAILS * _TAIL_BYTES))
    page[::_TAIL_BYTES] = page[::_TAIL_BYTES].translate(_WITH_VARIANT)
    digits = page.hex()
    at = range(0, len(digits), 2 * _TAIL_BYTES)
    tail, *others = [f"{digits[start : start + 4]}-{digits[start + 4 : start + 2 * _TAIL_BYTES]}" for start in at]
    _tails.extend(others)
    return tail


def renew_in_child() -> None:
    """Replace, in a forked child, the lock that another thread may have held, and what the parent will use."""
    global _lock  # noqa: PLW0603 - the same as above
    _lock = threading.RLock()
    _tails.clear()
