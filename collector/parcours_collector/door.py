"""The door to the street: the listening sockets of one process, and how they are closed without turning anyone away.

On closing, new connections are left to whoever listens too. Open ones are answered once more with `Connection: close`,
so that their senders open the next one elsewhere; only what stays idle is closed without a word.
"""

import asyncio
import contextlib
import errno

from aiohttp import web

from parcours_collector.errors import PortInUse
from parcours_collector.intake.admission import Admission
from parcours_collector.supervising.berth import Berth
from parcours_collector.supervising.listeners import BACKLOG

_FINISH_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class Door:
    """Serves an application on one address, or on the sockets of a worker's berth."""

    def __init__(self, application: web.Application, admission: Admission, *, linger_seconds: float) -> None:
        # The body is decompressed by us, within limits: aiohttp's own way has none for what it inflates to.
        self._runner = web.AppRunner(
            application, auto_decompress=False, access_log=None, shutdown_timeout=_FINISH_SECONDS
        )
        self._admission = admission
        self._linger_seconds = linger_seconds
        self._berth: Berth | None = None
        self._sites: dict[int, web.SockSite] = {}

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._runner.server.connections) if self._runner.server is not None else 0

    async def open(self, host: str, port: int, berth: Berth | None) -> int:
        """Begin to accept connections and return the port.

        Raises:
            PortInUse: Something listens there already.
        """
        await self._runner.setup()
        if berth is not None:
            self._berth = berth
            await self.serve(berth.slot)
            return int(self._runner.addresses[0][1])
        site = web.TCPSite(self._runner, host, port, reuse_address=True, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(f"Port {port} of {host} is in use.") from error
            raise
        return int(self._runner.addresses[0][1])

    async def serve(self, slot: int) -> None:
        """Accept what arrives at a slot of the berth, too."""
        if self._berth is not None and slot not in self._sites and not self._admission.retiring:
            site = web.SockSite(self._runner, self._berth.listener(slot), backlog=BACKLOG)
            await site.start()
            self._sites[slot] = site

    async def leave(self, slot: int) -> None:
        """Leave what arrives at another worker's slot to that worker again."""
        site = self._sites.pop(slot, None)
        if site is not None:
            await site.stop()

    async def close(self) -> None:
        """Accept no more, let open connections end, and finish the requests under way."""
        self._admission.retiring = True
        for site in tuple(self._runner.sites):
            await site.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                while self.connections:  # noqa: ASYNC110 - aiohttp tells nobody when one has ended
                    await asyncio.sleep(_LOOK_SECONDS)
        self._admission.stopping = True
        await self._runner.cleanup()
