"""How long to wait before the same touchpoints are sent again: exponential, full jitter, without end."""

import random
from dataclasses import dataclass

from parcours.answer import Refused, Unavailable

_random = random.SystemRandom()


@dataclass(slots=True)
class Backoff:
    """The waits of one batch. There is no last attempt: what is not delivered stays pending.

    Attributes:
        base_seconds: Upper bound of the first wait; it doubles with each failure.
        max_seconds: Upper bound of any wait, and of the wait after a refusal.
    """

    base_seconds: float
    max_seconds: float
    _failures: int = 0

    def wait_seconds(self, result: Unavailable | Refused) -> float:
        """Return the wait that this failure asks for.

        After `Retry-After` never less than it says, and up to a tenth more, so that tills do not come back at once.
        """
        exponent = min(self._failures, 32)
        self._failures += 1
        match result:
            case Unavailable(retry_after_seconds=None):
                return _random.uniform(0.0, min(self.max_seconds, self.base_seconds * 2**exponent))
            case Unavailable(retry_after_seconds=float(seconds)):
                return seconds + _random.uniform(0.0, seconds / 10)
            case _:
                return _random.uniform(self.max_seconds / 2, self.max_seconds)
