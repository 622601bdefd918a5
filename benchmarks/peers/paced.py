"""A source of load that keeps time: requests leave when they are due, whatever the server does, and each is timed.

A latency counts from the moment a request was due, so that a server that stalls is charged for everybody it kept
waiting, and not only for the one that it answered late.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from benchmarks.peers.load import Load, requests_of
from benchmarks.rig.figure import Void
from benchmarks.rig.processes import ROOT, clean_environment

_LEAD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Paced:
    """What every request took from when it was due to its answer, in ms, in order of answers; and the time in all."""

    latencies_ms: list[float]
    seconds: float

    def percentile(self, share: float) -> float:
        """Return the latency, in ms, that this share of the requests kept to."""
        kept = sorted(self.latencies_ms)
        return kept[min(len(kept) - 1, int(share * len(kept)))]


def send_paced(load: Load, *, per_second: float) -> Paced:
    """Send a load from a process of its own, so many requests a second.

    Raises:
        Void: An answer was not the expected one.
    """
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.paced", json.dumps(asdict(load)), str(per_second)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=load.requests / per_second + 120,
    )
    if process.returncode:
        raise Void(f"the paced load failed: {process.stderr.strip()[-500:]}")
    return Paced(**json.loads(process.stdout))


class _Line(asyncio.Protocol):
    """One connection: takes whatever is due, one request at a time."""

    def __init__(self, source: "_Source") -> None:
        self._source = source
        self._received = b""
        self._due_at: float | None = None
        self._transport: asyncio.WriteTransport | None = None

    @property
    def idle(self) -> bool:
        return self._due_at is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, due_at: float, request: bytes) -> None:
        assert self._transport is not None
        self._due_at = due_at
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        due_at, self._due_at, self._received = self._due_at, None, b""
        self._source.answered(self, due_at or 0.0, head, body)

    def connection_lost(self, _error: Exception | None) -> None:
        self._source.fail(Void("it closed the connection"))


class _Source:
    def __init__(self, expected: bytes, count: int) -> None:
        self._expected = expected
        self._count = count
        self._waiting: deque[tuple[float, bytes]] = deque()
        self.lines: list[_Line] = []
        self.latencies_ms: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def due(self, due_at: float, request: bytes) -> None:
        line = next((line for line in self.lines if line.idle), None)
        if line is None:
            self._waiting.append((due_at, request))
        else:
            line.send(due_at, request)

    def answered(self, line: _Line, due_at: float, head: bytes, body: bytes) -> None:
        self.latencies_ms.append((time.perf_counter() - due_at) * 1_000)
        if not head.startswith(b"HTTP/1.1 200 ") or body != self._expected:
            self.fail(Void(f"it answered {head[:30]!r} {body[:300]!r}"))
        elif len(self.latencies_ms) == self._count:
            self.done.set_result(None)
        elif self._waiting:
            line.send(*self._waiting.popleft())

    def fail(self, error: Void) -> None:
        if not self.done.done():
            self.done.set_exception(error)


async def _send(load: Load, per_second: float) -> Paced:
    made = requests_of(load)
    loop = asyncio.get_running_loop()
    source = _Source(load.expected.encode(), len(made))
    for _ in range(load.connections):
        _, line = await loop.create_connection(lambda: _Line(source), "127.0.0.1", load.port)
        source.lines.append(line)
    started = time.perf_counter() + _LEAD_SECONDS
    for number, request in enumerate(made):
        due_at = started + number / per_second
        await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
        if source.done.done():
            break
        source.due(due_at, request)
    await source.done
    seconds = time.perf_counter() - started
    for line in source.lines:
        line.close()
    return Paced(source.latencies_ms, seconds)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_send(Load(**json.loads(sys.argv[1])), float(sys.argv[2]))))))
