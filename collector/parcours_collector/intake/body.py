"""From a request to the bytes of its body, never holding more than the limits allow.

The size is checked before reading, while reading, and while decompressing: a body that would inflate past its limit is
stopped at the limit.
"""

import asyncio
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import web

from parcours_collector.errors import TooLarge, Unreadable, UnsupportedEncoding
from parcours_collector.settings import HttpSettings

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

_ZSTD_OPTIONS: dict[int, int] = {DecompressionParameter.window_log_max: 23}
"""A window of 8 MiB at most, which every zstd level up to 19 keeps to; a larger one is memory that the sender
chooses.
"""

_MOST_MEMBERS = 1_000
_PIECE_BYTES = 64 * 1024
"""What a decompressor is given at once: at the end of its member it copies the rest."""


class _Member(Protocol):
    """The decompressor of one gzip member or one zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: memoryview, max_length: int, /) -> bytes: ...


_MEMBERS: Mapping[str, Callable[[], _Member]] = {
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "zstd": lambda: ZstdDecompressor(options=_ZSTD_OPTIONS),
}


async def read_body(request: web.Request, limits: HttpSettings) -> bytes:
    """Return the decompressed body.

    Raises:
        TooLarge: Over max_body_bytes as sent, or max_inflated_bytes decompressed.
        UnsupportedEncoding: A Content-Encoding other than gzip, zstd or identity.
        Unreadable: It is not the compression that it declares, was cut short, or took too long.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "zstd", ""}:
        raise UnsupportedEncoding(f"The body is encoded with '{encoding[:40]}'.")
    if request.content_length is not None and request.content_length > limits.max_body_bytes:
        raise _over(limits.max_body_bytes)
    try:
        if request.content.is_eof():  # all of it came with the head: nothing to wait for
            sent = request.content.read_nowait()
            if len(sent) > limits.max_body_bytes:
                raise _over(limits.max_body_bytes)
        else:
            async with asyncio.timeout(limits.body_timeout_seconds):
                sent = await _read(request, limits.max_body_bytes)
    except TimeoutError as error:
        raise Unreadable(
            f"The body did not arrive within {limits.body_timeout_seconds:g} seconds.", remedy="Send it again."
        ) from error
    try:
        if sent and encoding in _MEMBERS:
            return _inflated(sent, _MEMBERS[encoding], limits.max_inflated_bytes)
    except (zlib.error, ZstdError, EOFError) as error:
        raise Unreadable(f"The body is not {encoding}, or was cut short.") from error
    return sent


async def _read(request: web.Request, max_bytes: int) -> bytes:
    read = bytearray()
    async for chunk in request.content.iter_any():
        read += chunk
        if len(read) > max_bytes:
            raise _over(max_bytes)
    return bytes(read)


def _inflated(sent: bytes, new_member: Callable[[], _Member], max_bytes: int) -> bytes:
    """Return what a compressed body says; a gzip file may have several members, as may a zstd file frames."""
    inflated, view, at = bytearray(), memoryview(sent), 0
    for _ in range(_MOST_MEMBERS):
        member = new_member()
        while not member.eof:
            piece = view[at : at + _PIECE_BYTES]
            if not piece:
                raise EOFError
            inflated += member.decompress(piece, max_bytes + 1 - len(inflated))
            if len(inflated) > max_bytes:
                raise _over(max_bytes)
            at += len(piece) - len(member.unused_data)
        if at == len(sent):
            return bytes(inflated)
    raise TooLarge(f"The body is compressed in more than {_MOST_MEMBERS} parts.", remedy="Compress it as one.")


def _over(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than {max_bytes} bytes.")
