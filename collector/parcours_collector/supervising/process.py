"""One worker process as its supervisor sees it: what it last measured, whether it is ready, and when it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from parcours_collector.measures.snapshot import Snapshot, of_rows
from parcours_collector.supervising.berth import Berth
from parcours_collector.supervising.line import Line

_MEASURE_SECONDS = 2.0

Asked = Callable[["WorkerProcess", int, bool], Coroutine[None, None, None]]
"""A worker asks for the metrics of all: by which number, and whether of each by itself."""


class WorkerProcess:
    """A worker that was started; made by `start`."""

    def __init__(self, slot: int, process: asyncio.subprocess.Process, line: Line, asked: Asked) -> None:
        self.slot = slot
        self.measured: Snapshot = {}
        self.is_ready = asyncio.Event()
        self.ended = asyncio.Event()
        self._process = process
        self._line = line
        self._asked = asked
        self._told = asyncio.Condition()
        self._answering: set[asyncio.Task[None]] = set()
        self._began_at = time.monotonic()
        self._task = asyncio.create_task(self._run())

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        slot: int,
        listeners: Sequence[socket.socket],
        asked: Asked,
    ) -> "WorkerProcess":
        """Start a worker for a slot; raise OSError when no process can be made."""
        ours, theirs = socket.socketpair()
        try:
            berth = Berth(slot, theirs.fileno(), tuple(one.fileno() for one in listeners))
            process = await asyncio.create_subprocess_exec(
                *command,
                "--berth",
                str(berth),
                env=environment,
                pass_fds=(berth.line, *berth.listeners),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends its workers in order
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(slot, process, await Line.over(ours), asked)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def lived_seconds(self) -> float:
        """For how long it has run."""
        return time.monotonic() - self._began_at

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal, once it has ended."""
        return self._process.returncode

    def send(self, **message: Any) -> None:
        """Send it a message."""
        self._line.send(**message)

    async def measure(self) -> None:
        """Ask what it measures now; `measured` is what it said last when it does not answer."""
        async with self._told:
            self._line.send(measure=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MEASURE_SECONDS):
                    await self._told.wait()

    async def until_ready(self, timeout_seconds: float) -> bool:
        """Return whether it accepts connections, once it does, has ended, or the time is over."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.is_ready, self.ended)]
        try:
            await asyncio.wait(waits, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self.is_ready.is_set() and not self.ended.is_set()

    async def end(self, grace_seconds: float) -> None:
        """Ask it to end, and end it when it has not after the grace."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_seconds):
                await self.ended.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self.ended.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def _run(self) -> None:
        while message := await self._line.receive():
            match message:
                case {"ready": True}:
                    self.is_ready.set()
                case {"measures": list(rows)}:
                    self.measured = of_rows(rows)
                    async with self._told:
                        self._told.notify_all()
                case {"whole": int(number), "each": bool(each)}:
                    # In a task: the answer needs this worker's own measures, which come over this line.
                    answering = asyncio.create_task(self._asked(self, number, each))
                    self._answering.add(answering)
                    answering.add_done_callback(self._answering.discard)
                case _:
                    continue
        await self._process.wait()
        await self._line.close()
        self.ended.set()
