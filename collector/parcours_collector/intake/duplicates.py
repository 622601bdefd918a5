"""The ids received lately, so that a touchpoint sent twice is answered as a duplicate and not written twice.

It is a courtesy with bounded memory, not the promise: ClickHouse keeps each id once whatever happens here. An id is
remembered only once it is on disk, so that 'duplicate' never says more than 'kept'.
"""

from collections import OrderedDict
from collections.abc import Iterable


class DuplicateWindow:
    """The last ids of every project, at most `capacity` in all."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # Not a plain dict: finding the oldest of one walks over everything removed before it, tens of µs an event.
        self._kept: OrderedDict[tuple[str, str], None] = OrderedDict()

    def holds(self, project: str, event_id: str) -> bool:
        """Whether this id was kept lately."""
        return (project, event_id) in self._kept

    def remember(self, project: str, event_ids: Iterable[str]) -> None:
        """Remember ids that are on disk now; the oldest make room."""
        for event_id in event_ids:
            self._kept[project, event_id] = None
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
