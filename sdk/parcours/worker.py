"""The one background thread of a tracker: it empties the queue, oldest first, one request at a time.

It owns an asyncio loop of its own, so that the host's loop, its policy and its executors are never used; both faces
are served by it. It knows nothing of what a touchpoint means.
"""

import asyncio
import contextlib
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias, assert_never

from parcours.answer import Answered, Refused, Rejection, TooLarge, Unavailable, Unreadable
from parcours.drops import Dropped, DropReason, DropReporter, QuietLog
from parcours.options import Options
from parcours.outgoing import Batch, Outgoing
from parcours.queue import EventQueue
from parcours.retry import Backoff
from parcours.transport import Transport, is_isolated
from parcours_schemas.refusal import shown_name

if TYPE_CHECKING:
    from parcours.adoption import Adoption

_ISOLATED_REST_SECONDS = 0.5
_FAILURES_WITHOUT_HOPE = 2
"""A single one may be a connection that the other side had just closed."""
_PATIENCE_SECONDS = 1.0
_TOO_LARGE = "The collector takes no request as large as this touchpoint: send less in properties or context."
_UNREADABLE = "The collector could not read this touchpoint: check that SDK and collector are of one release."


OpenTransport: TypeAlias = Callable[[Options], AbstractAsyncContextManager[Transport]]


class Source(Protocol):
    """Where touchpoints wait: those of this process, or of dead ones."""

    def settle(self, count: int, dropped: Mapping[DropReason, int]) -> bool:
        """Take the `count` oldest out; return False when they are given up already."""

    def announce(self, count: int) -> None:
        """Say that the losses among them are reported."""


class Worker:
    """Deliver what the queue holds until stopped. `start`, `hurry` and `stop` may be called from any thread.

    Attributes:
        is_started: Whether there is a thread that has not ended: `start` has nothing to do.
    """

    def __init__(
        self,
        queue: EventQueue,
        adoption: "Adoption | None",
        options: Options,
        reporter: DropReporter,
        log: QuietLog,
        open_transport: OpenTransport,
    ) -> None:
        self._queue = queue
        self._adoption = adoption
        self._options = options
        self._reporter = reporter
        self._log = log
        self._open_transport = open_transport
        self._thread: threading.Thread | None = None
        # Reentrant: a signal handler may emit or close while this very thread is inside.
        self._start_lock = threading.RLock()
        self.is_started = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = threading.Event()
        self._asked_to_wait_until = 0.0
        self._failures = 0
        self._when_hopeless: tuple[Callable[[], None], float] | None = None
        self._serving = threading.Lock()

    @property
    def is_alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread if it does not run, or no longer.

        Where none can be had, touchpoints stay pending: the next call tries again, and `close` reports them.
        """
        with self._start_lock:
            if self.is_started or self._stopping.is_set():
                return
            before = self._thread
            self._thread = thread = threading.Thread(target=self._run, name="parcours-worker", daemon=True)
            self.is_started = True
            try:
                thread.start()
            except (RuntimeError, MemoryError) as error:
                self._thread = before
                self.is_started = False
                fault = f"No thread can be started to deliver touchpoints ({type(error).__name__}): they wait."
                self._log.warn("thread", fault)
            except BaseException:
                # A time limit of the host fell into it: the thread may live or not. The next one finds out.
                self.is_started = False
                raise

    def hurry(self) -> None:
        """End a wait for company or between two attempts; one that the collector asked for is kept."""
        loop, awake = self._loop, self._awake
        if loop is not None and awake is not None:
            # A closed loop refuses: then there is nobody left to wake.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(awake.set)

    def when_hopeless(self, callback: Callable[[], None], *, within_seconds: float) -> float:
        """Call `callback` once all that waits is on disk and waiting on would bring nothing.

        That is after two attempts in a row that have failed, or one that somebody has to mend, or when no other will be
        made in so many seconds, because the collector has asked to be let alone.

        Returns:
            How long to wait for that: less than told when the last attempts have failed, since the next may hang.
        """
        until = time.monotonic() + within_seconds
        self._when_hopeless = callback, until
        if self._asked_to_wait_until > until:
            self._give_up_hope()
        failing = self._failures >= _FAILURES_WITHOUT_HOPE and self._all_is_on_disk()
        return min(within_seconds, _PATIENCE_SECONDS) if failing else within_seconds

    def _all_is_on_disk(self) -> bool:
        return self._options.spool is not None and not self._queue.stats().pending

    def _give_up_hope(self) -> None:
        if self._when_hopeless is not None and self._all_is_on_disk():
            self._when_hopeless[0]()

    def _count_failure(self, result: Unavailable | Refused, wait_seconds: float) -> None:
        self._failures += 1
        too_late = self._when_hopeless is not None and time.monotonic() + wait_seconds > self._when_hopeless[1]
        if too_late or self._failures >= _FAILURES_WITHOUT_HOPE or isinstance(result, Refused):
            self._give_up_hope()

    def stop(self, timeout_seconds: float) -> None:
        """Give up what is in flight and end the thread, waiting no longer than told: it is a daemon.

        The queue is abandoned: the thread lets go of the spool at its end.
        """
        # Without the lock: a thread that starts meanwhile sees it and ends.
        self._stopping.set()
        if not self.is_started:
            self._queue.release_spool()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        thread = self._thread
        # One that a signal handler has caught in the middle of its start cannot be joined.
        if thread is not None and thread is not threading.current_thread() and thread.is_alive():
            thread.join(timeout_seconds)

    def _run(self) -> None:
        if not self._serving.acquire(blocking=False):
            return
        self._thread = threading.current_thread()
        self.is_started = True
        # Never the host's policy: under uvloop too this is a plain loop that resolves and polls in this thread.
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner, contextlib.suppress(CancelledError):
                runner.run(self._serve())
        finally:
            if self._adoption is not None:
                self._adoption.close()
            self._queue.release_spool()
            self._serving.release()
            self.is_started = False

    async def _serve(self) -> None:
        self._awake = asyncio.Event()
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        backoff = self._new_backoff()
        while not self._stopping.is_set():
            try:
                async with self._open_transport(self._options) as transport:
                    while True:
                        await self._deliver(transport, *await self._next_batch())
                        backoff = self._new_backoff()
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end delivery; nothing was settled
                unexpected = Unavailable(f"unexpected {type(error).__name__}")
                self._warn_of(unexpected)
                wait_seconds = backoff.wait_seconds(unexpected)
                self._count_failure(unexpected, wait_seconds)
                await self._sleep(wait_seconds)

    async def _next_batch(self) -> tuple[Source, Batch]:
        """Wait for a first touchpoint, give it time to find company, and return what there is: the oldest."""
        options, queue, adoption = self._options, self._queue, self._adoption
        while True:
            queue.secure()
            if adoption is not None and is_isolated():
                # A test's: what is real waits, and nobody waits for it.
                queue.set_adopting(adopting=False)
                adoption = None
            # Those of the dead are older, but whoever waits, waits for their own.
            if adoption is not None and not (queue.hurried and not queue.is_empty) and adoption.has_any():
                return adoption, adoption.peek(max_count=options.batch_max_count, max_bytes=options.batch_max_bytes)
            if queue.arm(self.hurry, at_count=1, at_bytes=1):
                break
            await self._sleep(self._rest_seconds(adoption))
            adoption = self._adoption
        full = queue.arm(self.hurry, at_count=options.batch_max_count, at_bytes=options.batch_max_bytes)
        if not full and not queue.hurried:
            await self._sleep(options.linger_seconds)
        batch = queue.peek(max_count=options.batch_max_count, max_bytes=options.batch_max_bytes)
        if not batch.events and not queue.is_empty:
            # The disk does not give them now.
            await asyncio.sleep(options.backoff_base_seconds)
        return queue, batch

    def _rest_seconds(self, adoption: "Adoption | None") -> float | None:
        """How long to wait for a touchpoint; for ever when None."""
        if adoption is not None:
            return adoption.rest_seconds()
        return None if self._adoption is None else _ISOLATED_REST_SECONDS

    async def _deliver(self, transport: Transport, source: Source, batch: Batch) -> None:
        """Settle a batch, if there is one: as expired, or by sending it."""
        events, expired = batch
        if expired:
            lost = (Rejection(index, "", "", "") for index in range(len(events)))
            self._settle(source, events, DropReason.EXPIRED, *lost)
        elif events:
            await self._send(transport, source, events)

    async def _send(self, transport: Transport, source: Source, events: Sequence[Outgoing]) -> None:
        """Send until every touchpoint is settled, in order: the same bytes and ids at each attempt."""
        backoff = self._new_backoff()
        while True:
            if source is self._adoption and is_isolated():
                return
            result = await transport.send(events)
            if not isinstance(result, Unavailable | Refused):
                self._failures = 0
            match result:
                case Answered(rejections, warnings):
                    self._settle(source, events, DropReason.REJECTED, *rejections)
                    self._pass_on(events, warnings)
                    return
                case TooLarge() | Unreadable() if len(events) > 1:
                    middle = len(events) // 2
                    await self._send(transport, source, events[:middle])
                    await self._send(transport, source, events[middle:])
                    return
                case TooLarge():
                    self._settle(source, events, DropReason.TOO_LARGE, Rejection(0, "too_large", "", _TOO_LARGE))
                    return
                case Unreadable():
                    self._settle(source, events, DropReason.REJECTED, Rejection(0, "unreadable", "", _UNREADABLE))
                    return
                case Unavailable() | Refused():
                    self._warn_of(result)
                    self._queue.secure()
                    wait_seconds = backoff.wait_seconds(result)
                    self._count_failure(result, wait_seconds)
                    if isinstance(result, Unavailable) and result.retry_after_seconds is not None:
                        self._asked_to_wait_until = time.monotonic() + wait_seconds
                        await asyncio.sleep(wait_seconds)
                    else:
                        await self._sleep(wait_seconds)
                case _:
                    assert_never(result)

    def _settle(self, source: Source, events: Sequence[Outgoing], reason: DropReason, *rejections: Rejection) -> None:
        """Settle a batch of which `rejections` are lost; what `close` has given up meanwhile is reported already."""
        if not source.settle(len(events), {reason: len(rejections)}):
            return
        for lost in rejections:
            event = events[lost.index]
            self._reporter.report(
                Dropped(event.id, event.name, event.wire, code=lost.code, path=lost.path, detail=lost.detail), reason
            )
        source.announce(len(events))

    def _pass_on(self, events: Sequence[Outgoing], warnings: Sequence[Rejection]) -> None:
        """Say, at most once a minute a code, what the collector took with a warning."""
        for code in dict.fromkeys(warning.code for warning in warnings):
            of_code = [warning for warning in warnings if warning.code == code]
            first = of_code[0]
            name = shown_name(events[first.index].name)
            what = f"The collector took {name} with a warning: {code} at {first.path or '/'}."
            self._log.warn(f"collector warned {code}", what, count=len(of_code))

    async def _sleep(self, seconds: float | None) -> None:
        """Wait so long, for ever when None, or until `hurry`."""
        awake = self._awake
        if awake is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await awake.wait()
        awake.clear()

    def _new_backoff(self) -> Backoff:
        return Backoff(self._options.backoff_base_seconds, self._options.backoff_max_seconds)

    def _warn_of(self, result: Unavailable | Refused) -> None:
        stats = self._queue.stats()
        waiting = stats.pending + stats.spooled + stats.adopted.spooled
        self._log.warn(
            type(result).__name__.lower(),
            f"Nothing could be delivered: {result.cause}. {waiting} touchpoints wait and are sent again.",
        )
