"""Compression by HTTP's own headers: gzip, deflate, zstd and lz4 frames, both ways, a piece at a time.

ClickHouse's native block compression (`compress=1`, `decompress=1`) is not spoken here; `request` refuses it.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from parcours_collector.warehouse.embedded.errors import EngineError

ENCODINGS: Final = ("lz4", "zstd", "gzip", "deflate")
"""What is spoken, best first."""

_PIECE_BYTES: Final = 1 << 20


class Compressor(Protocol):
    """One response body being compressed."""

    def compress(self, data: bytes) -> bytes:
        """The next bytes to send; may be empty."""

    def flush(self) -> bytes:
        """The last bytes to send."""


class _Zstd:
    """One frame, flushed after every piece so that a reader sees it at once."""

    def __init__(self) -> None:
        self._frame = zstd.ZstdCompressor(level=1)

    def compress(self, data: bytes) -> bytes:
        return self._frame.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)

    def flush(self) -> bytes:
        return self._frame.flush(zstd.ZstdCompressor.FLUSH_FRAME)


class _Lz4:
    """One frame, as `_Zstd`."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor(auto_flush=True)
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        return self._head() + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return self._head() + bytes(self._frame.flush())

    def _head(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return bytes(self._frame.begin())


def compressor(encoding: str) -> Compressor:
    """A compressor for one response."""
    match encoding:
        case "gzip":
            return zlib.compressobj(1, zlib.DEFLATED, 31)
        case "deflate":
            return zlib.compressobj(1)
        case "zstd":
            return _Zstd()
        case "lz4":
            return _Lz4()
        case _:
            raise _unknown(encoding)


def accepted(header: str) -> str | None:
    """The encoding to answer in, from `Accept-Encoding`; None for none. Weights only exclude (`q=0`)."""
    offered: set[str] = set()
    for item in header.lower().split(","):
        name, _, weight = item.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            offered.add(name.strip())
    return next((encoding for encoding in ENCODINGS if encoding in offered), None)


class Decompressor:
    """Turns a compressed body into pieces of at most 1 MiB: a bomb costs its reader no memory."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ENCODINGS:
            raise _unknown(encoding)
        self._encoding = encoding
        self._frame: _Frame | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that these bytes complete, over as many frames as there are.

        Raises:
            EngineError: the bytes are not what `Content-Encoding` says.
        """
        try:
            while data or (self._frame is not None and self._frame.pending):
                if self._frame is None:
                    self._frame = _Frame(self._encoding)
                piece = self._frame.decompress(data)
                data = b""
                if piece:
                    yield piece
                if self._frame.eof:
                    data = self._frame.rest
                    self._frame = None
        except (zlib.error, zstd.ZstdError, RuntimeError, EOFError) as error:
            raise _damaged(self._encoding, str(error)) from None

    def finish(self) -> None:
        """Check that the body ended where its last frame does.

        Raises:
            EngineError: it was cut short.
        """
        if self._frame is not None:
            raise _damaged(self._encoding, "the body ends in the middle of a frame")


class _Frame:
    """The three libraries' decompressors behind one shape."""

    def __init__(self, encoding: str) -> None:
        self._zlib: zlib._Decompress | None = None
        if encoding in ("gzip", "deflate"):
            self._zlib = zlib.decompressobj(31 if encoding == "gzip" else 15)
        else:
            self._framed = zstd.ZstdDecompressor() if encoding == "zstd" else lz4.frame.LZ4FrameDecompressor()
        self.pending = False

    def decompress(self, data: bytes) -> bytes:
        if self._zlib is not None:
            piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, _PIECE_BYTES)
            self.pending = bool(self._zlib.unconsumed_tail)
            return piece
        framed: bytes = self._framed.decompress(data, _PIECE_BYTES)
        self.pending = not self._framed.needs_input and not self._framed.eof
        return framed

    @property
    def eof(self) -> bool:
        return self._zlib.eof if self._zlib is not None else bool(self._framed.eof)

    @property
    def rest(self) -> bytes:
        return self._zlib.unused_data if self._zlib is not None else self._framed.unused_data or b""


def _unknown(encoding: str) -> EngineError:
    return EngineError(
        89,
        "UNKNOWN_COMPRESSION_METHOD",
        f"Content-Encoding {encoding!r} is not spoken here: send {', '.join(ENCODINGS)} or none",
    )


def _damaged(encoding: str, detail: str) -> EngineError:
    return EngineError(
        271, "CANNOT_DECOMPRESS", f"the body is not whole {encoding} as Content-Encoding says ({detail}): send it again"
    )
