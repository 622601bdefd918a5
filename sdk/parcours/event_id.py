"""Event ids: UUIDv7 made at the call, so that every retry is the same event.

Ids of one process rise strictly, whatever thread makes them. They know nothing of touchpoints.
"""

import os
import threading

_CLOCK_STEP_BACK_NS = 60 * 1_000_000_000
_VERSION = 0x7000
_VARIANT = 1 << 63
_RANDOM_BITS = (1 << 62) - 1
_lock = threading.Lock()
_last_ticks = 0


def new_event_id(now_ns: int) -> str:
    """Return a new UUIDv7 (RFC 9562, 12 bits below the millisecond), greater than all before it in this process.

    Args:
        now_ns: Wall clock, nanoseconds since 1970. When it was set back by more than a minute the order starts again
            from the new time: an id far in the future would be worse than one out of order.
    """
    global _last_ticks  # noqa: PLW0603 - the order is a promise of the whole process
    ticks = (now_ns // 1_000_000 << 12) | (now_ns % 1_000_000 * 4096 // 1_000_000)
    with _lock:
        if ticks <= _last_ticks and _last_ticks - ticks < _CLOCK_STEP_BACK_NS // 1_000_000 << 12:
            ticks = _last_ticks + 1
        _last_ticks = ticks
    low = int.from_bytes(os.urandom(8), "big") & _RANDOM_BITS | _VARIANT
    digits = ((ticks >> 12 << 16 | _VERSION | ticks & 0xFFF) << 64 | low).to_bytes(16, "big").hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def renew_lock() -> None:
    """Replace the lock in a forked child: another thread of the parent may have held it."""
    global _lock  # noqa: PLW0603 - the same lock as above
    _lock = threading.Lock()
