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
        try:
            threading.Thread(target=self._absorb, name="parcours-spool", daemon=True).start()
        except BaseException as error:
            # None can be had now, or a time limit of the host fell into it: again when there is more.
            self._queue.when_swollen(self._begin, more=True)
            if not isinstance(error, RuntimeError | MemoryError):
                raise

    def _absorb(self) -> None:
        while True:
            moved = False
            # A want of memory: what is there stays where it is.
            with contextlib.suppress(Exception):
                moved = self._queue.absorb()
            if not moved and self._queue.when_swollen(self._begin):
                return
            if not moved:
                time.sleep(_AGAIN_SECONDS)
