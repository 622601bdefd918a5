"""The ledger of a tracker at one instant: what became of every touchpoint that was emitted."""

from collections.abc import Mapping
from dataclasses import dataclass

from parcours.drops import DropReason


@dataclass(frozen=True, slots=True)
class Stats:
    """A consistent snapshot: `emitted == delivered + pending + sum(dropped.values())`, always.

    Attributes:
        emitted: Calls of `emit`, `track` and `identify` in this process.
        delivered: Touchpoints the collector has acknowledged, new to it or not.
        pending: Touchpoints queued or on their way.
        dropped: Touchpoints lost, by reason; every reason is a key.
        pending_bytes: Size of the pending ones on the wire, before compression.
    """

    emitted: int
    delivered: int
    pending: int
    dropped: Mapping[DropReason, int]
    pending_bytes: int

    @property
    def lost(self) -> int:
        """How many touchpoints were dropped, for whatever reason."""
        return sum(self.dropped.values())
