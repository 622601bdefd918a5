"""The shop in aiohttp.web."""

import asyncio

from aiohttp import web

from parcours.integrations.aiohttp import setup
from tests.integration_apps.shop import PAGE, hold, tracking, view_product


async def product(request: web.Request) -> web.Response:
    return web.Response(text=view_product(request.match_info["product_id"]), content_type="text/html")


async def cached(_request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html", headers={"Cache-Control": "public, max-age=60"})


async def moved(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/cached")


async def broken(_request: web.Request) -> web.Response:
    raise RuntimeError("the host's own fault")


async def held(_request: web.Request) -> web.Response:
    return web.Response(text=await asyncio.to_thread(hold))


def main() -> None:
    app = web.Application()
    setup(app, tracking(lambda request, name: request.headers.get(name)))
    app.router.add_get("/products/{product_id}", product)
    app.router.add_get("/cached", cached)
    app.router.add_get("/moved", moved)
    app.router.add_get("/broken", broken)
    app.router.add_get("/hold", held)
    web.run_app(app, host="127.0.0.1", port=0)


if __name__ == "__main__":
    main()
