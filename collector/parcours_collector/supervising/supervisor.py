"""The supervisor: keeps as many workers as are wanted, starts again those that die, and replaces them one by one.

It accepts nothing and stores nothing: it holds the listening sockets, so that whatever happens to a worker the next one
finds the connections waiting. While a slot has no worker, a neighbour accepts its connections too.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from parcours_collector.delivery.backoff import Backoff
from parcours_collector.measures.board import Board, Reading
from parcours_collector.supervising.gathering import Gathering
from parcours_collector.supervising.notify import notify
from parcours_collector.supervising.process import WorkerProcess

_log = structlog.get_logger()

START_SECONDS = 60.0
_FIRST_BACKOFF_SECONDS = 0.05
_LONGEST_BACKOFF_SECONDS = 10.0
_SETTLED_SECONDS = 30.0


@dataclass(slots=True)
class _Slot:
    number: int
    worker: WorkerProcess | None = None
    lent_to: WorkerProcess | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS))


class Supervisor:
    """Runs workers until SIGTERM or SIGINT; SIGHUP replaces them one by one."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        end_seconds: float,
    ) -> None:
        """Prepare.

        Args:
            listeners: One for each worker.
            command: Starts a worker.
            environment: Of the workers.
            end_seconds: How long a worker may take to end.
        """
        self._listeners = listeners
        self._command = command
        self._environment = environment
        self._end_seconds = end_seconds
        self._slots = [_Slot(number) for number in range(len(listeners))]
        self._alive: set[WorkerProcess] = set()
        self._watching: set[asyncio.Task[None]] = set()
        self._deaths = 0
        self._stop = asyncio.Event()
        self._replace = asyncio.Event()
        board = Board()
        board.read(self._readings)
        self._gathering = Gathering(board)

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Run until a signal ends it; return the exit status, which is that of a worker that cannot even start.

        Args:
            on_ready: Called once every worker accepts connections.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._replace.set)
        tasks: list[asyncio.Task[None]] = []
        try:
            first = await asyncio.gather(*(self._start(slot.number) for slot in self._slots))
            failed = [worker for worker in first if not worker.is_ready.is_set() or worker.ended.is_set()]
            if failed and not self._stop.is_set():
                return max(1, failed[0].status or 1)
            for slot, worker in zip(self._slots, first, strict=True):
                slot.worker = worker
            tasks = [asyncio.create_task(self._keep(slot)) for slot in self._slots]
            tasks.append(asyncio.create_task(self._replacing()))
            on_ready()
            notify("READY=1")
            await self._stop.wait()
            _log.info("supervisor_stopping", workers=len(self._alive))
            return 0
        finally:
            notify("STOPPING=1")
            self._stop.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for listener in self._listeners:
                listener.close()
            await asyncio.gather(*(worker.end(self._end_seconds) for worker in tuple(self._alive)))
            await asyncio.gather(*self._watching)
            _log.info("supervisor_stopped")

    async def _keep(self, slot: _Slot) -> None:
        while True:
            worker = slot.worker
            if worker is None:
                await asyncio.sleep(slot.backoff.next_seconds())
                begun = await self._start(slot.number)
                if begun.is_ready.is_set() and not begun.ended.is_set():
                    slot.worker = begun
                    self._take_back(slot)
                else:
                    await begun.end(self._end_seconds)
                continue
            await worker.ended.wait()
            if slot.worker is not worker:
                continue  # it was replaced
            slot.worker = None
            self._deaths += 1
            _log.error("worker_died", slot=slot.number, pid=worker.pid, status=worker.status)
            if worker.lived_seconds > _SETTLED_SECONDS:
                slot.backoff.reset()
            self._lend(slot)

    async def _replacing(self) -> None:
        while True:
            await self._replace.wait()
            self._replace.clear()
            notify("RELOADING=1")
            _log.info("replacing_workers", workers=len(self._slots))
            done = [slot.number for slot in self._slots if await self._replaced(slot)]
            _log.info("replaced_workers", replaced=len(done), wanted=len(self._slots))
            notify("READY=1")

    async def _replaced(self, slot: _Slot) -> bool:
        new = await self._start(slot.number)
        if not new.is_ready.is_set() or new.ended.is_set():
            _log.error("worker_not_replaced", slot=slot.number, status=new.status, consequence="the former one goes on")
            await new.end(self._end_seconds)
            return False
        # Both accept now; the former one ends once it has answered what it had accepted.
        former, slot.worker = slot.worker, new
        self._take_back(slot)
        if former is not None:
            for lending in self._slots:
                if lending.lent_to is former:
                    self._take_back(lending)
                    self._lend(lending)
            await former.end(self._end_seconds)
        return True

    async def _start(self, slot: int) -> WorkerProcess:
        worker = await WorkerProcess.start(self._command, self._environment, slot, self._listeners, self._answer)
        self._alive.add(worker)
        watching = asyncio.create_task(self._watch(worker))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        await worker.until_ready(START_SECONDS)
        return worker

    async def _watch(self, worker: WorkerProcess) -> None:
        await worker.ended.wait()
        self._gathering.retire(worker.measured)
        self._alive.discard(worker)

    def _lend(self, slot: _Slot) -> None:
        neighbour = next((one.worker for one in self._slots if one.worker is not None), None)
        if neighbour is not None:
            neighbour.send(serve=slot.number)
            slot.lent_to = neighbour

    def _take_back(self, slot: _Slot) -> None:
        if slot.lent_to is not None:
            slot.lent_to.send(leave=slot.number)
            slot.lent_to = None

    async def _answer(self, asker: WorkerProcess, number: int, each: bool) -> None:
        await asyncio.gather(*(worker.measure() for worker in tuple(self._alive) if worker.is_ready.is_set()))
        if each:
            text = self._gathering.each({f"{one.slot}-{one.pid}": one.measured for one in self._alive})
        else:
            text = self._gathering.together([one.measured for one in self._alive])
        asker.send(whole=number, text=text.decode())

    def _readings(self) -> Iterator[Reading]:
        yield Reading("parcours_workers", sum(slot.worker is not None for slot in self._slots))
        yield Reading("parcours_workers_wanted", len(self._slots))
        yield Reading("parcours_worker_deaths_total", self._deaths)
