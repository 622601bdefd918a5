"""Send to a collector until it has answered for everything, with the same bytes each time.

A collector that is away or says 503 is waited for without end, and said so once; a batch that is too large is halved;
a refused key or a stranger's answer ends the work. What is sent is bytes: nothing here knows files or mappings.
"""

import asyncio
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import aiohttp

from parcours_collector.sending.answer import (
    KeyOwner,
    Receipt,
    Rejected,
    read_letters_receipt,
    read_owner,
    read_touchpoints_receipt,
)
from parcours_collector.sending.errors import CollectorUnreachable, KeyRefused, NotACollector
from parcours_schemas.reject import RejectCode

REQUEST_TIMEOUT_SECONDS = 60.0
FIRST_WAIT_SECONDS = 0.2
MAX_WAIT_SECONDS = 5.0
MAX_RETRY_AFTER_SECONDS = 3600.0
_GZIP = 16 + zlib.MAX_WBITS

ReadReceipt = Callable[[bytes, int], Receipt | None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a collector answers, and the key to send with."""

    endpoint: str
    write_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _TooLarge:
    pass


@dataclass(frozen=True, slots=True)
class _Away:
    because: str
    retry_after_seconds: float | None = None


class Collector:
    """A collector's doors; an asynchronous context manager.

    Args:
        address: Where it answers.
        tell: Called with one sentence when the collector goes away, and with one when it is back.
    """

    def __init__(self, address: Address, *, tell: Callable[[str], None]) -> None:
        self._address = address
        self._tell = tell
        self._session: aiohttp.ClientSession | None = None
        self._away = False

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._address.write_key}"},
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def owner(self) -> KeyOwner:
        """Return whose key the address has. Does not wait for a collector that is away.

        Raises:
            CollectorUnreachable: Nobody answers.
            KeyRefused: The key is unknown or revoked.
            NotACollector: Somebody else answers.
        """
        match await self._request("GET", "/v1/source", None):
            case _Away(because=because):
                raise CollectorUnreachable(f"The collector at {self._address.endpoint} does not answer: {because}.")
            case bytes() as body if (owner := read_owner(body)) is not None:
                return owner
            case _:
                raise NotACollector(f"{self._address.endpoint} answers, but not like a collector.")

    async def send_touchpoints(self, events: Sequence[bytes]) -> Receipt:
        """Send touchpoints, each as JSON, and return when the collector has them on disk.

        Raises:
            KeyRefused: The key is not taken any more.
            NotACollector: The answer is not a collector's.
        """
        return await self._send("/v1/touchpoints", events, read_touchpoints_receipt)

    async def send_dead_letters(self, letters: Sequence[bytes]) -> Receipt:
        """Send dead letters, each as JSON, and return when the collector has them on disk; raises as above."""
        return await self._send("/v1/dead-letters", letters, read_letters_receipt)

    async def _send(self, door: str, items: Sequence[bytes], read: ReadReceipt) -> Receipt:
        if not items:
            return Receipt(0, 0, ())
        body = _gzip(b"[" + b",".join(items) + b"]")
        failures = 0
        while True:
            match await self._request("POST", door, body):
                case bytes() as answer if (receipt := read(answer, len(items))) is not None:
                    self._back()
                    return receipt
                case bytes():
                    away = _Away("its answer does not account for what was sent")
                case _TooLarge():
                    return await self._halves(door, items, read)
                case _Away() as away:
                    pass
            self._waits(away)
            await asyncio.sleep(_wait_seconds(away, failures))
            failures += 1

    async def _halves(self, door: str, items: Sequence[bytes], read: ReadReceipt) -> Receipt:
        if len(items) == 1:
            detail = "the collector takes no request of this size: send less with one touchpoint"
            return Receipt(0, 0, (Rejected(0, RejectCode.TOO_LARGE, "", detail),))
        middle = len(items) // 2
        first = await self._send(door, items[:middle], read)
        return first.followed_by(await self._send(door, items[middle:], read), offset=middle)

    async def _request(self, method: str, door: str, body: bytes | None) -> bytes | _TooLarge | _Away:
        if self._session is None:
            raise RuntimeError("the collector is used outside of its `async with`")
        headers = {} if body is None else {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        url = self._address.endpoint.rstrip("/") + door
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await answer.read()
        except aiohttp.InvalidURL:
            raise NotACollector(f"{url} is no address.") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return _Away(_cause(error))
        match answer.status:
            case 200:
                return content
            case 413:
                return _TooLarge()
            case 401 | 403:
                raise KeyRefused(f"The collector at {self._address.endpoint} refuses the write key.")
            case 408 | 425 | 429 | 500 | 502 | 503 | 504 as status:
                return _Away(f"it answers {status}", _retry_after_seconds(answer.headers.get("Retry-After")))
            case status:
                raise NotACollector(f"{self._address.endpoint} answers {door} with {status}.")

    def _waits(self, away: _Away) -> None:
        if not self._away:
            self._away = True
            self._tell(f"The collector takes nothing now ({away.because}). Waiting for it; nothing is lost.")

    def _back(self) -> None:
        if self._away:
            self._away = False
            self._tell("The collector is back.")


def _gzip(body: bytes) -> bytes:
    deflate = zlib.compressobj(1, wbits=_GZIP)
    return deflate.compress(body) + deflate.flush()


def _wait_seconds(away: _Away, failures: int) -> float:
    if away.retry_after_seconds is not None:
        return away.retry_after_seconds
    longest = min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(failures, 16))
    return random.uniform(longest / 2, longest)  # noqa: S311 - a pause is no secret


def _retry_after_seconds(value: str | None) -> float | None:
    # Its other form is a date; then our own pauses do.
    if value is None or not value.isascii() or not value.isdigit():
        return None
    return min(float(value), MAX_RETRY_AFTER_SECONDS)


def _cause(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case _:
            return "the connection broke off"
