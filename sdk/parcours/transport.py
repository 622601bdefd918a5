"""One HTTP request: touchpoints in, what became of them out. It knows no queue, no retry and no thread.

aiohttp is loaded by `prepare`.
"""

import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from parcours import clock
from parcours.answer import SendResult, Unavailable, read_answer
from parcours.lifecycle import holding_off_forks
from parcours.options import Options
from parcours.outgoing import Outgoing
from parcours_schemas.version import __version__

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

_GZIP_FROM_BYTES = 1024
_GZIP_LEVEL = 1
_ANSWER_MAX_BYTES = 4 * 1024 * 1024

Send: TypeAlias = Callable[[Sequence[Outgoing]], Awaitable[SendResult]]
Interceptor: TypeAlias = Callable[[Sequence[Outgoing], Send], Awaitable[SendResult]]
_interceptor: Interceptor | None = None
_isolated = False


class Transport(Protocol):
    """The seam to the network."""

    async def send(self, events: Sequence[Outgoing]) -> SendResult:
        """Send touchpoints as one request, once, and say what became of them. Raises nothing that is expected."""


@contextmanager
def intercept(interceptor: Interceptor, *, isolated: bool = False) -> Iterator[None]:
    """Hand every request of this process to `interceptor`, with the real `send`, until the block ends: for tests.

    Args:
        interceptor: Says what became of a request.
        isolated: What it takes reaches no collector: meanwhile nothing is taken from or put into a spool on disk by
            trackers that are made, and nothing that dead processes have left is delivered.
    """
    global _interceptor, _isolated
    before = _interceptor, _isolated
    _interceptor, _isolated = interceptor, isolated
    try:
        yield
    finally:
        _interceptor, _isolated = before


def is_isolated() -> bool:
    """Whether what is sent now reaches no collector, so that nothing real may be taken as delivered."""
    return _isolated


def prepare() -> None:
    """Load what sending needs, where a tracker is made: in a thread, later, it would hold up all others for a while."""
    with holding_off_forks():
        # The first claim of a spool and the first name to resolve would import these.
        import encodings.ascii
        import encodings.idna  # noqa: F401

        import aiohttp  # noqa: F401


@asynccontextmanager
async def open_transport(options: Options) -> AsyncIterator[Transport]:
    """Open the connection pool of one worker, and close it at the end."""
    prepare()
    import aiohttp

    connector = aiohttp.TCPConnector(limit=1, resolver=_resolver())
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=options.request_timeout_seconds),
        headers={
            "Authorization": f"Bearer {options.write_key}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"parcours-python/{__version__}",
        },
    ) as session:
        yield HttpTransport(session, str(options.url))


class HttpTransport:
    """POST batches to a collector over kept-alive connections. Redirects are not followed: they would leak the key."""

    def __init__(self, session: "aiohttp.ClientSession", url: str) -> None:
        self._session = session
        self._url = url

    async def send(self, events: Sequence[Outgoing]) -> SendResult:
        """Send one request with a fresh `sent_at`; every failure on the way is an `Unavailable`."""
        interceptor = _interceptor
        return await (self._post(events) if interceptor is None else interceptor(events, self._post))

    async def _post(self, events: Sequence[Outgoing]) -> SendResult:
        import aiohttp

        now_ns = clock.wall_ns()
        body = join_batch(events, now_ns, now_ns - clock.steady_ns())
        headers = {}
        if len(body) >= _GZIP_FROM_BYTES:
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                answer = bytearray()
                async for chunk in response.content.iter_any():
                    answer += chunk
                    if len(answer) > _ANSWER_MAX_BYTES:
                        return Unavailable("an answer without end")
        except TimeoutError:
            return Unavailable("timeout")
        except (aiohttp.ClientError, OSError) as error:
            return Unavailable(type(error).__name__)
        return read_answer(response.status, response.headers, bytes(answer), events)


def join_batch(events: Sequence[Outgoing], sent_at_ns: int, clock_offset_ns: int) -> bytes:
    """Return the body of a request: the kept bytes of each touchpoint, never encoded again.

    Args:
        events: At least one.
        sent_at_ns: Wall clock now.
        clock_offset_ns: Wall clock less steady clock now; see `clock.retimed`.
    """
    head = f'{{"sent_at":"{clock.time_text(sent_at_ns)}","touchpoints":['.encode()
    wires = [clock.retimed(event.wire, event.clock_offset_ns, clock_offset_ns) for event in events]
    return head + b",".join(wires) + b"]}"


def _resolver() -> "AbstractResolver":
    """Return a resolver that uses this very thread: the usual one needs an executor, and those refuse work at exit."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class _OwnThreadResolver(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            # Blocking is fine: nothing but the worker lives in this loop.
            found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=port,
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST,
                )
                for kind, _, protocol, _, address in found
            ]

        async def close(self) -> None:
            """Nothing is held."""

    return _OwnThreadResolver()
