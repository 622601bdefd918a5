"""One core behind two faces: a call becomes bytes, the bytes wait in the queue, the worker delivers them.

Nothing here blocks on the network or raises at the host, unless `strict` asks for it. A forked child starts afresh:
what the parent had pending stays the parent's.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, assert_never
from uuid import UUID

from parcours.consent import ConsentGate, Withheld
from parcours.contents import Kind, PlanCheck, Untyped, declaration_of, typed_properties, untyped_properties
from parcours.drops import Dropped, DropReason, DropReporter, QuietLog
from parcours.encoding import is_of_conversion
from parcours.envelope import Circumstances, EnvelopeWriter
from parcours.errors import InvalidTouchpoint
from parcours.lifecycle import keep, release, watch
from parcours.options import Options
from parcours.outgoing import Outgoing
from parcours.privacy import Discarded, Privacy
from parcours.queue import EventQueue
from parcours.redaction import Redaction
from parcours.stats import Stats
from parcours.transport import is_isolated, open_transport, prepare
from parcours.worker import OpenTransport, Worker
from parcours_schemas.envelope import MAX_EVENT_BYTES
from parcours_schemas.refusal import Refusal, shown_name
from parcours_schemas.reject import RejectCode
from parcours_schemas.touchpoint import Touchpoint

if TYPE_CHECKING:
    from parcours.adoption import Adoption
    from parcours.spool import Spool

_STOP_SECONDS = 0.5

_Written: TypeAlias = Outgoing | Refusal | Withheld | Discarded


class Core:
    """Everything a tracker does. Every method may be called from any thread."""

    def __init__(self, options: Options, transport: OpenTransport = open_transport) -> None:
        self._options = options
        self._open_transport = transport
        self._spool: Spool | None = None
        self._adoption: Adoption | None = None
        self._plan_check = PlanCheck(options, self._warn)
        gate = ConsentGate(options.required_consent)
        self._envelope = EnvelopeWriter(options.identifier_key, options.phone_region, gate)
        redaction = Redaction(options.redact, options.identifier_key, options.phone_region) if options.redact else None
        looks_last = redaction is not None or options.before_send is not None
        self._privacy = Privacy(redaction, options.before_send, gate) if looks_last else None
        if not options.disabled:
            prepare()
        self._start_afresh()
        watch(self)
        self._look_for_the_dead()

    def _look_for_the_dead(self) -> None:
        if self._adoption is not None and self._adoption.may_find_any():
            self._queue.set_adopting(adopting=True)
            self._start_worker()

    def after_fork_in_child(self) -> None:
        """Begin with an empty queue and ledger, a spool of its own, new locks and no thread."""
        for of_the_parent in (self._spool, self._adoption):
            if of_the_parent is not None:
                of_the_parent.leave_to_the_parent()
        self._start_afresh()

    def _start_afresh(self) -> None:
        options = self._options
        self._log = QuietLog()
        self._spool, self._adoption = None, None
        if options.spool is not None and not options.disabled and not is_isolated():
            # SQLite is loaded for those who use it.
            from parcours.spool import Spool, folder_of

            self._spool = Spool(folder_of(options, options.spool), options, self._log)
        self._queue = EventQueue(
            max_count=options.queue_max_count, max_bytes=options.queue_max_bytes, spool=self._spool
        )
        if self._spool is not None:
            from parcours.absorber import Absorber
            from parcours.adoption import Adoption

            self._adoption = Adoption(self._spool, self._queue, self._log)
            Absorber(self._queue)
        self._reporter = DropReporter(options.on_drop, self._log)
        self._worker = Worker(self._queue, self._adoption, options, self._reporter, self._log, self._open_transport)

    @property
    def exit_timeout_seconds(self) -> float:
        """How long the end of the process may wait for this tracker."""
        return self._options.exit_timeout_seconds

    @property
    def is_at_work(self) -> bool:
        """Whether the background thread lives."""
        return self._worker.is_alive

    def emit(self, touchpoint: Touchpoint, circumstances: Circumstances) -> str | None:
        """Check, encode once and queue a typed touchpoint; return its event id, or None when it was dropped.

        Raises:
            InvalidTouchpoint: It was refused, and the tracker is strict.
        """
        try:
            kind = declaration_of(touchpoint)
            if isinstance(kind, Refusal):
                written: _Written = kind
            else:
                written = self._plan_check.refusal_of_name(kind.name) or self._write(
                    kind, typed_properties(touchpoint), circumstances, checked=True
                )
        except BaseException as error:
            written = _unreadable(error)
            if not is_of_conversion(error):
                # A time limit of the host, or Ctrl-C: the host's own business.
                self._count_refusal(written, type(touchpoint).__name__, circumstances)
                raise
        if isinstance(written, Outgoing):
            return self._offer(written)
        self._let_go(written, type(touchpoint).__name__, circumstances)
        return None

    def track(self, name: str, properties: Mapping[str, object] | None, circumstances: Circumstances) -> str | None:
        """Check, encode once and queue an untyped touchpoint; as `emit` otherwise."""
        try:
            encoded = untyped_properties(properties)
            if isinstance(encoded, Refusal):
                written: _Written = encoded
            else:
                written = self._write(Untyped(name), encoded, circumstances, checked=False)
        except BaseException as error:
            written = _unreadable(error)
            if not is_of_conversion(error):
                self._count_refusal(written, _shown(name), circumstances)
                raise
        if isinstance(written, Outgoing):
            return self._offer(written)
        self._let_go(written, _shown(name), circumstances)
        return None

    def _write(self, kind: Kind, properties: bytes | None, circumstances: Circumstances, *, checked: bool) -> _Written:
        """Write a touchpoint as it may be sent; `checked` says that its properties are known to be right."""
        written: _Written = self._envelope.write(kind, properties, circumstances)
        if self._privacy is not None and isinstance(written, Outgoing):
            before, written = written, self._privacy.apply(written)
            checked = checked and written is before
        if not checked and isinstance(written, Outgoing) and len(written.wire) <= MAX_EVENT_BYTES:
            return self._plan_check.refusal_of(written.wire) or written
        return written

    def _offer(self, event: Outgoing) -> str | None:
        if self._options.disabled:
            return None
        if len(event.wire) > MAX_EVENT_BYTES:
            self._drop(Dropped(event.id, event.name, event.wire), DropReason.TOO_LARGE)
            return None
        reason = self._queue.offer(event)
        if reason is not None:
            self._reporter.report(Dropped(event.id, event.name, event.wire), reason)
            return None
        if not self._worker.is_started:
            self._start_worker()
        return event.id

    def _start_worker(self) -> None:
        keep(self)
        self._worker.start()

    def _let_go(self, written: Refusal | Withheld | Discarded, name: str, circumstances: Circumstances) -> None:
        """Count and report a touchpoint that is not to be queued."""
        match written:
            case Refusal():
                self._refuse(written, name, circumstances)
            case Withheld(purpose, refused):
                code = "refused" if refused else "not_given"
                dropped = Dropped(None, name, code=code, path="/consent", detail=f"no consent to {purpose}")
                self._drop(dropped, DropReason.CONSENT, on_purpose=refused)
            case Discarded(fault):
                code = "before_send" if fault else ""
                self._drop(Dropped(None, name, code=code, detail=fault), DropReason.BEFORE_SEND, on_purpose=not fault)
            case _:
                assert_never(written)

    def _drop(self, dropped: Dropped, reason: DropReason, *, on_purpose: bool = False) -> None:
        self._queue.count_drop(reason)
        self._reporter.report(dropped, reason, on_purpose=on_purpose)

    def _refuse(self, refusal: Refusal, name: str, circumstances: Circumstances) -> None:
        self._count_refusal(refusal, name, circumstances)
        if self._options.strict:
            raise InvalidTouchpoint(name, code=str(refusal.code), path=refusal.path, detail=refusal.detail)

    def _count_refusal(self, refusal: Refusal, name: str, circumstances: Circumstances) -> None:
        given_id = circumstances.event_id
        # Whatever else was given as an id may be somebody's name.
        event_id = str(given_id) if isinstance(given_id, UUID) else None
        dropped = Dropped(event_id, name, code=str(refusal.code), path=refusal.path, detail=refusal.detail)
        self._drop(dropped, DropReason.INVALID)

    def _warn(self, name: str, warning: Refusal) -> None:
        """Say, at most once a minute a code, what a touchpoint was taken with."""
        what = f"{name} was taken with a warning: {warning.code} at {warning.path}. {warning.detail}."
        self._log.warn(f"warned {warning.code}", what)

    def when_settled(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Hurry, and call `callback` once everything emitted so far is settled; return how to stop waiting."""
        queue = self._queue
        queue.when_settled(callback)
        if not (self._worker.is_started or queue.is_empty):
            self._start_worker()
        self._worker.hurry()
        return lambda: queue.forget_waiter(callback)

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything emitted so far is settled, at most so long; return whether it is."""
        settled = threading.Event()
        forget = self.when_settled(settled.set)
        done = settled.wait(timeout_seconds)
        if not done:
            forget()
        return done

    def begin_close(self) -> None:
        """Take nothing more in, and hurry; do not wait."""
        self._queue.close()
        self.when_settled(_do_nothing)

    def end_close(self, stop_seconds: float = _STOP_SECONDS) -> Stats:
        """Drop as `shutdown` what is in memory only, report each, stop the worker; return the last ledger."""
        lost, count = self._queue.abandon()
        for event in lost:
            self._reporter.report(Dropped(event.id, event.name, event.wire), DropReason.SHUTDOWN)
        self._queue.announce(count)
        self._worker.stop(stop_seconds)
        release(self)
        return self._queue.stats()

    def close(self, timeout_seconds: float) -> Stats:
        """Deliver what can be delivered in so many seconds; leave the rest in the spool or report it as lost.

        Again: the same ledger.
        """
        self.begin_close()
        self.flush(timeout_seconds)
        return self.end_close()

    def refuse_at_exit(self) -> None:
        """Drop as `shutdown` what is emitted from now on, but where the spool keeps it for the next process."""
        if self._spool is None:
            self._queue.close()

    def close_at_exit(self, timeout_seconds: float) -> None:
        """Close, but do not wait for a collector that is away when all that waits is on disk."""
        self.begin_close()
        over = threading.Event()
        patience_seconds, forget = self.when_over(over.set, timeout_seconds)
        over.wait(patience_seconds)
        forget()
        self.end_close()

    def when_over(self, callback: Callable[[], None], timeout_seconds: float) -> tuple[float, Callable[[], None]]:
        """Have `callback` called, perhaps twice, once waiting on brings nothing: all is settled, or on disk in vain.

        Returns:
            How long to wait at most, and how to stop waiting.
        """
        forget = self.when_settled(callback)
        return self._worker.when_hopeless(callback, within_seconds=timeout_seconds), forget

    def stats(self) -> Stats:
        """Return the ledger as of now."""
        return self._queue.stats()


def _unreadable(error: BaseException) -> Refusal:
    # Neither the error's text nor its chain: they may hold a value.
    return Refusal(RejectCode.INVALID_ENVELOPE, "", f"it cannot be read ({type(error).__name__}): check its types")


def _shown(name: object) -> str:
    """Return a name as it may be shown: whatever looks like none may be somebody's."""
    return shown_name(name) if isinstance(name, str) else "*"


def _do_nothing() -> None:
    """Stand for somebody who waits: the worker hurries while anybody does."""
