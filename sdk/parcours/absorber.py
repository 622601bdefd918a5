"""The thread that keeps memory small when much waits: it moves touchpoints on to the backlog on disk.

It lives only as long as there is something to move, so that neither the caller nor the worker, which may be waiting for
the network or loading what it needs, does it. It knows nothing of delivery.
"""

import contextlib
import threading
import time

from parcours.queue import EventQueue

_AGAIN_SECONDS = 0.5


class Absorber:
    """Have a queue absorb what swells it, from now on."""

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue
        queue.when_swollen(self._begin)

    def _begin(self) -> None:
        # The interpreter refuses threads at its end; what is in memory is in the journal, too.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._absorb, name="parcours-spool", daemon=True).start()

    def _absorb(self) -> None:
        while True:
            moved = self._queue.absorb()
            if self._queue.when_swollen(self._begin):
                return
            if not moved:
                time.sleep(_AGAIN_SECONDS)
