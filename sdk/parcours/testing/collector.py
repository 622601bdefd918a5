"""A collector for tests: real HTTP on 127.0.0.1, in a thread of its own; it answers as the real one or fails when told.

    with FaultyCollector() as collector:
        collector.faults.extend([Fault.RESET, Fault.GARBAGE])
        with Tracker(collector.endpoint, collector.write_key) as tracker:
            tracker.track("newsletter_opened", user_id="u1")
        assert len(collector.touchpoints) == 1

It checks nothing of a touchpoint: it shows what becomes of what is sent.
"""

import asyncio
import contextlib
import gzip
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson

if TYPE_CHECKING:
    from aiohttp import web

_START_SECONDS = 30.0


class Fault(StrEnum):
    """What can happen to a request. But for `lost_answer`, nothing of it is kept."""

    ERROR = "error"
    """500 with text."""
    NOT_NOW = "not_now"
    """503 with `Retry-After`."""
    THROTTLED = "throttled"
    """429 without `Retry-After`."""
    UNAUTHORIZED = "unauthorized"
    """401, as for an unknown write key."""
    TOO_LARGE = "too_large"
    """413."""
    UNREADABLE = "unreadable"
    """400 in the collector's own words."""
    PROXY_ERROR = "proxy_error"
    """400 in the words of something that is not a collector."""
    REDIRECT = "redirect"
    """307 to another address, which must not be followed."""
    GARBAGE = "garbage"
    """200 with something that is no receipt."""
    WRONG_SUM = "wrong_sum"
    """200 with a receipt that does not account for every touchpoint."""
    RESET = "reset"
    """The connection is reset before any answer."""
    TRUNCATED = "truncated"
    """The connection ends inside the answer."""
    SLOW = "slow"
    """No answer before `release` or the end."""
    LOST_ANSWER = "lost_answer"
    """Everything is kept, then the connection is reset: the sender cannot know."""


class FaultyCollector:
    """Keep what is sent, by id, and do to each request what `faults` says next; healthy when it is empty.

    Attributes:
        faults: One fault a request, in order; None in it is a healthy answer.
        always: The fault of every request once `faults` is empty; None is healthy.
        reject: Given a touchpoint, returns what is wrong (`code`, `path`, `detail`) or None to accept it.
        warn: Given a touchpoint, returns what it is taken with a warning of (`code`, `path`, `detail`), or None.
        max_body_bytes: Larger bodies, after decompression, are answered with 413.
        retry_after: The header of `Fault.NOT_NOW`.
        touchpoints: Every accepted touchpoint by its id, in order of arrival.
        duplicates: How often one came again.
        followed: Requests that came by following `Fault.REDIRECT`.
        batches: The ids of each readable request, in order, whatever it was answered.
        sent_at: The `sent_at` of each of them.
    """

    def __init__(self, *, write_key: str = "test-key") -> None:
        self.write_key = write_key
        self.faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.reject: Callable[[Mapping[str, Any]], Mapping[str, str] | None] | None = None
        self.warn: Callable[[Mapping[str, Any]], Mapping[str, str] | None] | None = None
        self.max_body_bytes = 4 * 1024 * 1024
        self.retry_after = "1"
        self.touchpoints: dict[str, Mapping[str, Any]] = {}
        self.duplicates = 0
        self.followed = 0
        self.batches: list[list[str]] = []
        self.sent_at: list[str] = []
        self.endpoint = ""
        self._changed = threading.Condition()
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="faulty-collector", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self.wait_for(lambda: bool(self.endpoint), _START_SECONDS):
            raise TimeoutError("the test collector did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)

    def wait_for(self, condition: Callable[[], bool], timeout_seconds: float = 10.0) -> bool:
        """Wait until something is true of what was received; return whether it is, within the time."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_seconds)

    def release(self) -> None:
        """Let every request that `Fault.SLOW` holds be answered as if healthy."""
        self._loop.call_soon_threadsafe(self._released.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        from aiohttp import web

        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/touchpoints", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        with self._changed:
            self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._changed.notify_all()
        await self._stop.wait()
        self._released.set()
        await runner.cleanup()

    async def _handle(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        sent = orjson.loads(body)
        fault = self.faults.popleft() if self.faults else self.always
        with self._changed:
            self.batches.append([touchpoint["id"] for touchpoint in sent["touchpoints"]])
            self.sent_at.append(sent["sent_at"])
            self.followed += "elsewhere" in request.query
            self._changed.notify_all()
        if request.headers.get("Authorization") != f"Bearer {self.write_key}":
            fault = Fault.UNAUTHORIZED
        elif len(body) > self.max_body_bytes:
            fault = Fault.TOO_LARGE
        if fault is Fault.SLOW:
            await self._released.wait()
            fault = None
        if fault is not None and fault is not Fault.LOST_ANSWER:
            return await self._fail(request, fault, len(sent["touchpoints"]))
        receipt = self._keep(sent["touchpoints"])
        if fault is Fault.LOST_ANSWER:
            return _reset(request)
        return web.json_response(receipt)

    def _keep(self, touchpoints: list[dict[str, Any]]) -> dict[str, Any]:
        accepted = 0
        rejected: list[dict[str, Any]] = []
        warnings: list[dict[str, Any]] = []
        with self._changed:
            for index, touchpoint in enumerate(touchpoints):
                problem = self.reject(touchpoint) if self.reject is not None else None
                if problem is not None:
                    rejected.append({"index": index, "id": touchpoint["id"], **problem})
                    continue
                warning = self.warn(touchpoint) if self.warn is not None else None
                if warning is not None:
                    warnings.append({"index": index, "id": touchpoint["id"], **warning})
                if touchpoint["id"] not in self.touchpoints:
                    self.touchpoints[touchpoint["id"]] = touchpoint
                    accepted += 1
            duplicate = len(touchpoints) - accepted - len(rejected)
            self.duplicates += duplicate
            self._changed.notify_all()
        receipt = {"accepted": accepted, "duplicate": duplicate, "rejected": rejected}
        return {**receipt, "warnings": warnings} if warnings else receipt

    async def _fail(self, request: "web.Request", fault: Fault, count: int) -> "web.StreamResponse":
        from aiohttp import web

        match fault:
            case Fault.NOT_NOW:
                error = {"error": "not_now", "message": "full"}
                return web.json_response(error, status=503, headers={"Retry-After": self.retry_after})
            case Fault.UNREADABLE:
                return web.json_response({"error": "unreadable", "message": "not JSON"}, status=400)
            case Fault.REDIRECT:
                return web.Response(status=307, headers={"Location": f"{self.endpoint}/v1/touchpoints?elsewhere"})
            case Fault.GARBAGE:
                return web.Response(text="<html>welcome to the hotel</html>", content_type="text/html")
            case Fault.WRONG_SUM:
                return web.json_response({"accepted": count + 1, "duplicate": 0, "rejected": []})
            case Fault.RESET:
                return _reset(request)
            case Fault.TRUNCATED:
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                with contextlib.suppress(ConnectionError):
                    await response.write(b'{"accepted":')
                return _reset(request, response)
            case _:
                return web.Response(status=_STATUS_OF[fault], text=fault)


_STATUS_OF = {
    Fault.ERROR: 500,
    Fault.THROTTLED: 429,
    Fault.UNAUTHORIZED: 401,
    Fault.TOO_LARGE: 413,
    Fault.PROXY_ERROR: 400,
}


def _reset(request: "web.Request", response: "web.StreamResponse | None" = None) -> "web.StreamResponse":
    """Close the connection with a TCP reset."""
    from aiohttp import web

    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return response or web.Response()
