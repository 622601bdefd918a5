"""The collector's HTTP doors. Handlers choose no status: errors carry theirs, and one middleware writes them."""

import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable

import orjson
import structlog
from aiohttp import web

from parcours_collector.errors import Forbidden, RequestError
from parcours_collector.intake.admission import Admission
from parcours_collector.intake.body import read_body
from parcours_collector.intake.intake import Intake
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.metrics import Metrics
from parcours_collector.intake.openapi import openapi_document
from parcours_collector.intake.origins import check_origin, cors_headers, preflight_headers
from parcours_collector.intake.source import Source, SourceKind
from parcours_collector.intake.unmapped import UnmappedRows
from parcours_collector.settings import HttpSettings
from parcours_collector.wal.log import WriteAheadLog

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger()


class Doors:
    """The handlers, over the parts that do the work."""

    def __init__(
        self,
        *,
        settings: HttpSettings,
        keys: KeyRing,
        intake: Intake,
        log: WriteAheadLog,
        metrics: Metrics,
        admission: Admission,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._intake = intake
        self._unmapped = UnmappedRows(
            settings=settings,
            keys=keys,
            log=log,
            rejected=intake.rejected,
            policy=intake.policy,
            suppressions=intake.suppressions,
        )
        self._wal = log
        self._metrics = metrics
        self._admission = admission

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(middlewares=[self._answer_errors])
        application.on_response_prepare.append(self._harden)
        application.router.add_post("/v1/touchpoints", self.post_touchpoints, expect_handler=self._expect)
        application.router.add_post("/v1/dead-letters", self.post_dead_letters, expect_handler=self._expect)
        application.router.add_route("OPTIONS", "/v1/touchpoints", self.options_touchpoints)
        application.router.add_get("/v1/source", self.get_source)
        application.router.add_get("/openapi.json", self.get_openapi)
        application.router.add_get("/livez", self.get_livez)
        application.router.add_get("/readyz", self.get_readyz)
        application.router.add_get("/metrics", self.get_metrics)
        return application

    async def post_touchpoints(self, request: web.Request) -> web.Response:
        """Accept a batch; 200 once all of it is on disk."""
        started = time.perf_counter()
        source = self._authenticate(request)
        self._admission.check(source)
        with self._admission.room_for(source, request):
            body = await read_body(request, self._settings)
            receipt = await self._intake.accept(
                source,
                body,
                request.content_type,
                gpc=_says_gpc(request),
                peer_address=request.remote or "" if source.kind is SourceKind.BROWSER else "",
            )
        self._admission.charge(source, receipt.accepted + receipt.duplicate + len(receipt.rejected))
        self._metrics.acknowledged(time.perf_counter() - started)
        return _json(receipt.as_json())

    async def post_dead_letters(self, request: web.Request) -> web.Response:
        """Keep what the source could not turn into touchpoints; 200 once all of it is on disk."""
        source = self._authenticate(request)
        if source.kind is SourceKind.BROWSER:
            raise Forbidden("A browser's key sends touchpoints, and nothing else.")
        self._admission.check(source)
        with self._admission.room_for(source, request):
            body = await read_body(request, self._settings)
            receipt = await self._unmapped.keep(source, body, request.content_type, gpc=_says_gpc(request))
        self._admission.charge(source, receipt.kept + len(receipt.rejected))
        return _json(receipt.as_json())

    async def options_touchpoints(self, request: web.Request) -> web.Response:
        """Answer a page's question whether it may post: of the origins of browsers' keys only."""
        self._keys.refresh()
        return web.Response(status=204, headers=preflight_headers(self._keys.sources, request.headers.get("Origin")))

    async def get_source(self, request: web.Request) -> web.Response:
        """Answer whose write key the request carries."""
        source = self._authenticate(request)
        return _json(orjson.dumps({"source": source.name, "project": source.project}))

    async def get_openapi(self, _request: web.Request) -> web.Response:
        """Answer the doors as an OpenAPI document."""
        return _json(openapi_document(self._settings))

    async def get_livez(self, _request: web.Request) -> web.Response:
        """Answer that the process runs."""
        return _json(b'{"status":"alive"}')

    async def get_readyz(self, _request: web.Request) -> web.Response:
        """Answer whether touchpoints can be kept, which does not need ClickHouse."""
        if self._admission.retiring or not self._wal.available:
            return _json(b'{"status":"not ready"}', status=503)
        return _json(b'{"status":"ready"}')

    async def get_metrics(self, request: web.Request) -> web.Response:
        """Answer the metrics in Prometheus' text form, to whom the operator lets."""
        self._check_operator(request)
        text = await self._metrics.exposition(each="each" in request.query)
        return web.Response(body=text, headers={"Content-Type": self._metrics.content_type})

    def _authenticate(self, request: web.Request) -> Source:
        self._keys.refresh()
        source = self._keys.authenticate(request.headers.get("Authorization"), request.query.get("write_key"))
        check_origin(source, request.headers.get("Origin"))
        return source

    def _check_operator(self, request: web.Request) -> None:
        token = self._settings.metrics_token
        if token is None:
            if not _is_here(request.remote):
                raise Forbidden("/metrics is open to this machine only.", remedy="Set http.metrics_token to open it.")
            return
        expected = f"Bearer {token.get_secret_value()}".encode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode("utf-8", "replace"), expected):
            raise Forbidden("/metrics needs the token of the operator.", remedy="Send http.metrics_token as Bearer.")

    async def _expect(self, request: web.Request) -> web.StreamResponse | None:
        """Answer whoever asks before sending a body: go on, or why not."""

        async def go_on(asked: web.Request) -> web.StreamResponse:
            self._admission.check(self._authenticate(asked))
            return web.Response()

        answer = await self._answered(request, go_on)
        if answer.status != 200:
            self._metrics.answered(answer.status)
            return answer
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    async def _harden(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_SECURITY_HEADERS)
        response.headers.pop("Server", None)
        if request.path == "/v1/touchpoints" and request.method == "POST":
            response.headers.update(cors_headers(self._keys.sources, request.headers.get("Origin")))

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await self._answered(request, handler)
        self._metrics.answered(response.status)
        return response

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except RequestError as error:
            response = _error(error.http_status, error.tag, error.message, error.what_to_do)
            if error.retry_after_seconds is not None:
                response.headers["Retry-After"] = str(error.retry_after_seconds)
        except web.HTTPException as error:
            response = _error(
                error.status, "http_error", f"{request.method} {request.path[:80]}: {error.reason}.", _DOORS
            )
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the sender keeps its touchpoints
            # Neither the message nor the traceback's values: they may hold a payload.
            _log.error("request_failed", path=request.path, error=type(error).__name__, at=_place(error))
            response = _error(500, "internal", "The collector failed.", "Send the same touchpoints again later.")
        if self._admission.retiring:
            response.force_close()  # it says `Connection: close`: the next request goes to whoever listens now
        return response


_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def _says_gpc(request: web.Request) -> bool:
    return request.headers.get("Sec-GPC") == "1"


def _is_here(remote: str | None) -> bool:
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False


_DOORS = (
    "The doors are POST /v1/touchpoints and /v1/dead-letters, GET /v1/source, /openapi.json, /livez, /readyz and "
    "/metrics."
)


def _json(body: bytes, *, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _error(status: int, tag: str, message: str, hint: str) -> web.Response:
    # A header's bytes that are no text come as lone surrogates, which JSON cannot hold.
    message = message.encode("utf-8", "replace").decode()
    return _json(orjson.dumps({"error": tag, "message": message, "hint": hint}), status=status)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
