"""What is said once for every touchpoint of a block, a request or a task: who, where, why, with what consent.

It is kept in a `contextvars.ContextVar`: asyncio tasks and `asyncio.to_thread` inherit it; a plain thread or an
executor starts empty, and `bound` takes it there. It knows neither trackers nor the wire; importing it loads nothing.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from uuid import UUID

Identifier: TypeAlias = "str | int | UUID"
IdentifierValue: TypeAlias = "Identifier | Sequence[Identifier] | None"
"""One identifier or several of one kind; None stands for "not known" and is left out."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Context:
    """What the current thread or task says of every touchpoint. Nothing of a person is in its `repr`.

    Attributes:
        ids: Identifiers by kind; None hides one of an outer context.
        context: Circumstances by key, such as `url` and `campaign`.
        consent: Purposes agreed to or refused.
        channel: Where, or None.
        scope: What said it last.
        outer: What was said before that.
    """

    ids: Mapping[str, IdentifierValue] = field(default_factory=dict, repr=False)
    context: Mapping[str, object] = field(default_factory=dict, repr=False)
    consent: Mapping[str, bool] = field(default_factory=dict, repr=False)
    channel: str | None = None
    scope: object = field(default=None, repr=False, compare=False)
    outer: "Context | None" = field(default=None, repr=False, compare=False)

    def merged(self, inner: "Context") -> "Context":
        """Return both as one: what `inner` says wins, key by key; a value is replaced whole, a campaign too."""
        return Context(
            {**self.ids, **inner.ids},
            {**self.context, **inner.context},
            {**self.consent, **inner.consent},
            inner.channel or self.channel,
        )


NO_CONTEXT = Context()
_current: ContextVar[Context] = ContextVar("parcours_context", default=NO_CONTEXT)


current_context: Callable[[], Context] = _current.get
"""Return what is said of every touchpoint here and now; an empty `Context` when nothing is."""


class ContextScope:
    """What `context` returns: a block for `with`, a decorator of functions and coroutine functions, or `apply()`.

    It may be entered again, and by any number of threads and tasks at once.
    """

    def __init__(self, base: Context | None, said: Context) -> None:
        self._base = base
        self._said = said

    def __enter__(self) -> Context:
        outer = _current.get()
        inner = self._inside(outer, scope=self, outer=outer)
        _current.set(inner)
        return inner

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Not by a token: frameworks may end a request in another copy of the contextvars than they began it in.
        # Where it is not said, or no longer, there is nothing to end.
        entered: Context | None = _current.get()
        while entered is not None and entered.scope is not self:
            entered = entered.outer
        if entered is not None and entered.outer is not None:
            _current.set(entered.outer)

    def apply(self) -> None:
        """Say it from here to the end of this thread or task, or of the enclosing `with`: for hooks without a block."""
        around = _current.get()
        # It ends with what is around it, and leaves nothing behind when that never ends: a thread may apply for ever.
        _current.set(self._inside(around, scope=around.scope, outer=around.outer))

    def _inside(self, around: Context, *, scope: object, outer: Context | None) -> Context:
        return replace((around if self._base is None else self._base).merged(self._said), scope=scope, outer=outer)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function with this context around each call.

        Raises:
            TypeError: It is a generator function, whose body runs in the context of whoever iterates: put the `with`
                inside.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("parcours.context cannot decorate a generator function: put a `with` block inside it")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> object:
                with ContextScope(self._base, self._said):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", awaited)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            with ContextScope(self._base, self._said):
                return function(*args, **kwargs)

        return called


def context(
    base: Context | None = None,
    /,
    *,
    channel: str | None = None,
    consent: Mapping[str, bool] | None = None,
    context: Mapping[str, object] | None = None,
    url: str | None = None,
    referrer: str | None = None,
    page_title: str | None = None,
    user_agent: str | None = None,
    locale: str | None = None,
    timezone: str | None = None,
    campaign: Mapping[str, object] | None = None,
    store_id: str | None = None,
    device: Mapping[str, object] | None = None,
    app: Mapping[str, object] | None = None,
    **ids: IdentifierValue,
) -> ContextScope:
    """Say something of every touchpoint emitted inside a `with` block, or inside the decorated function.

    What is said inside adds to what is said outside and wins over it, key by key; the arguments of `emit` win over
    both. Nothing is checked here: a wrong value is refused, counted and reported when a touchpoint is emitted.

    Args:
        base: What to start from: `Context()` for nothing, or what another process said; the current one when None.
        channel: As in `emit`.
        consent: As in `emit`.
        context: Circumstances under keys of your own. The keywords after it are keys that everybody has.
        url: Of the page.
        referrer: Of the page.
        page_title: Of the page.
        user_agent: Of the browser.
        locale: Such as `fr-FR`.
        timezone: Such as `Europe/Paris`.
        campaign: `source`, `medium`, `name`, `term`, `content`.
        store_id: Of the store.
        device: `type`, `manufacturer`, `model`, `os`, `os_version`.
        app: `name`, `version`, `build`.
        ids: As in `emit`; None hides an identifier that is said outside.
    """
    keys: dict[str, object] = {
        "url": url,
        "referrer": referrer,
        "page_title": page_title,
        "user_agent": user_agent,
        "locale": locale,
        "timezone": timezone,
        "campaign": campaign,
        "store_id": store_id,
        "device": device,
        "app": app,
    }
    circumstances = {**(context or {}), **{key: value for key, value in keys.items() if value is not None}}
    return ContextScope(base, Context(ids, circumstances, {**(consent or {})}, channel))


def bound(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function with the context of here and now around each call, in whatever thread it runs.

    `executor.submit(parcours.bound(work), …)`, `Thread(target=parcours.bound(work))`.
    """
    return ContextScope(_current.get(), NO_CONTEXT)(function)
