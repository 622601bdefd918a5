"""Starlette, FastAPI and any other ASGI framework: `app.add_middleware(ParcoursMiddleware, tracking=tracking)`.

Pure ASGI: it imports no framework, streams what the app streams, and flushes at the end of the server's life.
The host's callables receive the connection's `scope`, in which Starlette keeps `user`, `session` and `state`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias

from parcours.integrations.requests import WebRequest, WebResponse
from parcours.integrations.web import WebTracking

# The types of ASGI itself: what a message holds depends on its `type`.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class ParcoursMiddleware:
    """Record the requests of an ASGI app, and flush when its server shuts down.

    Args:
        app: What answers.
        tracking: What is recorded.
    """

    def __init__(self, app: App, tracking: WebTracking) -> None:
        self._app = app
        self._tracking = tracking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await self._app(scope, receive, self._flushing(send))
            case _:
                await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracking = self._tracking
        visit = await tracking.begin_async(lambda: _request(scope), scope)
        started: Message | None = None

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = message
                change = tracking.cookie_for(visit, lambda: _response(scope, message))
                if change is not None:
                    cookie = (b"set-cookie", change.header().encode("latin-1"))
                    message["headers"] = [*message.get("headers", ()), cookie]
            await send(message)

        with tracking.scope(visit):
            await self._app(scope, receive, send_marked)
            if started is not None:
                answer = started
                await tracking.finish_async(visit, lambda: _response(scope, answer), scope)

    def _flushing(self, send: Send) -> Send:
        async def send_after_flush(message: Message) -> None:
            # A server may end the process by a signal right after: nothing else would flush then.
            if message["type"].startswith("lifespan.shutdown."):
                await self._tracking.flush()
            await send(message)

        return send_after_flush


class FlushAtShutdown:
    """Give an ASGI app without a lifespan, such as Django's, one that flushes when the server shuts down.

    Args:
        app: What answers everything but the lifespan.
        tracking: What is flushed.
    """

    def __init__(self, app: App, tracking: WebTracking) -> None:
        self._app = app
        self._tracking = tracking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await self._tracking.flush()
        await send({"type": "lifespan.shutdown.complete"})


def _request(scope: Scope) -> WebRequest:
    headers = _by_name(scope["headers"])
    cookies: SimpleCookie | None = None

    def cookie(name: str) -> str | None:
        nonlocal cookies
        if cookies is None:
            try:
                cookies = SimpleCookie(headers.get("cookie", ""))
            except CookieError:
                cookies = SimpleCookie()
        return cookies[name].value if name in cookies else None

    host = headers.get("host") or ":".join(str(part) for part in scope.get("server") or ("",))
    return WebRequest(
        method=scope["method"],
        scheme=scope["scheme"],
        host=host,
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        header=lambda name: headers.get(name.lower()),
        cookie=cookie,
    )


def _response(scope: Scope, message: Message) -> WebResponse:
    headers = _by_name(message.get("headers", ()))
    # A mounted app adds its prefix to `root_path`; the route knows its own part alone.
    pattern = getattr(scope.get("route"), "path", None)
    route = f"{scope.get('root_path', '')}{pattern}" if isinstance(pattern, str) else None
    return WebResponse(message["status"], headers.get("content-type", ""), headers.get("cache-control", ""), route)


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
