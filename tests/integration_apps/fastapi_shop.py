"""The shop in FastAPI."""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from parcours.integrations.asgi import ParcoursMiddleware
from tests.integration_apps.shop import PAGE, hold, tracking, view_product

app = FastAPI()
app.add_middleware(ParcoursMiddleware, tracking=tracking(lambda scope, name: Request(scope).headers.get(name)))


@app.get("/products/{product_id}", response_class=HTMLResponse)
def product(product_id: str) -> str:
    return view_product(product_id)


@app.get("/cached")
async def cached() -> HTMLResponse:
    return HTMLResponse(PAGE, headers={"Cache-Control": "public, max-age=60"})


@app.get("/moved")
async def moved() -> RedirectResponse:
    return RedirectResponse("/cached", 302)


@app.get("/broken")
async def broken() -> HTMLResponse:
    raise RuntimeError("the host's own fault")


@app.get("/hold")
def held() -> PlainTextResponse:
    return PlainTextResponse(hold())
