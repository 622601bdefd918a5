"""The open connections of one process: how many there may be, and how long each may keep still.

A connection is a file, and the log, its checkpoints and delivery need files too: so it is connections that give way,
those without a request under way first, and of them the one that has kept still longest.
"""

import asyncio
import contextlib
import resource
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from parcours_collector.settings import HttpSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger()

_KEPT_FILES = 128
"""For the log, its checkpoints, delivery and what a command opens; of very few files, three quarters."""


def raise_file_limit() -> None:
    """Let this process open as many files as the system lets it ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    with contextlib.suppress(ValueError, OSError):  # some systems name a hard limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections(settings: HttpSettings) -> int:
    """Return how many connections may be open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return settings.max_connections
    return max(1, min(settings.max_connections, max(files // 4, files - _KEPT_FILES)))


class Connections:
    """Makes the connections of a server, and closes those that keep still for too long or are too many."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._most = most_connections(settings)
        # Without a request under way, the one that has kept still longest first; whether any has been read yet.
        self._still: dict[_Connection, bool] = {}
        self._at_work: set[_Connection] = set()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._still) + len(self._at_work)

    def accept(self, server: web.Server) -> asyncio.Protocol:
        """Return what speaks with a new connection; where there is no room, another one ends for it, or else itself."""
        if self.count >= self._most:
            if not self._still:
                return _TurnedAway()
            oldest = next(iter(self._still))
            self.closed(oldest)
            oldest.force_close()
        return _Connection(server, self, idle_seconds=self._settings.idle_timeout_seconds)

    def opened(self, connection: "_Connection") -> None:
        """Give a connection its time to send a head."""
        self._still[connection] = False
        asyncio.get_running_loop().call_later(self._settings.head_timeout_seconds, self._end_if_unheard, connection)

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection."""
        self._still.pop(connection, None)
        self._at_work.discard(connection)

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Spare a connection while its request is under way."""
        connection = request.protocol
        if not isinstance(connection, _Connection) or connection not in self._still:
            return await handler(request)
        del self._still[connection]
        self._at_work.add(connection)
        try:
            return await handler(request)
        finally:
            if connection in self._at_work:
                self._at_work.remove(connection)
                self._still[connection] = True

    def _end_if_unheard(self, connection: "_Connection") -> None:
        if self._still.get(connection) is False:
            connection.force_close()


class _Connection(web.RequestHandler):
    """One connection, whose beginning and end are noted."""

    __slots__ = ("_connections",)

    def __init__(self, server: web.Server, connections: Connections, *, idle_seconds: float) -> None:
        # The body is decompressed by us, within limits: aiohttp's own way has none for what it inflates to.
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type] # which is how aiohttp is told to keep none
            keepalive_timeout=idle_seconds,
        )
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.closed(self)
        super().connection_lost(exc)

    def log_exception(self, *_args: Any, **named: Any) -> None:
        # Neither its message nor its trace: both repeat the head, where a write key may stand.
        _log.warning("request_unreadable", error=type(named.get("exc_info")).__name__)


class _TurnedAway(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
