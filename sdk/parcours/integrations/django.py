"""Django: `"parcours.integrations.django.middleware"` in MIDDLEWARE, after authentication, and PARCOURS_TRACKING.

`PARCOURS_TRACKING` is the dotted path of a `WebTracking` of yours. The host's callables receive Django's request; under
ASGI they may be coroutine functions. At the end of a worker the tracker flushes by itself, but under an ASGI server
alone, such as uvicorn: there `asgi.FlushAtShutdown` goes around `get_asgi_application()`.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.module_loading import import_string

from parcours.integrations.anonymous_id import CookieChange
from parcours.integrations.requests import WebRequest, WebResponse
from parcours.integrations.web import WebTracking

GetResponse: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
GetResponseAsync: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware  # type: ignore[untyped-decorator]  # Django has no types of its own
def middleware(get_response: GetResponse | GetResponseAsync) -> GetResponse | GetResponseAsync:
    """Record the requests of a project.

    Raises:
        ImproperlyConfigured: PARCOURS_TRACKING is missing or names no `WebTracking`.
    """
    tracking = _tracking()
    if iscoroutinefunction(get_response):
        answer_async = cast("GetResponseAsync", get_response)

        async def serve_async(native: HttpRequest) -> HttpResponseBase:
            visit = await tracking.begin_async(lambda: _request(native), native)
            with tracking.scope(visit):
                response = await answer_async(native)
                _change_cookie(tracking.cookie_for(visit, lambda: _response(native, response)), response)
                await tracking.finish_async(visit, lambda: _response(native, response), native)
            return response

        return serve_async

    answer = cast("GetResponse", get_response)

    def serve(native: HttpRequest) -> HttpResponseBase:
        visit = tracking.begin(lambda: _request(native), native)
        with tracking.scope(visit):
            response = answer(native)
            _change_cookie(tracking.cookie_for(visit, lambda: _response(native, response)), response)
            tracking.finish(visit, lambda: _response(native, response), native)
        return response

    return serve


def _tracking() -> WebTracking:
    path = getattr(settings, "PARCOURS_TRACKING", None)
    remedy = 'set it to the dotted path of your WebTracking, such as "shop.analytics.tracking"'
    if not isinstance(path, str):
        raise ImproperlyConfigured(f"PARCOURS_TRACKING is missing: {remedy}.")
    try:
        tracking = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"PARCOURS_TRACKING names nothing that can be imported: {remedy}.") from error
    if not isinstance(tracking, WebTracking):
        raise ImproperlyConfigured(f"PARCOURS_TRACKING names a {type(tracking).__name__}: {remedy}.")
    return tracking


def _change_cookie(change: CookieChange | None, response: HttpResponseBase) -> None:
    if change is not None:
        response.set_cookie(change.name, change.value, **change.attributes)


def _request(native: HttpRequest) -> WebRequest:
    return WebRequest(
        method=native.method or "",
        scheme=native.scheme or "",
        host=native.get_host(),
        path=native.path,
        query=native.META.get("QUERY_STRING", ""),
        header=native.headers.get,
        cookie=native.COOKIES.get,
    )


def _response(native: HttpRequest, response: HttpResponseBase) -> WebResponse:
    headers = response.headers
    match = native.resolver_match
    route = None if match is None else f"/{match.route}"
    return WebResponse(response.status_code, headers.get("Content-Type", ""), headers.get("Cache-Control", ""), route)
