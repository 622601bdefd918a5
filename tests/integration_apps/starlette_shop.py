"""The shop in Starlette."""

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route

from parcours.integrations.asgi import ParcoursMiddleware
from tests.integration_apps.shop import PAGE, hold, tracking, view_product


async def product(request: Request) -> HTMLResponse:
    return HTMLResponse(view_product(request.path_params["product_id"]))


def cached(_request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE, headers={"Cache-Control": "public, max-age=60"})


def moved(_request: Request) -> RedirectResponse:
    return RedirectResponse("/cached", 302)


def broken(_request: Request) -> HTMLResponse:
    raise RuntimeError("the host's own fault")


def held(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(hold())


app = Starlette(
    routes=[
        Mount("/products", routes=[Route("/{product_id}", product)]),
        Route("/cached", cached),
        Route("/moved", moved),
        Route("/broken", broken),
        Route("/hold", held),
    ],
    middleware=[Middleware(ParcoursMiddleware, tracking=tracking(lambda scope, name: Headers(scope=scope).get(name)))],
)
