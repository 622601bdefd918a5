"""How long to wait before the next attempt: doubling up to a cap, with jitter so that collectors spread out."""

from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True)
class Backoff:
    """Delays in seconds; `reset` after a success."""

    first_seconds: float
    max_seconds: float
    jitter: Random = field(default_factory=Random)
    _failures: int = 0

    def next_seconds(self) -> float:
        """Return the next delay: between half of the doubled delay and all of it."""
        delay = min(self.max_seconds, self.first_seconds * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return delay * self.jitter.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again with the first delay."""
        self._failures = 0
