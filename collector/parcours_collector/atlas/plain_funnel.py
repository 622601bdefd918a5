"""A funnel by the plain rule of `funnel_people`: what it is asked with, and what its statement can do without."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

_WRITTEN_OUT = 6
"""Steps that the view writes out; further ones are worked out by a fold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainFunnel:
    """The parameters of `funnel_people` and of the views that are made of it.

    Attributes:
        steps: Names of touchpoints in order; a name may come again.
        window_seconds: Longest time from the first step to the last, inclusive.
        one_in: Only one person in so many; None = everybody.
        project: Only this project.
        channel: Only touchpoints on this channel.
        from_at: Only touchpoints at or after this aware instant.
        to_at: Only touchpoints before this aware instant.
    """

    steps: Sequence[str]
    window_seconds: int
    one_in: int | None = None
    project: str | None = None
    channel: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the views, by name."""
        return {
            "steps": list(self.steps),
            "window_seconds": self.window_seconds,
            "one_in": self.one_in,
            "project": self.project,
            "channel": self.channel,
            "from_at": self.from_at,
            "to_at": self.to_at,
        }

    @property
    def needless(self) -> tuple[str, ...]:
        """The parts of the statement that change nothing here: leaving them out spares the engine their analysis."""
        parts = {
            **{f"step_{k}": k > len(self.steps) for k in range(2, _WRITTEN_OUT + 1)},
            "further": len(self.steps) <= _WRITTEN_OUT,
            "again": len(set(self.steps)) == len(self.steps),
            "repeats": all(name != after for name, after in pairwise(self.steps)),
            "channel": self.channel is None,
            "bounds": self.from_at is None and self.to_at is None,
            "sample": self.one_in is None,
        }
        return tuple(part for part, is_needless in parts.items() if is_needless)
