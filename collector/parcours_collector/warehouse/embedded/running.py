"""One request at work in the engine: its blocking steps in threads, and its end, however it ends.

The promise: when the client goes away the query is killed, and neither its session nor its place is given on before the
engine has let go of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar, TypeVarTuple

from parcours_collector.warehouse.embedded.engine import Connection, Engine, Insert, Stream
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.request import QueryRequest
from parcours_collector.warehouse.embedded.sessions import Lease, Sessions, prepare, settle

_KILL_AGAIN_SECONDS: Final = 0.2
_log = logging.getLogger(__name__)
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Threads:
    """The threads that blocking calls run in; a kill has its own, so that it never waits behind its victim."""

    def __init__(self, queries: int) -> None:
        self._queries = ThreadPoolExecutor(queries, "query")
        self._kills = ThreadPoolExecutor(1, "kill")

    def start(self, call: Callable[[*Ts], T], *arguments: *Ts) -> asyncio.Future[T]:
        """Run a call of a query."""
        return asyncio.get_running_loop().run_in_executor(self._queries, call, *arguments)

    def start_kill(self, call: Callable[[*Ts], T], *arguments: *Ts) -> asyncio.Future[T]:
        """Run a kill."""
        return asyncio.get_running_loop().run_in_executor(self._kills, call, *arguments)

    def close(self) -> None:
        """Wait for the running calls."""
        self._queries.shutdown()
        self._kills.shutdown()


class RunningQuery:
    """A request's hold on the engine, from `open` to `end`."""

    def __init__(self, engine: Engine, sessions: Sessions, threads: Threads, request: QueryRequest) -> None:
        self._engine = engine
        self._sessions = sessions
        self._threads = threads
        self._request = request
        self._lease: Lease | None = None
        self._pending: asyncio.Future[object] | None = None
        self._work: Stream | Insert | None = None
        self._ended: asyncio.Task[None] | None = None

    @property
    def lease(self) -> Lease:
        """The prepared connection; only after `open`."""
        if self._lease is None:
            raise RuntimeError("the query has not been opened")
        return self._lease

    async def open(self) -> None:
        """Take or open the session and prepare it.

        Raises:
            EngineError: see `Sessions.lease` and `prepare`; 394 when it has been ended meanwhile.
        """
        self._lease = self._sessions.lease(self._request)
        fresh = self._lease is None
        if self._lease is None:
            connection = await self.call(self._engine.connect)
            if self._ended is not None:
                raise _cancelled()  # who ended it closes what was opened
            self._pending = None
            try:
                self._lease = self._sessions.keep(self._request, connection)
            except EngineError:
                await self._threads.start(connection.close)
                raise
        lease = self._lease
        await self.call(partial(prepare, lease, self._request, fresh=fresh))

    async def call(self, step: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run one blocking step in a thread. If the waiting is cancelled the step goes on until `end` has killed it.

        Raises:
            EngineError: as the step does; 394 when the request has been ended, since nobody would kill a further step.
        """
        if self._ended is not None:
            raise _cancelled()
        future = self._threads.start(step, *arguments)
        self._pending = future  # type: ignore[assignment]  # Future is invariant, and only its being done is asked
        return await asyncio.shield(future)

    def follow(self, work: Stream | Insert) -> None:
        """Remember what has to be cancelled if the request ends early."""
        self._work = work

    def done(self) -> None:
        """The engine's work is complete: nothing is left to cancel."""
        self._work = None

    def end(self) -> asyncio.Task[None]:
        """Let go of the engine: kill what still runs, then give the session back. The task never fails."""
        if self._ended is None:
            self._ended = asyncio.create_task(self._end())
        return self._ended

    async def _end(self) -> None:
        await self._stop()
        if self._lease is None:
            return
        lease = self._lease
        try:
            if lease.key is not None:
                await self._threads.start(settle, lease)
            closing = self._sessions.release(lease)
        except EngineError:
            closing = self._sessions.drop(lease)
        if closing is not None:
            await self._threads.start(closing.close)

    async def _stop(self) -> None:
        pending = self._pending
        while pending is not None and not pending.done():
            # Again and again: a query that has not reached the engine's list yet cannot be killed.
            with contextlib.suppress(EngineError):
                await self._threads.start_kill(self._engine.kill, self._request.query_id)
            await asyncio.wait({pending}, timeout=_KILL_AGAIN_SECONDS)
        if pending is not None and not pending.cancelled() and pending.exception() is None:
            found = pending.result()
            if isinstance(found, (Stream, Insert)):
                self._work = found
            if isinstance(found, Connection):
                await self._threads.start(found.close)  # opened for a request that was gone by then
        if self._work is not None:
            work, self._work = self._work, None
            try:
                await self._threads.start(work.cancel)
            except EngineError as error:
                _log.debug("cancelling a query failed", extra={"code": error.code})


def _cancelled() -> EngineError:
    return EngineError(394, "QUERY_WAS_CANCELLED", "Query was cancelled: its client is gone, or the engine stops")
