"""The least an HTTP intake in Python can do: read the body, `orjson.loads`, answer 200. It checks and keeps nothing."""

import asyncio
import signal

import orjson
import uvloop
from aiohttp import web

ANSWER = b'{"accepted":0,"duplicate":0,"rejected":[]}'


async def _take(request: web.Request) -> web.Response:
    orjson.loads(await request.read())
    return web.Response(body=ANSWER, content_type="application/json")


async def _serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    application = web.Application(client_max_size=16 << 20)
    application.router.add_post("/v1/touchpoints", _take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listens on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(_serve())
