"""The HTTP door: who may knock, which paths there are, and a life from ready to stopped."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

from aiohttp import web

from parcours_collector.errors import PortInUse
from parcours_collector.warehouse.embedded.engine import Engine
from parcours_collector.warehouse.embedded.errors import EngineError, access_denied
from parcours_collector.warehouse.embedded.folder import DataFolder
from parcours_collector.warehouse.embedded.guard import Role
from parcours_collector.warehouse.embedded.handler import QueryHandler
from parcours_collector.warehouse.embedded.options import EngineOptions
from parcours_collector.warehouse.embedded.refreshing import DictionaryRefresh

_log = logging.getLogger(__name__)
_MAX_HEADER_BYTES: Final = 1 << 20
_READ_BUFFER_BYTES: Final = 1 << 20
_STOP_SECONDS: Final = 15.0


class Server:
    """One listening socket in front of one engine."""

    def __init__(self, handler: QueryHandler, options: EngineOptions) -> None:
        self._handler = handler
        self._options = options

    def application(self) -> web.Application:
        """The paths of ClickHouse's HTTP interface that are answered."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._door)
        return app

    async def _door(self, http: web.Request) -> web.StreamResponse:
        refused = self._refusal(http)
        if refused is not None:
            return self._handler.error(refused)
        match http.path:
            case "/" | "/query":
                return await self._query(http)
            case "/ping" | "/replicas_status":
                return web.Response(text="Ok.\n")
            case path:
                return web.Response(
                    status=404,
                    text=f"There is no handle {path[:256]}\n\nUse / with a query, /ping or /replicas_status\n",
                )

    def _refusal(self, http: web.Request) -> EngineError | None:
        # A web page may make its reader's browser send requests here, under a name that it has pointed at 127.0.0.1.
        name = _host_name(http.headers.get("Host", ""))
        if not (
            _is_address(name)
            or name == "localhost"
            or name in self._options.allowed_hosts
            or name == self._options.host
        ):
            return access_denied(
                f"Host {name[:128]!r} is not served: ask 127.0.0.1 or localhost, or start with --allowed-host"
            )
        if "Origin" in http.headers or http.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return access_denied("requests from web pages are not served: use a ClickHouse client")
        return None

    async def _query(self, http: web.Request) -> web.StreamResponse:
        if http.method not in ("GET", "POST", "HEAD"):
            return web.Response(
                status=405, text="GET reads, POST reads and writes\n", headers={"Allow": "GET, HEAD, POST"}
            )
        if http.method == "GET" and not http.query and not http.body_exists:
            return web.Response(text="Ok.\n")
        return await self._handler.handle(http)


async def serve(
    options: EngineOptions, folder: DataFolder, announce: Callable[[str], None], *, stop_with_parent: bool
) -> None:
    """Open the engine, listen, announce, and serve until SIGTERM, SIGINT or the end of standard input.

    Args:
        options: see EngineOptions.
        folder: held by this process.
        announce: told `host:port` once requests are answered.
        stop_with_parent: also stop when standard input ends, which it does when the process at its other end is gone.

    Raises:
        PortInUse: something else listens there.
        EngineError: the engine cannot open the folder.
    """
    listener = _listen(options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if stop_with_parent:
        loop.add_reader(sys.stdin.fileno(), _at_end_of_input, stop)
    engine = await asyncio.to_thread(Engine, folder, options.limits)
    passwords = {role: folder.password(role.value) for role in Role}
    handler = QueryHandler(engine, options.limits, passwords, folder.temporary)
    runner = web.AppRunner(
        Server(handler, options).application(),
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        max_line_size=_MAX_HEADER_BYTES,
        max_field_size=_MAX_HEADER_BYTES,
        read_bufsize=_READ_BUFFER_BYTES,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    site = web.SockSite(runner, listener)
    await site.start()
    port = listener.getsockname()[1]
    folder.announce(options.host, port)
    announce(f"{options.host}:{port}")
    refreshing = asyncio.create_task(DictionaryRefresh(engine).run(stop))
    try:
        await stop.wait()
    finally:
        stop.set()
        await site.stop()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await handler.close()
                await refreshing
        except TimeoutError:
            # A step of the engine that cannot be cancelled. What was acknowledged is on disk, as after kill -9.
            _log.error("a query did not end when it was told to: the engine is left as it stands")
            folder.close()
            os._exit(1)
        await runner.cleanup()
        engine.close()


def _listen(options: EngineOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {options.port} of {options.host} is in use by another process.") from None
        raise
    return listener


def _at_end_of_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _host_name(header: str) -> str:
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if header.count(":") == 1 else header


def _is_address(name: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False
