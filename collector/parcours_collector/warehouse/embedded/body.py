"""A request's body: decompressed a piece at a time, never whole in memory unless it is a statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from parcours_collector.warehouse.embedded.compression import Decompressor
from parcours_collector.warehouse.embedded.errors import EngineError

_PIECE_BYTES: Final = 1 << 20


class Body:
    """Reads the statement's text first, then the data that follows it in pieces of about 1 MiB.

    Args:
        http: the request.
        prefix: what the URL said of the statement.
        max_text_bytes: bound of `head`.
        exists: whether there is a body beside the prefix.
    """

    def __init__(self, http: web.Request, prefix: bytes, max_text_bytes: int, *, exists: bool) -> None:
        self._http = http
        self._max = max_text_bytes
        encoding = http.headers.get("Content-Encoding", "").lower()
        self._decompressor = Decompressor(encoding) if encoding not in ("", "identity") else None
        self._pieces = self._read()
        self._head = bytearray(prefix + b"\n" if prefix and exists else prefix)
        self.complete = not exists

    async def head(self) -> bytes:
        """The beginning: all of it when `complete`, else at least `max_text_bytes`."""
        while not self.complete and len(self._head) < self._max:
            piece = await anext(self._pieces, None)
            if piece is None:
                self.complete = True
            else:
                self._head += piece
        return bytes(self._head)

    async def rest(self, start: int) -> AsyncIterator[bytes]:
        """Everything from offset `start` of the head on, in pieces worth a call to the engine."""
        gathered = self._head[start:]
        self._head = bytearray()
        async for piece in self._pieces:
            gathered += piece
            if len(gathered) >= _PIECE_BYTES:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    async def _read(self) -> AsyncIterator[bytes]:
        async for chunk in self._http.content.iter_any():
            if self._decompressor is None:
                yield chunk
            else:
                for piece in self._decompressor.feed(chunk):
                    yield piece
        if self._decompressor is not None:
            self._decompressor.finish()


def decode(text: bytes) -> str:
    """A statement's text.

    Raises:
        EngineError: 62, it is not UTF-8.
    """
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise EngineError(
            62, "SYNTAX_ERROR", f"the statement is not UTF-8 at byte {error.start}: send it as UTF-8"
        ) from None
