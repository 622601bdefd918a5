"""Event ids: UUIDv7 made at the call, so that every retry is the same event.

Ids of one process rise strictly, whatever thread makes them. They know nothing of touchpoints.
"""

import os
import threading

_CLOCK_STEP_BACK_NS = 60 * 1_000_000_000
_RANDOM_BYTES = 4096
_ID_BYTES = 8
_WITH_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))
# Reentrant: a signal handler may emit while this very thread is inside.
_lock = threading.RLock()
_last_ticks = 0
_millisecond = (-1, "")
_random = b""
_random_used = 0


def new_event_id(now_ns: int) -> str:
    """Return a new UUIDv7 (RFC 9562, 12 bits below the millisecond), greater than all before it in this process.

    Args:
        now_ns: Wall clock, nanoseconds since 1970. When it was set back by more than a minute the order starts again
            from the new time: an id far in the future would be worse than one out of order.
    """
    global _last_ticks, _millisecond, _random, _random_used  # noqa: PLW0603 - the order is of the whole process
    milliseconds, rest_ns = divmod(now_ns, 1_000_000)
    ticks = milliseconds << 12 | (rest_ns << 12) // 1_000_000
    with _lock:
        if ticks <= _last_ticks and _last_ticks - ticks < _CLOCK_STEP_BACK_NS // 1_000_000 << 12:
            ticks = _last_ticks + 1
        _last_ticks = ticks
        used = _random_used
        if used == len(_random):
            _random, used = _new_random(), 0
        _random_used = end = used + _ID_BYTES
        random = _random[used:end]
    of_milliseconds, prefix = _millisecond
    milliseconds = ticks >> 12
    if milliseconds != of_milliseconds:
        text = f"{milliseconds:012x}"
        prefix = f"{text[:8]}-{text[8:]}-7"
        _millisecond = (milliseconds, prefix)
    return f"{prefix}{ticks & 0xFFF:03x}-{random.hex('-', 6)}"


def _new_random() -> bytes:
    """Return what many ids will end in, eight bytes each, their two bits of variant set.

    A call of the system for each id would cost more than the rest of it.
    """
    page = bytearray(os.urandom(_RANDOM_BYTES))
    page[::_ID_BYTES] = page[::_ID_BYTES].translate(_WITH_VARIANT)
    return bytes(page)


def renew_in_child() -> None:
    """Replace, in a forked child, the lock that another thread may have held, and what the parent will use."""
    global _lock, _random, _random_used  # noqa: PLW0603 - the same as above
    _lock = threading.RLock()
    _random, _random_used = b"", 0
