"""What every web integration does with a request, whatever the framework: context, anonymous id, page view.

Nothing of it hurts the request: a callable of the host that raises, a host name that is refused or a full queue is
counted, said in the log at most once a minute, and the answer goes out as it would have.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import UUID

from parcours.contexts import ContextScope, Identifier, context
from parcours.drops import QuietLog
from parcours.errors import InvalidOptions
from parcours.integrations.anonymous_id import MAX_AGE_DAYS, AnonymousIdCookie, CookieChange
from parcours.integrations.requests import (
    WebRequest,
    WebResponse,
    campaign_of,
    is_page,
    is_shared,
    locale_of,
    may_begin_visit,
    referrer_without_query,
    url_without_query,
    user_agent_of,
)
from parcours.touchpoints import PageViewed
from parcours.tracker import AsyncTracker, Tracker

Asked: TypeAlias = Callable[[Any], object]
"""A question to the host about a request of its framework: the type of the request is the framework's, hence `Any`."""
T = TypeVar("T")
Steps: TypeAlias = Generator[Asked | None, object, T]
"""Work that asks the host on its way and is sent the answers, so that one body serves plain and async frameworks."""
_FAILED = object()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, from its arrival to its answer.

    Attributes:
        request: What it says.
        scope: What is said of everything that is emitted meanwhile.
        identifiable: Whether consent and the browser's signals let the person be known.
        anonymous_id: Of the browser; None when it has none.
        user_id: Of the person, as the host says; None when it does not.
        cookie: A change to make with the answer, or None.
    """

    request: WebRequest
    scope: ContextScope
    identifiable: bool
    anonymous_id: str | None
    user_id: "Identifier | None"
    cookie: CookieChange | None


class WebTracking:
    """What is recorded of the requests of one app; thread-safe, one for the whole process, made before any fork.

    Args:
        tracker: Where page views go. It stays the host's: flushed at the end of a server, never closed.
        cookie_key: Secrets that sign the anonymous id, the current one first. Without one there are no anonymous ids.
        cookie_name: Of the cookie.
        cookie_domain: Set to share it between subdomains.
        cookie_max_age_days: 1 to 395, counted from the first visit.
        consent: Given the framework's request, returns purposes and whether they were agreed to, or None when the
            person was not asked yet. It goes with every touchpoint of the request.
        consent_required: Know nobody before `consent_purpose` is agreed to. False only where the law lets you.
        consent_purpose: The purpose that lets a person be known.
        privacy_signals: Headers whose `1` is a refusal of `consent_purpose`.
        without_consent: What becomes of page views of people who may not be known: sent without any id, or not at all.
        user_id: Given the framework's request, returns who is signed in, or None. Asked before the view and, when it
            said None, once more after it. In async frameworks it may be a coroutine function.
        include: Whether a request and its answer are a page view; HTML documents when not given.
        exclude: Patterns of paths that are never page views, such as `/admin/*`.
        url: Returns the address to keep; without its query when not given. Use it where paths hold secrets.

    Raises:
        InvalidOptions: A setting cannot be used.
    """

    def __init__(
        self,
        tracker: Tracker | AsyncTracker,
        *,
        cookie_key: str | bytes | Sequence[str | bytes] | None = None,
        cookie_name: str = "parcours_id",
        cookie_domain: str | None = None,
        cookie_max_age_days: int = MAX_AGE_DAYS,
        consent: Asked | None = None,
        consent_required: bool = True,
        consent_purpose: str = "analytics",
        privacy_signals: Collection[str] = ("Sec-GPC", "DNT"),
        without_consent: Literal["no_ids", "no_page_view"] = "no_ids",
        user_id: Asked | None = None,
        include: Callable[[WebRequest, WebResponse], bool] = is_page,
        exclude: Collection[str] = (),
        url: Callable[[WebRequest], str | None] = url_without_query,
    ) -> None:
        if consent_required and consent is None:
            raise InvalidOptions(
                "Consent is required, and nothing says who gave it.",
                remedy="Give consent=…, which returns purposes such as {'analytics': True} for a request; "
                "or consent_required=False where the law lets you.",
            )
        self.tracker = tracker
        self._cookie: AnonymousIdCookie | None = None
        if cookie_key is not None:
            keys = [cookie_key] if isinstance(cookie_key, str | bytes) else cookie_key
            self._cookie = AnonymousIdCookie(
                keys, name=cookie_name, max_age_days=cookie_max_age_days, domain=cookie_domain
            )
        self._consent = consent
        self._consent_required = consent_required
        self._consent_purpose = consent_purpose
        self._privacy_signals = tuple(privacy_signals)
        self._without_consent = without_consent
        self._user_id = user_id
        self._include = include
        self._exclude = tuple(exclude)
        self._url = url
        self._log = QuietLog()
        self._failures = 0

    @property
    def failures(self) -> int:
        """How often something of the integration or of the host's callables went wrong."""
        return self._failures

    def begin(self, read: Callable[[], WebRequest], native: object) -> Visit | None:
        """Return the visit that a request is, or None when it cannot be read; raises nothing.

        Args:
            read: Returns the request in our words.
            native: The framework's own request, for the callables of the host.
        """
        return self._walk(self._begin(read), native)

    async def begin_async(self, read: Callable[[], WebRequest], native: object) -> Visit | None:
        """As `begin`; the callables of the host may be coroutine functions."""
        return await self._walk_async(self._begin(read), native)

    def finish(self, visit: Visit | None, read: Callable[[], WebResponse], native: object) -> None:
        """Emit the page view, if the request was one, inside its `scope`; raises nothing."""
        if visit is not None:
            self._walk(self._finish(visit, read), native)

    async def finish_async(self, visit: Visit | None, read: Callable[[], WebResponse], native: object) -> None:
        """As `finish`."""
        if visit is not None:
            await self._walk_async(self._finish(visit, read), native)

    def scope(self, visit: Visit | None) -> AbstractContextManager[object]:
        """Return the context of everything that is emitted while the request is answered; raises nothing."""
        return nullcontext() if visit is None else visit.scope

    def cookie_for(self, visit: Visit | None, read: Callable[[], WebResponse]) -> CookieChange | None:
        """Return the cookie to set or remove with the answer, or None; raises nothing."""
        if visit is None or visit.cookie is None:
            return None
        try:
            return None if is_shared(read()) else visit.cookie
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not hurt the request
            self._failed(error)
            return None

    async def flush(self, timeout_seconds: float = 5.0) -> None:
        """Wait until what was emitted is delivered, at the end of an async server; say so when time is over."""
        tracker = self.tracker
        if isinstance(tracker, AsyncTracker):
            done = await tracker.flush(timeout_seconds)
        else:
            done = await asyncio.to_thread(tracker.flush, timeout_seconds)
        if not done:
            pending = tracker.stats().pending
            self._log.warn("flush", f"The server ends while {pending} touchpoints wait: give the tracker a spool.")

    def _begin(self, read: Callable[[], WebRequest]) -> Steps[Visit]:
        request = read()
        consent, identifiable = self._agreed(request, (yield self._consent))
        user_id = _identifier((yield self._user_id)) if identifiable else None
        anonymous_id, cookie = self._anonymous_id(request, identifiable=identifiable)
        campaign = campaign_of(request, click_ids=identifiable)
        # None hides what may be said outside of the request: nobody is known here who is not known by it.
        scope = context(
            consent=consent,
            url=self._url(request),
            referrer=referrer_without_query(request),
            user_agent=user_agent_of(request) if identifiable else None,
            locale=locale_of(request),
            campaign=campaign,
            anonymous_id=anonymous_id,
            user_id=user_id,
        )
        return Visit(request, scope, identifiable, anonymous_id, user_id, cookie)

    def _finish(self, visit: Visit, read: Callable[[], WebResponse]) -> Steps[None]:
        request, response = visit.request, read()
        if any(fnmatchcase(request.path, pattern) for pattern in self._exclude):
            return
        if not visit.identifiable and self._without_consent == "no_page_view":
            return
        if not self._include(request, response):
            return
        anonymous_id, user_id = visit.anonymous_id, visit.user_id
        if visit.cookie is not None and is_shared(response):
            anonymous_id = None  # the cookie was not set: nobody will ever come with this id again
        if visit.identifiable and user_id is None:
            user_id = _identifier((yield self._user_id))
        page = PageViewed(path=response.route or request.path)
        with context(anonymous_id=anonymous_id, user_id=user_id):
            self.tracker.emit(page, context={"http_status": response.status})

    def _agreed(self, request: WebRequest, said: object) -> tuple[Mapping[str, bool], bool]:
        """Return the purposes that are known, and whether the person may be."""
        purpose = self._consent_purpose
        consent = {str(key): bool(value) for key, value in said.items()} if isinstance(said, Mapping) else {}
        if any(request.header(name) == "1" for name in self._privacy_signals):
            return {**consent, purpose: False}, False
        if said is not None and not isinstance(said, Mapping):
            return consent, False  # an answer that is none is no agreement
        agreed = consent.get(purpose)
        return consent, agreed is True if self._consent_required else agreed is not False

    def _anonymous_id(self, request: WebRequest, *, identifiable: bool) -> tuple[str | None, CookieChange | None]:
        if self._cookie is None:
            return None, None
        now_seconds = time.time()
        secure = request.scheme == "https"
        value = request.cookie(self._cookie.name)
        if not identifiable:
            return None, None if value is None else self._cookie.removal(secure=secure)
        known = self._cookie.read(value, now_seconds)
        if known is not None or not may_begin_visit(request):
            return known, None
        return self._cookie.make(now_seconds, secure=secure)

    def _walk(self, steps: Steps[T], native: object) -> T | None:
        try:
            question = next(steps)
            while True:
                answer = self._ask(question, native)
                if inspect.iscoroutine(answer):
                    answer.close()
                    self._failed(TypeError("a coroutine function in a framework that is not async"))
                    answer = _FAILED
                question = steps.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration is not generic
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not hurt the request
            self._failed(error)
            return None

    async def _walk_async(self, steps: Steps[T], native: object) -> T | None:
        try:
            question = next(steps)
            while True:
                answer = self._ask(question, native)
                if inspect.isawaitable(answer):
                    answer = await self._awaited(answer)
                question = steps.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration is not generic
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not hurt the request
            self._failed(error)
            return None

    def _ask(self, question: Asked | None, native: object) -> object:
        """Return the host's answer, None when there is no question, and what is no answer when it raised."""
        try:
            return None if question is None else question(native)
        except Exception as error:  # noqa: BLE001 - the host's callable must not hurt the host's request
            self._failed(error)
            return _FAILED

    async def _awaited(self, answer: Awaitable[object]) -> object:
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - as in _ask
            self._failed(error)
            return _FAILED

    def _failed(self, error: Exception) -> None:
        # Only the type: the text may hold what the request holds.
        self._failures += 1
        self._log.warn("web", f"{type(error).__name__} while a request was recorded; the request itself went on.")


def _identifier(said: object) -> "Identifier | None":
    return said if isinstance(said, str | int | UUID) and said != "" and not isinstance(said, bool) else None
