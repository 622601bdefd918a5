"""Loss, said out loud: why a touchpoint was dropped, and who is told.

Each loss is counted by the queue's ledger and told to `on_drop` once. A log line is written at most once a minute a
reason and holds counts and codes only, never a touchpoint.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

_LOG_INTERVAL_SECONDS = 60.0
_logger = logging.getLogger("parcours")


class DropReason(StrEnum):
    """Why a touchpoint will never be delivered. The set is closed."""

    FULL = "full"
    """The queue, or the spool, was at its bound: the newest touchpoint is the one that goes."""
    TOO_LARGE = "too_large"
    """The touchpoint is larger than one may be, or than the collector takes."""
    INVALID = "invalid"
    """The touchpoint was refused at the call: wrong name, property, identifier, time or type."""
    BEFORE_SEND = "before_send"
    """`before_send` let it go on purpose, or raised."""
    CONSENT = "consent"
    """The person has not agreed to a purpose it needs."""
    REJECTED = "rejected"
    """The collector refused it and keeps it among its dead letters."""
    EXPIRED = "expired"
    """It waited in the spool for longer than `spool_max_age_seconds`."""
    SHUTDOWN = "shutdown"
    """It was emitted after `close`, or neither delivered nor spooled when the time of `close` was over."""


REMEDIES: dict[DropReason, str] = {
    DropReason.FULL: "The collector is away or too slow: check it; spool=DIR keeps what memory cannot, "
    "spool_max_bytes, queue_max_count and queue_max_bytes are the bounds.",
    DropReason.TOO_LARGE: "Send less in properties or context.",
    DropReason.INVALID: "Give on_drop to see which, or strict=True to raise at the call.",
    DropReason.BEFORE_SEND: "Check before_send when this was not meant: one that raises drops, too.",
    DropReason.CONSENT: "Say consent=… at the call or in parcours.context, or change required_consent.",
    DropReason.REJECTED: "The collector keeps them as dead letters with code and path: mend the source, then replay.",
    DropReason.EXPIRED: "The collector was away for too long: raise spool_max_age_seconds to wait longer.",
    DropReason.SHUTDOWN: "Give close() more time or spool=DIR, and emit nothing after it.",
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A touchpoint that was lost, as `on_drop` receives it.

    Attributes:
        id: Event id; None when the touchpoint was refused before it had one.
        name: Name of the touchpoint, as given.
        wire: The touchpoint as JSON, as it was or would have been sent; None when it could not be written as JSON.
            Not in `repr`, so that a log of this value holds no person.
        code: For `invalid` and `rejected`, what is wrong; else empty.
        path: Where, as a JSON pointer into the touchpoint; empty when the whole of it is meant.
        detail: What is wrong in words, without the value.
    """

    id: str | None
    name: str
    wire: bytes | None = field(default=None, repr=False)
    code: str = ""
    path: str = ""
    detail: str = ""


OnDrop: TypeAlias = Callable[[Dropped, DropReason], object]


# Reentrant: a signal handler may emit, and lose, while this very thread is inside.
_said_lock = threading.RLock()
_said_at: dict[str, float] = {}
_unsaid: dict[str, int] = {}


def speak_anew() -> None:
    """Forget what was said: in a forked child, where another thread may have held the lock, and between tests."""
    global _said_lock  # noqa: PLW0603 - one of the process, as the minute is
    _said_lock = threading.RLock()
    _said_at.clear()
    _unsaid.clear()


class QuietLog:
    """Warn at most once a minute a subject in a process, and say how often it happened meanwhile. Thread-safe."""

    def warn(self, subject: str, message: str, *, count: int = 1) -> None:
        """Log `message` as a warning, or only count it when this subject was logged less than a minute ago."""
        now = time.monotonic()
        with _said_lock:
            total = _unsaid.get(subject, 0) + count
            last_at = _said_at.get(subject)
            if last_at is not None and now - last_at < _LOG_INTERVAL_SECONDS:
                _unsaid[subject] = total
                return
            _said_at[subject] = now
            _unsaid[subject] = 0
        try:
            _logger.warning("%s [%s, %d since the last such line]", message, subject, total)
        except BaseException as error:
            # A handler of the host's that raises: it must neither reach whoever emits nor end delivery.
            if not isinstance(error, Exception) and threading.current_thread() is threading.main_thread():
                raise


def is_interrupt(error: BaseException) -> bool:
    """Whether this is Ctrl-C: it is for the main thread, and passes."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


class DropReporter:
    """Tells the host about each loss once; a callback that raises hurts nobody."""

    def __init__(self, on_drop: OnDrop | None, log: QuietLog) -> None:
        self._on_drop = on_drop
        self._log = log

    def report(self, dropped: Dropped, reason: DropReason, *, on_purpose: bool = False) -> None:
        """Tell `on_drop` and, unless the host wanted it so, the log. Called without any lock held."""
        try:
            if self._on_drop is not None:
                self._on_drop(dropped, reason)
        except BaseException as error:
            if is_interrupt(error):
                raise
            self._log.warn("on_drop", f"on_drop raised {type(error).__name__}: it should only record, and return.")
        if not on_purpose:
            problem = f" ({dropped.code} at {dropped.path or '/'})" if dropped.code else ""
            self._log.warn(reason, f"A touchpoint was dropped: {reason}{problem}. {REMEDIES[reason]}")
