"""A proxy between collector and ClickHouse that does to inserts what networks, restarts and servers do."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self

_START_SECONDS = 30.0


class InsertFault(StrEnum):
    """What happens to one insert."""

    LOST_ANSWER = "the response dropped after the insert"
    TRUNCATED_ANSWER = "the response cut short after the insert"
    RESET_BEFORE = "the connection reset in the middle of the request"
    UNAVAILABLE = "503"
    TOO_MANY_PARTS = "TOO_MANY_PARTS"
    HOOK = "what the test does in the middle of the request"


class FaultProxy:
    """HTTP on 127.0.0.1, handed on to `upstream_port`; `faults` are consumed first, one an insert.

    Attributes:
        faults: What becomes of the next inserts; None in it is no fault.
        always: What becomes of every insert once `faults` is empty.
        hook: Called when half of an insert with `InsertFault.HOOK` is handed on.
        inserts: How many inserts were seen.
        done: How many times each fault was done.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.faults: deque[InsertFault | None] = deque()
        self.always: InsertFault | None = None
        self.hook: Callable[[], None] = lambda: None
        self.inserts = 0
        self.done: dict[InsertFault, int] = dict.fromkeys(InsertFault, 0)
        self.port = 0
        self._started = threading.Event()
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(_START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)

    def url(self, upstream_url: str) -> str:
        """The URL of ClickHouse through this proxy."""
        return upstream_url.replace(f":{self.upstream_port}", f":{self.port}")

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        async with server:
            await self._stop.wait()
        exchanges = asyncio.all_tasks() - {asyncio.current_task()}
        for exchange in exchanges:
            exchange.cancel()
        await asyncio.gather(*exchanges, return_exceptions=True)
        # A transport closes its socket at the loop's next turn.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection("127.0.0.1", self.upstream_port, limit=1 << 20)
            while True:
                head, body = await _message(reader)
                if not await self._exchange(head, body, answers, upstream, writer):
                    return
        except (OSError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            if upstream is not None:
                upstream.transport.abort()
            with contextlib.suppress(OSError):  # the collector may have gone first
                _reset(writer)

    async def _exchange(
        self,
        head: bytes,
        body: bytes,
        answers: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Hand one request on and its answer back; return whether the connection goes on."""
        fault = self._next_fault(head)
        match fault:
            case InsertFault.UNAVAILABLE:
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
                await writer.drain()
                return True
            case InsertFault.TOO_MANY_PARTS:
                text = b"Code: 252. DB::Exception: Too many parts (3000). Merges are processing slower than inserts."
                writer.write(
                    b"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 252\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(text), text)
                )
                await writer.drain()
                return True
            case InsertFault.RESET_BEFORE | InsertFault.HOOK:
                upstream.write(head + body[: len(body) // 2])
                await upstream.drain()
                if fault is InsertFault.HOOK:
                    await asyncio.to_thread(self.hook)
                return False
        upstream.write(head + body)
        await upstream.drain()
        answer_head, answer_body = await _message(answers)
        if fault is InsertFault.LOST_ANSWER:
            return False
        if fault is InsertFault.TRUNCATED_ANSWER:
            writer.write(answer_head[: len(answer_head) // 2])
            await writer.drain()
            return False
        writer.write(answer_head + answer_body)
        await writer.drain()
        return True

    def _next_fault(self, head: bytes) -> InsertFault | None:
        if b"INSERT" not in head.partition(b"\r\n")[0]:
            return None
        self.inserts += 1
        fault = self.faults.popleft() if self.faults else self.always
        if fault is not None:
            self.done[fault] += 1
        return fault


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one request or answer: its head and its body as they came."""
    head = await reader.readuntil(b"\r\n\r\n")
    low = head.lower()
    if b"\r\ntransfer-encoding: chunked" in low:
        body = b""
        while True:
            size = await reader.readuntil(b"\r\n")
            chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
            body += size + chunk
            if size.strip() == b"0":
                return head, body
    _, found, after = low.partition(b"\r\ncontent-length:")
    return head, await reader.readexactly(int(after.partition(b"\r\n")[0])) if found else b""


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
