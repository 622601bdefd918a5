"""The door to the street: the listening sockets of one process, and how they are closed without turning anyone away.

On closing, new connections are left to whoever listens too. Open ones are answered once more with `Connection: close`,
so that their senders open the next one elsewhere; only what stays idle is closed without a word.
"""

import asyncio
import contextlib
import errno
from typing import cast

from aiohttp import web

from parcours_collector.connections import Connections
from parcours_collector.errors import PortInUse
from parcours_collector.intake.admission import Admission
from parcours_collector.settings import HttpSettings
from parcours_collector.supervising.berth import Berth
from parcours_collector.supervising.listeners import BACKLOG

_FINISH_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class Door:
    """Serves an application on one address, or on the sockets of a worker's berth."""

    def __init__(self, application: web.Application, admission: Admission, settings: HttpSettings) -> None:
        self._connections = Connections(settings)
        application.middlewares.insert(0, self._connections.watch)
        self._runner = web.AppRunner(application, shutdown_timeout=_FINISH_SECONDS)
        self._admission = admission
        self._linger_seconds = settings.linger_seconds
        self._berth: Berth | None = None
        self._listening: dict[int, asyncio.Server] = {}

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._connections.count

    async def open(self, host: str, port: int, berth: Berth | None) -> int:
        """Begin to accept connections and return the port.

        Raises:
            PortInUse: Something listens there already.
        """
        await self._runner.setup()
        if berth is not None:
            self._berth = berth
            await self.serve(berth.slot)
            return self._port(berth.slot)
        loop = asyncio.get_running_loop()
        try:
            self._listening[0] = await loop.create_server(self._accept, host, port, reuse_address=True, backlog=BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(f"Port {port} of {host} is in use.") from error
            raise
        return self._port(0)

    async def serve(self, slot: int) -> None:
        """Accept what arrives at a slot of the berth, too."""
        if self._berth is not None and slot not in self._listening and not self._admission.retiring:
            self._listening[slot] = await asyncio.get_running_loop().create_server(
                self._accept, sock=self._berth.listener(slot), backlog=BACKLOG
            )

    async def leave(self, slot: int) -> None:
        """Leave what arrives at another worker's slot to that worker again."""
        listening = self._listening.pop(slot, None)
        if listening is not None:
            listening.close()

    def _port(self, slot: int) -> int:
        return int(self._listening[slot].sockets[0].getsockname()[1])

    def _accept(self) -> asyncio.Protocol:
        return self._connections.accept(cast("web.Server", self._runner.server))  # it is set up before anything listens

    async def close(self) -> None:
        """Accept no more, let open connections end, and finish the requests under way."""
        self._admission.retiring = True
        for slot in tuple(self._listening):
            await self.leave(slot)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                while self.connections:  # noqa: ASYNC110 - once, at the end of a process
                    await asyncio.sleep(_LOOK_SECONDS)
        self._admission.stopping = True
        await self._runner.cleanup()
