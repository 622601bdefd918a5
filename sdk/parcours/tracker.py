"""The doors of the SDK: `Tracker` for threads, `AsyncTracker` for asyncio, the same calls over one core."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias, Unpack
from uuid import UUID

from parcours.contexts import IdentifierValue
from parcours.core import Core
from parcours.envelope import Circumstances
from parcours.options import Options, TrackerOptions
from parcours.stats import Stats
from parcours_schemas.touchpoint import Touchpoint

_TIMEOUT_SECONDS = 5.0
_STOP_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 0.002

_Ask: TypeAlias = Callable[[Callable[[], None]], tuple[float, Callable[[], None]]]
"""Given whom to tell, returns how long to wait for it and how to stop waiting."""


class _Face:
    """What both faces share: emission is a plain call that never waits."""

    def __init__(
        self, endpoint: str | None = None, write_key: str | None = None, **options: Unpack[TrackerOptions]
    ) -> None:
        self._core = Core(Options.resolve(endpoint, write_key, options))

    def emit(
        self,
        touchpoint: Touchpoint,
        *,
        occurred_at: datetime | None = None,
        channel: str | None = None,
        context: Mapping[str, object] | None = None,
        consent: Mapping[str, bool] | None = None,
        event_id: str | UUID | None = None,
        **ids: IdentifierValue,
    ) -> str | None:
        """Queue a typed touchpoint and return its event id, or None when it was dropped. Never waits.

        Args:
            touchpoint: One of `parcours.touchpoints`, or of your own subclass of `Touchpoint`.
            occurred_at: When it happened, aware; now when None.
            channel: Where; the touchpoint's own channel when None.
            context: Circumstances: `url`, `referrer`, `campaign`, `store_id` and any of yours.
            consent: Purposes the person agreed to or refused, such as `{"analytics": True}`.
            event_id: A UUID of your own when the same touchpoint may be emitted twice; else a new UUIDv7.
            ids: Who: `user_id="u1"`, `anonymous_id=…`, `email=…`; text, an integer, a UUID or a list; None is left out,
                and hides what `parcours.context` says.

        Raises:
            InvalidTouchpoint: It was refused, and the tracker is strict.
        """
        circumstances = Circumstances(occurred_at, channel, context, consent, event_id, ids)
        return self._core.emit(touchpoint, circumstances)

    def track(
        self,
        name: str,
        properties: Mapping[str, object] | None = None,
        *,
        occurred_at: datetime | None = None,
        channel: str | None = None,
        context: Mapping[str, object] | None = None,
        consent: Mapping[str, bool] | None = None,
        event_id: str | UUID | None = None,
        **ids: IdentifierValue,
    ) -> str | None:
        """Queue a touchpoint by its name; like `emit` otherwise.

        Args:
            name: snake_case, past tense. Checked against the catalogue when it is known there, or the tracking plan.
            properties: What it says: text, numbers, `Decimal`, aware times, dates, UUIDs, enums, lists, dicts.
            occurred_at: As in `emit`.
            channel: As in `emit`.
            context: As in `emit`.
            consent: As in `emit`.
            event_id: As in `emit`.
            ids: As in `emit`.
        """
        circumstances = Circumstances(occurred_at, channel, context, consent, event_id, ids)
        return self._core.track(name, properties, circumstances)

    def identify(
        self,
        *,
        occurred_at: datetime | None = None,
        channel: str | None = None,
        context: Mapping[str, object] | None = None,
        consent: Mapping[str, bool] | None = None,
        event_id: str | UUID | None = None,
        **ids: IdentifierValue,
    ) -> str | None:
        """Say that identifiers belong to one person: the touchpoint `identified`; like `emit` otherwise."""
        circumstances = Circumstances(occurred_at, channel, context, consent, event_id, ids)
        return self._core.track("identified", None, circumstances)

    def stats(self) -> Stats:
        """Return what became of every touchpoint, as of now."""
        return self._core.stats()


class Tracker(_Face):
    """Emit touchpoints from any thread; a background thread delivers them.

    Args:
        endpoint: The collector's address, such as `https://collector.example.com`; PARCOURS_ENDPOINT when None.
        write_key: The key of the source; PARCOURS_WRITE_KEY when None.
        options: See `Options`.

    Raises:
        InvalidOptions: A setting is missing or cannot be used. Nothing is raised after construction but by `strict`.
    """

    def flush(self, timeout: float = _TIMEOUT_SECONDS) -> bool:
        """Wait `timeout` seconds at most until all emitted or adopted is delivered or dropped; return whether it is."""
        return self._core.flush(timeout)

    def close(self, timeout: float = _TIMEOUT_SECONDS) -> Stats:
        """Deliver what waits, leave the rest in the spool or drop it as `shutdown`, and return the last ledger.

        What is emitted afterwards is dropped as `shutdown`. A second call returns the same ledger.
        """
        return self._core.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close as the end of the process does."""
        self._core.close_at_exit(_TIMEOUT_SECONDS)


class AsyncTracker(_Face):
    """Emit touchpoints from asyncio; `emit`, `track` and `identify` are plain calls, `flush` and `close` are awaited.

    The same as `Tracker` otherwise: delivery has a loop and a thread of its own and costs the host's loop nothing.
    """

    async def flush(self, timeout: float = _TIMEOUT_SECONDS) -> bool:  # noqa: ASYNC109 - the name is a contract
        """Wait `timeout` seconds at most until all emitted or adopted is delivered or dropped; return whether it is."""
        return await _told(lambda tell: (timeout, self._core.when_settled(tell)))

    async def close(self, timeout: float = _TIMEOUT_SECONDS) -> Stats:  # noqa: ASYNC109 - as above
        """Deliver what waits, leave the rest in the spool or drop it as `shutdown`, and return the last ledger.

        What is emitted afterwards is dropped as `shutdown`. A second call returns the same ledger.
        """
        return await self._close(lambda tell: (timeout, self._core.when_settled(tell)))

    async def _close(self, ask: _Ask) -> Stats:
        self._core.begin_close()
        try:
            await _told(ask)
        finally:
            # Joining the thread would hold up this loop; it lets go of the spool, which the next tracker may want at
            # once. A cancelled close is over at once: what is not delivered is dropped or stays in the spool.
            stats = self._core.end_close(stop_seconds=0.0)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STOP_SECONDS
        while self._core.is_at_work and loop.time() < deadline:  # noqa: ASYNC110 - the end of a thread tells no loop
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return stats

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close as the end of the process does."""
        await self._close(lambda tell: self._core.when_over(tell, _TIMEOUT_SECONDS))


async def _told(ask: _Ask) -> bool:
    """Wait to be told, no longer than what is asked says; return whether it was."""
    loop = asyncio.get_running_loop()
    told = threading.Event()
    awake = asyncio.Event()

    def tell() -> None:
        told.set()
        # In the worker's thread: a loop that has closed since has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(awake.set)

    timeout_seconds, forget = ask(tell)
    try:
        if not told.is_set():
            async with asyncio.timeout(timeout_seconds):
                await awake.wait()
    except TimeoutError:
        return told.is_set()
    finally:
        forget()
    return True
