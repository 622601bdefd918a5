"""A transport that keeps what is sent in memory: while it is entered, no tracker of this process reaches the network.

It replaces the request: validation, redaction, consent, the queue and the worker are the real ones. A spool is not
used: what waits in a real one is no test's.
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from parcours.answer import Answered, SendResult
from parcours.core import Core
from parcours.lifecycle import every_living
from parcours.outgoing import Outgoing
from parcours.testing.recorded import RecordedTouchpoint
from parcours.transport import Send, intercept

_ENVIRONMENT: Mapping[str, str | None] = {
    "PARCOURS_ENDPOINT": "http://touchpoints.invalid",
    "PARCOURS_WRITE_KEY": "recorded",
    "PARCOURS_DISABLED": None,
}
"""What `Tracker()` finds while recording: an address that exists nowhere, should a tracker outlive the recording."""
_EARLIER_SECONDS = 1.0


class RecordingTransport:
    """Record every touchpoint that any tracker of this process sends between `with` and its end.

    Trackers made before or meanwhile, with arguments or from the environment, of either face: all are recorded. It
    answers as a collector that accepts everything.

    Args:
        network: Send as well, and record what the collector accepted; the environment is left as it is.
    """

    def __init__(self, *, network: bool = False) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._recorded: dict[str, RecordedTouchpoint] = {}
        self._recording = False
        self._undo = ExitStack()

    @property
    def touchpoints(self) -> tuple[RecordedTouchpoint, ...]:
        """What was recorded so far, oldest first. `settle` before, to have all that was emitted."""
        with self._lock:
            return tuple(self._recorded.values())

    def settle(self, timeout_seconds: float = 5.0) -> int:
        """Wait until all that was emitted is recorded or dropped, at most so long; return how many are pending."""
        return settle(timeout_seconds)

    def clear(self) -> None:
        """Forget what was recorded so far, and what is still pending."""
        self.settle()
        with self._lock:
            self._recorded.clear()

    async def send(self, events: Sequence[Outgoing]) -> SendResult:
        """Record touchpoints and say that all are accepted."""
        self._keep(events)
        return Answered(())

    async def _intercept(self, events: Sequence[Outgoing], send: Send) -> SendResult:
        if not self._network:
            return await self.send(events)
        result = await send(events)
        if isinstance(result, Answered):
            refused = {rejection.index for rejection in result.rejections}
            self._keep([event for index, event in enumerate(events) if index not in refused])
        return result

    def _keep(self, events: Sequence[Outgoing]) -> None:
        with self._lock:
            for event in events if self._recording else ():
                self._recorded.setdefault(event.id, RecordedTouchpoint.read(event.wire))

    def __enter__(self) -> Self:
        if not self._network:
            self._undo.callback(_set_environment, _set_environment(_ENVIRONMENT))
        self._undo.enter_context(intercept(self._intercept, isolated=not self._network))
        # What an earlier test left pending is let go first: it is not this one's.
        self.settle(_EARLIER_SECONDS)
        self._recording = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.settle()
        self._recording = False
        self._undo.close()


def settle(timeout_seconds: float) -> int:
    """Wait until every tracker of this process has nothing pending, at most so long; return how much is left."""
    deadline = time.monotonic() + timeout_seconds
    cores = [each for each in every_living() if isinstance(each, Core)]
    for core in cores:
        core.flush(max(0.0, deadline - time.monotonic()))
    return sum(core.stats().pending for core in cores)


def _set_environment(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Set variables, or unset those that are None; return what they were."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before
