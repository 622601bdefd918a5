"""A worker's side of the line: it says when it is ready, measures itself when asked, and ends with its supervisor."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from parcours_collector.errors import NotNow
from parcours_collector.measures.board import Board
from parcours_collector.measures.snapshot import as_rows, snapshot_of
from parcours_collector.supervising.line import Line

_PATIENCE_SECONDS = 5.0

Slots = Callable[[int], Awaitable[None]]
"""Begins or ends to accept the connections of a slot."""


class WorkerLine:
    """Serves the line until it ends; `ended` is set then."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._asked = itertools.count()
        self._waiting: dict[int, asyncio.Future[str]] = {}
        self._board: Board | None = None
        self._task: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()

    def ready(self, board: Board, *, serve: Slots, leave: Slots) -> None:
        """Tell the supervisor that connections are accepted, and listen to it from now on."""
        self._board = board
        self._task = asyncio.create_task(self._run(board, serve, leave))
        self._line.send(ready=True)

    async def whole(self, each: bool) -> bytes:
        """Return the metrics of all workers as text.

        Args:
            each: Every worker's series by itself, rather than all together.

        Raises:
            NotNow: The supervisor does not answer.
        """
        number = next(self._asked)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._line.send(whole=number, each=each)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                text: str = await answer
                return text.encode()
        except TimeoutError as error:
            raise NotNow("The supervisor of this worker does not answer.") from error
        finally:
            del self._waiting[number]

    async def close(self) -> None:
        """Say a last time what was measured, and close the line."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._board is not None:
            self._measure(self._board)
        await self._line.close()

    def _measure(self, board: Board) -> None:
        self._line.send(measures=as_rows(snapshot_of(board.families())))

    async def _run(self, board: Board, serve: Slots, leave: Slots) -> None:
        while message := await self._line.receive():
            match message:
                case {"measure": True}:
                    self._measure(board)
                case {"serve": int(slot)}:
                    await serve(slot)
                case {"leave": int(slot)}:
                    await leave(slot)
                case {"whole": int(number), "text": str(text)}:
                    if number in self._waiting and not self._waiting[number].done():
                        self._waiting[number].set_result(text)
                case _:
                    continue  # of a newer supervisor
        self.ended.set()
