"""The ids received lately, so that a touchpoint sent twice is answered as a duplicate and not written twice.

It is a courtesy with bounded memory, not the promise: ClickHouse keeps each id once whatever happens here. An id is
remembered only once it is on disk, so that 'duplicate' never says more than 'kept'.
"""

from collections import deque
from collections.abc import Iterable

_NOTHING: frozenset[str] = frozenset()


class DuplicateWindow:
    """The last ids of every project, at most `capacity` in all."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: dict[str, set[str]] = {}
        # What was remembered together, oldest first; the ids of each in reverse, so that the oldest go from its end.
        self._order: deque[tuple[str, list[str]]] = deque()
        self._count = 0

    def holds(self, project: str, event_id: str) -> bool:
        """Whether this id was kept lately."""
        return event_id in self._kept.get(project, ())

    def holds_any(self, project: str, event_ids: Iterable[str]) -> bool:
        """Whether any of these ids was kept lately."""
        return not self._kept.get(project, _NOTHING).isdisjoint(event_ids)

    def remember(self, project: str, event_ids: Iterable[str]) -> None:
        """Remember ids that are on disk now; the oldest make room."""
        kept = self._kept.setdefault(project, set())
        # Two requests may have brought the same id at the same time.
        new = [event_id for event_id in event_ids if event_id not in kept]
        kept.update(new)
        self._count += len(new)
        new.reverse()
        self._order.append((project, new))
        while self._count > self._capacity:
            self._forget(self._count - self._capacity)

    def _forget(self, most: int) -> None:
        project, oldest = self._order[0]
        if len(oldest) <= most:
            self._order.popleft()
            gone = oldest
        else:
            gone = oldest[-most:]
            del oldest[-most:]
        self._kept[project].difference_update(gone)
        self._count -= len(gone)
