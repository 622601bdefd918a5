"""One server for every SDK: it answers each what it wants to hear and counts what arrived, once each id.

Paths: ours `/v1/touchpoints`, Segment's and RudderStack's `/v1/batch`, PostHog's `/batch/`, Snowplow's
`/com.snowplowanalytics.snowplow/tp2`, Mixpanel's `/track`, Amplitude's `/2/httpapi`. `GET /taken` answers how many
different ids came since the last time it was asked, and how many came again.
"""

import asyncio
import gzip
import signal
from collections.abc import Iterable
from urllib.parse import parse_qs

import orjson
import uvloop
from aiohttp import web


class _Sink:
    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._again = 0

    async def ours(self, request: web.Request) -> web.Response:
        events = await _read(request, "touchpoints")
        self._take(event["id"] for event in events)
        return _json({"accepted": len(events), "duplicate": 0, "rejected": []})

    async def segment(self, request: web.Request) -> web.Response:
        self._take(event["messageId"] for event in await _read(request, "batch"))
        return _json({"success": True})

    async def posthog(self, request: web.Request) -> web.Response:
        self._take(event["uuid"] for event in await _read(request, "batch"))
        return _json({"status": "Ok"})

    async def mixpanel(self, request: web.Request) -> web.Response:
        form = parse_qs((await request.read()).decode())
        self._take(event["properties"]["$insert_id"] for event in orjson.loads(form["data"][0]))
        return _json({"status": 1, "error": None})

    async def amplitude(self, request: web.Request) -> web.Response:
        events = await _read(request, "events")
        self._take(event["insert_id"] for event in events)
        return _json({"code": 200, "events_ingested": len(events)})

    async def snowplow(self, request: web.Request) -> web.Response:
        self._take(event["eid"] for event in await _read(request, "data"))
        return web.Response(text="ok")

    async def taken(self, _request: web.Request) -> web.Response:
        counted = {"taken": len(self._ids), "again": self._again}
        self._ids.clear()
        self._again = 0
        return _json(counted)

    def _take(self, ids: Iterable[str]) -> None:
        for event_id in ids:
            self._again += event_id in self._ids
            self._ids.add(event_id)


async def _read(request: web.Request, key: str) -> list[dict[str, str]]:
    body = await request.read()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    events: list[dict[str, str]] = orjson.loads(body)[key]
    return events


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def _serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sink = _Sink()
    application = web.Application(client_max_size=16 << 20)
    application.router.add_post("/v1/touchpoints", sink.ours)
    application.router.add_post("/v1/batch", sink.segment)
    application.router.add_post("/com.snowplowanalytics.snowplow/tp2", sink.snowplow)
    application.router.add_post("/batch/", sink.posthog)
    application.router.add_post("/track", sink.mixpanel)
    application.router.add_post("/2/httpapi", sink.amplitude)
    application.router.add_get("/taken", sink.taken)
    runner = web.AppRunner(application, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listens on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(_serve())
