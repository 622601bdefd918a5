"""aiohttp.web: `setup(app, tracking)`. The host's callables receive its request and may be coroutine functions."""

from typing import TYPE_CHECKING

from aiohttp import web

from parcours.integrations.requests import WebRequest, WebResponse
from parcours.integrations.web import Visit, WebTracking

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_VISIT: web.RequestKey[Visit] = web.RequestKey("parcours_visit", Visit)


def setup(app: web.Application, tracking: WebTracking) -> None:
    """Record the requests of an app and of its sub-apps, and flush when it is cleaned up."""

    @web.middleware
    async def record(request: web.Request, handler: "Handler") -> web.StreamResponse:
        visit = await tracking.begin_async(lambda: _request(request), request)
        if visit is not None:
            request[_VISIT] = visit
        with tracking.scope(visit):
            raised: web.HTTPException | None = None
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = raised = error
            await tracking.finish_async(visit, lambda: _response(request, response), request)
            if raised is not None:
                raise raised
        return response

    async def set_cookie(request: web.Request, response: web.StreamResponse) -> None:
        # Here and not in the middleware, whose answer may be streamed already; as a header, for those are made by now.
        change = tracking.cookie_for(request.get(_VISIT), lambda: _response(request, response))
        if change is not None:
            response.headers.add("Set-Cookie", change.header())

    async def flush(_app: web.Application) -> None:
        await tracking.flush()

    app.middlewares.append(record)
    app.on_response_prepare.append(set_cookie)
    app.on_cleanup.append(flush)


def _request(native: web.Request) -> WebRequest:
    return WebRequest(
        method=native.method,
        scheme=native.scheme,
        host=native.host,
        path=native.path,
        query=native.query_string,
        header=native.headers.get,
        cookie=native.cookies.get,
    )


def _response(native: web.Request, response: web.StreamResponse) -> WebResponse:
    headers = response.headers
    resource = native.match_info.route.resource
    route = None if resource is None else resource.canonical
    return WebResponse(response.status, headers.get("Content-Type", ""), headers.get("Cache-Control", ""), route)
