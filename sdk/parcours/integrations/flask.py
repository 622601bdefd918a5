"""Flask: `init_app(app, tracking)`. The host's callables receive Flask's request.

At the end of a worker the tracker flushes by itself.
"""

from flask import Flask, Request, Response, g, request

from parcours.integrations.requests import WebRequest, WebResponse
from parcours.integrations.web import WebTracking

_VISIT = "_parcours_visit"
_SCOPE = "_parcours_scope"


def init_app(app: Flask, tracking: WebTracking) -> None:
    """Record the requests of an app; call it before other extensions register what runs before a request."""

    def begin() -> None:
        visit = tracking.begin(lambda: _request(request), request)
        scope = tracking.scope(visit)
        # Flask has no hook around a request; `leave` is always called.
        scope.__enter__()
        setattr(g, _VISIT, visit)
        setattr(g, _SCOPE, scope)

    def finish(response: Response) -> Response:
        visit = g.get(_VISIT)
        change = tracking.cookie_for(visit, lambda: _response(response))
        if change is not None:
            response.set_cookie(change.name, change.value, **change.attributes)
        tracking.finish(visit, lambda: _response(response), request)
        return response

    def leave(_error: BaseException | None) -> None:
        scope = g.pop(_SCOPE, None)
        if scope is not None:
            scope.__exit__(None, None, None)

    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(leave)


def _request(native: Request) -> WebRequest:
    return WebRequest(
        method=native.method,
        scheme=native.scheme,
        host=native.host,
        path=native.script_root + native.path,
        query=native.query_string.decode("latin-1"),
        header=native.headers.get,
        cookie=native.cookies.get,
    )


def _response(native: Response) -> WebResponse:
    headers = native.headers
    rule = request.url_rule
    route = None if rule is None else rule.rule
    return WebResponse(native.status_code, headers.get("Content-Type", ""), headers.get("Cache-Control", ""), route)
