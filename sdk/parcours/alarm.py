"""An alarm: somebody is called once, when so much waits. It knows counts and bytes, and no lock of its own."""

from collections.abc import Callable

_NEVER = 1 << 62


class Alarm:
    """Holds at most one callback. Whoever owns it guards it."""

    def __init__(self) -> None:
        self._callback: Callable[[], None] | None = None
        self._at_count = self._at_bytes = _NEVER

    def arm(self, callback: Callable[[], None], *, at_count: int, at_bytes: int) -> None:
        """Have `callback` returned by `due` once, when so much waits."""
        self._callback, self._at_count, self._at_bytes = callback, at_count, at_bytes

    def disarm(self) -> Callable[[], None] | None:
        """Forget the callback, and return it."""
        callback, self._callback = self._callback, None
        self._at_count = self._at_bytes = _NEVER
        return callback

    def due(self, count: int, size_bytes: int) -> Callable[[], None] | None:
        """Return the callback and forget it when so much waits; else None."""
        return self.disarm() if count >= self._at_count or size_bytes >= self._at_bytes else None
