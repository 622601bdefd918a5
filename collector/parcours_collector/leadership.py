"""One process of those that share a data folder leads: it stitches and delivers orphans. The others stand by.

The lock is the kernel's and ends with the process that holds it, however that ends; another one leads a second later.
"""

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

_TRY_SECONDS = 1.0


class Duty(NamedTuple):
    """What the leader does: how it begins, and how it ends."""

    start: Callable[[], None]
    stop: Callable[[], Awaitable[None]]


class Leadership:
    """Tries to lead, from `start` to `stop`; while it leads, the duties run."""

    def __init__(self, file: Path, duties: tuple[Duty, ...]) -> None:
        self._file = file
        self._duties = duties
        self._descriptor: int | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def leads(self) -> bool:
        """Whether this process leads."""
        return self._descriptor is not None

    def start(self) -> None:
        """Lead now if nobody does, else as soon as nobody does."""
        if not self._try():
            self._task = asyncio.create_task(self._stand_by())

    async def stop(self) -> None:
        """End the duties, the last one first, and let another process lead."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._descriptor is not None:
            for duty in reversed(self._duties):
                await duty.stop()
            os.close(self._descriptor)
            self._descriptor = None

    async def _stand_by(self) -> None:
        while not self._try():  # noqa: ASYNC110 - the lock is another process'
            await asyncio.sleep(_TRY_SECONDS)

    def _try(self) -> bool:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        for duty in self._duties:
            duty.start()
        return True
