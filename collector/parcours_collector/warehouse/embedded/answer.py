"""The answer: headers, result bytes under back-pressure, and errors before and in the middle of a result."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from parcours_collector.warehouse.embedded.compression import Compressor, compressor
from parcours_collector.warehouse.embedded.engine import Result
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.formats import content_type
from parcours_collector.warehouse.embedded.request import QueryRequest

_HELD_IN_MEMORY_BYTES: Final = 8 << 20
_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """What every answer says of the engine."""

    version: str
    timezone: str
    name: str = "parcours"


@dataclass(slots=True)
class Outcome:
    """A result on its way: its bytes, and what is known of it once they are through."""

    output_format: str
    pieces: AsyncIterator[bytes]
    result: Result = field(default_factory=Result)


def error_response(error: EngineError, identity: Identity, query_id: str | None = None) -> web.Response:
    """The answer to a request that failed before its first byte."""
    response = web.Response(status=error.http_status, text=error.text(identity.version))
    response.headers["X-ClickHouse-Exception-Code"] = str(error.code)
    response.headers["X-ClickHouse-Server-Display-Name"] = identity.name
    if query_id is not None:
        response.headers["X-ClickHouse-Query-Id"] = query_id
    if error.http_status == 503:
        response.headers["Retry-After"] = "1"
    if error.code == 516:
        response.headers["WWW-Authenticate"] = 'Basic realm="ClickHouse"'
    return response


class Answer:
    """Sends one outcome; headers go out with the first piece, so that an early error has its own status."""

    def __init__(self, http: web.Request, request: QueryRequest, identity: Identity) -> None:
        self._http = http
        self._request = request
        self._identity = identity
        self._tag = secrets.token_hex(8)
        self._compressor: Compressor | None = compressor(request.encoding) if request.encoding else None
        self._response: web.StreamResponse | None = None

    @property
    def started(self) -> bool:
        """Whether bytes have been sent."""
        return self._response is not None

    async def send(self, outcome: Outcome) -> None:
        """Send all pieces; nothing is read ahead of what the client takes.

        Raises:
            EngineError: the query failed; `fail` tells the client if `started`.
        """
        async for piece in outcome.pieces:
            await self._write(outcome, piece)

    async def hold(self, outcome: Outcome, folder: Path) -> None:
        """Send once all pieces are there: in memory up to 8 MiB, else in a nameless file of the engine's own folder.

        Raises:
            EngineError: the query failed, and nothing was sent.
        """
        with tempfile.SpooledTemporaryFile(_HELD_IN_MEMORY_BYTES, dir=str(folder)) as held:
            async for piece in outcome.pieces:
                held.write(piece)
            held.seek(0)
            while piece := held.read(_PIECE_BYTES):
                await self._write(outcome, piece)

    async def finish(self, outcome: Outcome) -> web.StreamResponse:
        """Send the end."""
        response = self._response or await self._start(outcome)
        if self._compressor is not None and (rest := self._compressor.flush()):
            await response.write(rest)
        await response.write_eof()
        return response

    async def fail(self, error: EngineError) -> web.StreamResponse:
        """Mark an error inside a result as ClickHouse does, and cut the connection: nobody may take it for whole."""
        response = self._response
        if response is None:
            raise RuntimeError("nothing was sent yet: answer with error_response")
        text = error.text(self._identity.version)
        size = len(text.encode())
        mark = f"\r\n__exception__\r\n{self._tag}\r\n{text}{size} {self._tag}\r\n__exception__\r\n".encode()
        if self._compressor is not None:
            mark = self._compressor.compress(mark) + self._compressor.flush()
        await response.write(mark)
        transport = self._http.transport
        if transport is not None:
            transport.close()
        return response

    async def _write(self, outcome: Outcome, piece: bytes) -> None:
        response = self._response or await self._start(outcome)
        if self._compressor is not None:
            piece = self._compressor.compress(piece)
        if piece:
            await response.write(piece)

    async def _start(self, outcome: Outcome) -> web.StreamResponse:
        response = web.StreamResponse()
        response.headers.update(
            {
                "Content-Type": content_type(outcome.output_format),
                "X-ClickHouse-Server-Display-Name": self._identity.name,
                "X-ClickHouse-Query-Id": self._request.query_id,
                "X-ClickHouse-Format": outcome.output_format,
                "X-ClickHouse-Timezone": self._identity.timezone,
                "X-ClickHouse-Exception-Tag": self._tag,
                "X-ClickHouse-Summary": _summary(outcome.result),
            }
        )
        if self._compressor is not None and self._request.encoding is not None:
            response.headers["Content-Encoding"] = self._request.encoding
            response.headers["Vary"] = "Accept-Encoding"
        await response.prepare(self._http)
        self._response = response
        return response


def _summary(result: Result) -> str:
    return json.dumps(
        {
            "read_rows": str(result.read_rows),
            "read_bytes": str(result.read_bytes),
            "written_rows": str(result.written_rows),
            "written_bytes": str(result.written_bytes),
            "total_rows_to_read": "0",
            "result_rows": str(result.result_rows),
            "result_bytes": str(len(result.data)),
            "elapsed_ns": str(int(result.elapsed_seconds * 1e9)),
        }
    )
