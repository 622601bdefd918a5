"""The ledger of a tracker: what became of every touchpoint, and who waits until it is known.

It counts and calls; it holds no touchpoint and no lock of its own: the queue's guards it.
"""

from collections.abc import Callable, Mapping

from parcours.drops import DropReason
from parcours.stats import Adopted


class Ledger:
    """Count what came in, what was settled, and what of it was announced, so that whoever waits may go on."""

    def __init__(self) -> None:
        self.emitted = 0
        self.entered = 0
        self.delivered = 0
        self.dropped = dict.fromkeys(DropReason, 0)
        self._announced = 0
        self._waiters: list[tuple[int, Callable[[], None]]] = []
        self._adopting = False
        self._adopted = 0
        self._adopted_delivered = 0
        self._adopted_dropped = dict.fromkeys(DropReason, 0)

    def refuse(self, reason: DropReason) -> DropReason:
        """Count one that was emitted and dropped at once; return why."""
        self.dropped[reason] += 1
        self.emitted += 1
        return reason

    def settle(self, count: int, dropped: Mapping[DropReason, int]) -> None:
        """Count so many as settled: those not in `dropped` are delivered."""
        self.delivered += count - sum(dropped.values())
        for reason, lost in dropped.items():
            self.dropped[reason] += lost

    def announce(self, count: int) -> list[Callable[[], None]]:
        """Say that so many more are settled and reported; return whom to call, without the lock."""
        self._announced += count
        return self._due()

    def wait(self, callback: Callable[[], None]) -> bool:
        """Have `callback` called when all that has entered or is adopted is settled; return False when it is now."""
        if self._announced >= self.entered and not self._adopting:
            return False
        self._waiters.append((self.entered, callback))
        return True

    def forget_waiter(self, callback: Callable[[], None]) -> None:
        """Drop a callback that nobody waits for any more."""
        self._waiters = [waiter for waiter in self._waiters if waiter[1] is not callback]

    @property
    def hurried(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiters)

    def set_adopting(self, *, adopting: bool) -> list[Callable[[], None]]:
        """Say whether touchpoints of dead processes wait; return whom to call, without the lock."""
        self._adopting = adopting
        return self._due()

    def adopt(self, count: int) -> None:
        """Count touchpoints that a dead process has left; negative when they turn out to be unreadable."""
        self._adopted += count

    def settle_adopted(self, count: int, dropped: Mapping[DropReason, int]) -> None:
        """Count so many of them as settled, as in `settle`."""
        self._adopted_delivered += count - sum(dropped.values())
        for reason, lost in dropped.items():
            self._adopted_dropped[reason] += lost

    def adopted(self) -> Adopted:
        """Return what became of those."""
        settled = self._adopted_delivered + sum(self._adopted_dropped.values())
        return Adopted(self._adopted, self._adopted_delivered, self._adopted - settled, dict(self._adopted_dropped))

    def _due(self) -> list[Callable[[], None]]:
        if self._adopting:
            return []
        due = [callback for target, callback in self._waiters if target <= self._announced]
        self._waiters = [waiter for waiter in self._waiters if waiter[0] > self._announced]
        return due
