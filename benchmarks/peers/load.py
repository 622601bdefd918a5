"""The source of load: a process that prepares requests, sends them over a few connections, and says what it cost.

Requests are made as bytes before the clock starts, and answers are only compared with the one that is expected, so
that it costs a fraction of what any server in Python does.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from benchmarks.rig.figure import Void
from benchmarks.rig.processes import ROOT, clean_environment, cpu_seconds
from benchmarks.touchpoints import wire_touchpoints

_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Load:
    """What to send where.

    Attributes:
        port: Of the server, on 127.0.0.1.
        pid: Of the server, whose CPU time is charged.
        write_key: Goes along as `Authorization: Bearer`.
        expected: The body that every answer must have.
        seed: Of the touchpoints.
        requests: How many, each once.
        batch: Touchpoints in one request.
        connections: How many requests may be under way.
        passes: How often all of it is sent: 1 where an id may come only once.
    """

    port: int
    pid: int
    write_key: str
    expected: str
    seed: int
    requests: int
    batch: int
    connections: int = 8
    passes: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What it took: CPU of the server and of this source, and time."""

    events: int
    seconds: float
    server_cpu_seconds: float
    load_cpu_seconds: float

    @property
    def events_per_cpu_second(self) -> float:
        """What one core of the server takes in a second."""
        return self.events / self.server_cpu_seconds


def send_load(load: Load) -> Sent:
    """Send a load from a process of its own.

    Raises:
        Void: An answer was not the expected one.
    """
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.load", json.dumps(asdict(load))],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if process.returncode:
        raise Void(f"the load of {load.batch} touchpoints a request failed: {process.stderr.strip()[-500:]}")
    return Sent(**json.loads(process.stdout))


class _Connection(asyncio.Protocol):
    """Sends one request after the other, each when the one before is answered."""

    def __init__(self, requests: Iterator[bytes], expected: bytes, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._expected = expected
        self._done = done
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200 ") or body != self._expected:
            self._end(Void(f"it answered {head[:30]!r} {body[:300]!r}"))
            return
        self._received = b""
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        self._end(Void("it closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None or self._transport is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        if not self._done.done():
            if error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error)


def requests_of(load: Load) -> list[bytes]:
    """Return the requests of a load, as bytes."""
    head = (
        f"POST /v1/touchpoints HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\nAuthorization: Bearer {load.write_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    events = wire_touchpoints(load.seed, load.requests * load.batch)
    made = []
    for _ in range(load.requests):
        body = b"[" + b",".join(next(events) for _ in range(load.batch)) + b"]"
        made.append(b"%s%d\r\n\r\n%s" % (head, len(body), body))
    return made


async def _send(load: Load) -> Sent:
    made = requests_of(load)
    requests = (request for _ in range(load.passes) for request in made)
    loop = asyncio.get_running_loop()
    cpu, server_cpu, started = time.process_time(), cpu_seconds(load.pid), time.perf_counter()
    ends: list[asyncio.Future[None]] = []
    transports = []
    for _ in range(load.connections):
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        transport, _protocol = await loop.create_connection(
            lambda done=done: _Connection(requests, load.expected.encode(), done), "127.0.0.1", load.port
        )
        transports.append(transport)
    await asyncio.gather(*ends)
    sent = Sent(
        events=load.requests * load.batch * load.passes,
        seconds=time.perf_counter() - started,
        server_cpu_seconds=cpu_seconds(load.pid) - server_cpu,
        load_cpu_seconds=time.process_time() - cpu,
    )
    for transport in transports:
        transport.close()
    return sent


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_send(Load(**json.loads(sys.argv[1])))))))
