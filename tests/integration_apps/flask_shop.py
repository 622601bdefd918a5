"""The shop in Flask."""

from flask import Flask, Response, redirect

from parcours.integrations.flask import init_app
from tests.integration_apps.shop import PAGE, hold, tracking, view_product

app = Flask(__name__)
init_app(app, tracking(lambda request, name: request.headers.get(name)))


@app.get("/products/<product_id>")
def product(product_id: str) -> str:
    return view_product(product_id)


@app.get("/cached")
def cached() -> Response:
    return Response(PAGE, content_type="text/html", headers={"Cache-Control": "public, max-age=60"})


@app.get("/moved")
def moved() -> Response:
    return redirect("/cached")


@app.get("/broken")
def broken() -> str:
    raise RuntimeError("the host's own fault")


@app.get("/hold")
def held() -> Response:
    return Response(hold(), content_type="text/plain")
