"""The ledger of a tracker at one instant: what became of every touchpoint that was emitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from parcours.drops import DropReason


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of the touchpoints that dead processes had left in the spool, and this one has taken over.

    `count == delivered + spooled + sum(dropped.values())`, always; none of them is in the numbers of `Stats`.

    Attributes:
        count: Taken over so far.
        delivered: Of these, acknowledged by the collector.
        spooled: Still on disk; the next process takes over what this one does not deliver.
        dropped: Lost, by reason; `on_drop` is told of each.
    """

    count: int = 0
    delivered: int = 0
    spooled: int = 0
    dropped: Mapping[DropReason, int] = field(default_factory=lambda: dict.fromkeys(DropReason, 0))


@dataclass(frozen=True, slots=True)
class Stats:
    """A consistent snapshot: `emitted == delivered + pending + spooled + sum(dropped.values())`, always.

    Attributes:
        emitted: Calls of `emit`, `track` and `identify` in this process.
        delivered: Touchpoints the collector has acknowledged, new to it or not.
        pending: Touchpoints queued or on their way, in memory only.
        spooled: Touchpoints queued or on their way, on disk: the end of the process does not lose them.
        dropped: Touchpoints lost, by reason; every reason is a key.
        pending_bytes: Size of the pending ones on the wire, before compression.
        adopted: What became of those that dead processes had left.
    """

    emitted: int
    delivered: int
    pending: int
    dropped: Mapping[DropReason, int]
    pending_bytes: int
    spooled: int = 0
    adopted: Adopted = field(default_factory=Adopted)

    @property
    def lost(self) -> int:
        """How many touchpoints were dropped, for whatever reason."""
        return sum(self.dropped.values())
