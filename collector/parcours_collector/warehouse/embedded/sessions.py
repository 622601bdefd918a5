"""Sessions of the engine: one of its own for a request without a name, a kept one for a request with `session_id`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from parcours_collector.warehouse.embedded.engine import Connection, Engine, quote
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.guard import Role
from parcours_collector.warehouse.embedded.request import QueryRequest

_Key = tuple[Role, str]
_VALUES: Final = "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}"


@dataclass(slots=True)
class _Kept:
    connection: Connection
    busy: bool = True
    expiry: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Lease:
    """A connection for one request, prepared with the request's database and settings.

    Args:
        connection: to run the statement on.
        key: of the kept session, None for one of its own.
        timeout_seconds: how long a kept session is kept afterwards.
        restore: undoes the request's settings and database, so that a session keeps only what SET and USE said.
    """

    connection: Connection
    key: _Key | None = None
    timeout_seconds: int = 0
    restore: list[Callable[[], object]] = field(default_factory=list)


class Sessions:
    """Every open session. Lives on the event loop; `prepare`, `settle` and `close` of connections run in threads."""

    def __init__(self, engine: Engine, max_sessions: int) -> None:
        self._engine = engine
        self._max = max_sessions
        self._kept: dict[_Key, _Kept] = {}

    def lease(self, request: QueryRequest) -> Lease | None:
        """Reserve the request's named session if it is open; None when a connection has to be opened.

        Raises:
            EngineError: 373 in use by another request, 372 unknown with `session_check=1`, 202 too many sessions.
        """
        if request.session is None:
            return None
        key = (request.role, request.session.name)
        kept = self._kept.get(key)
        if kept is None:
            if request.session.must_exist:
                raise EngineError(
                    372,
                    "SESSION_NOT_FOUND",
                    f"Session {request.session.name!r} not found or expired: start without session_check",
                )
            if len(self._kept) >= self._max:
                raise EngineError(
                    202,
                    "TOO_MANY_SIMULTANEOUS_QUERIES",
                    f"{self._max} sessions are open: close one, or lower session_timeout",
                )
            return None
        if kept.busy:
            raise EngineError(
                373,
                "SESSION_IS_LOCKED",
                f"Session {request.session.name!r} is locked by a concurrent client: one request at a time",
            )
        kept.busy = True
        if kept.expiry is not None:
            kept.expiry.cancel()
            kept.expiry = None
        return Lease(kept.connection, key, request.session.timeout_seconds)

    def keep(self, request: QueryRequest, connection: Connection) -> Lease:
        """Make a lease of a freshly opened connection, kept by its name if it has one."""
        if request.session is None:
            return Lease(connection)
        key = (request.role, request.session.name)
        if key in self._kept:
            raise EngineError(
                373, "SESSION_IS_LOCKED", f"Session {request.session.name!r} was opened by a concurrent client"
            )
        self._kept[key] = _Kept(connection)
        return Lease(connection, key, request.session.timeout_seconds)

    def release(self, lease: Lease) -> Connection | None:
        """Give a lease back; the connection returned is to be closed."""
        if lease.key is None:
            return lease.connection
        kept = self._kept[lease.key]
        kept.busy = False
        kept.expiry = asyncio.get_running_loop().call_later(lease.timeout_seconds, self._expire, lease.key)
        return None

    def drop(self, lease: Lease) -> Connection:
        """Forget a session that could not be put back in order; the connection returned is to be closed."""
        if lease.key is not None:
            del self._kept[lease.key]
        return lease.connection

    def close(self) -> None:
        """Close every kept session that no request holds."""
        for key in [key for key, kept in self._kept.items() if not kept.busy]:
            self._expire(key)

    def _expire(self, key: _Key) -> None:
        kept = self._kept.pop(key)
        if kept.expiry is not None:
            kept.expiry.cancel()
        kept.connection.close()


def prepare(lease: Lease, request: QueryRequest, *, fresh: bool) -> None:
    """Apply database, settings and name to a leased connection. Blocking.

    Raises:
        EngineError: no such database, or a setting that cannot be set so.
    """
    connection = lease.connection
    if lease.key is not None:
        _remember(lease, request)
    if request.database:
        connection.use(request.database)
    comment = f"{request.query_id}\n{request.comment}"
    connection.apply({**request.settings, "log_comment": comment})
    if fresh and request.role is Role.ANALYST:
        connection.apply({"readonly": "2"})


def settle(lease: Lease) -> None:
    """Undo what `prepare` did to a named session. Blocking.

    Raises:
        EngineError: it could not be undone; the session must be dropped.
    """
    for undo in lease.restore:
        undo()


def _remember(lease: Lease, request: QueryRequest) -> None:
    connection = lease.connection
    if request.settings:
        names = "[" + ", ".join(quote(name) for name in request.settings) + "]"
        rows = connection.query(_VALUES, "JSONCompactEachRow", {"names": names}).data
        before = dict(json.loads(line) for line in rows.splitlines())
        lease.restore.append(lambda: connection.apply(before))
    if request.database:
        current = connection.query("SELECT currentDatabase()", "TSVRaw").data.decode().rstrip("\n")
        lease.restore.append(lambda: connection.use(current))
