"""The shop in Django, as WSGI and as ASGI."""

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from parcours.integrations.asgi import FlushAtShutdown
from tests.integration_apps.shop import PAGE, hold, view_product
from tests.integration_apps.shop import tracking as new_tracking

tracking = new_tracking(lambda request, name: request.headers.get(name))
settings.configure(
    SECRET_KEY="not a secret",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=["parcours.integrations.django.middleware"],
    PARCOURS_TRACKING=f"{__name__}.tracking",
    LOGGING_CONFIG=None,
)


def product(_request: HttpRequest, product_id: str) -> HttpResponse:
    return HttpResponse(view_product(product_id))


async def product_async(_request: HttpRequest, product_id: str) -> HttpResponse:
    return HttpResponse(view_product(product_id))


def cached(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE, headers={"Cache-Control": "public, max-age=60"})


def moved(_request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/cached")


def broken(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the host's own fault")


def held(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(hold(), content_type="text/plain")


urlpatterns = [
    path("products/<str:product_id>", product),
    path("async/<str:product_id>", product_async),
    path("cached", cached),
    path("moved", moved),
    path("broken", broken),
    path("hold", held),
]
wsgi = get_wsgi_application()
asgi = FlushAtShutdown(get_asgi_application(), tracking)
