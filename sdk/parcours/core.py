"""One core behind two faces: a call becomes bytes, the bytes wait in the queue, the worker delivers them.

Nothing here blocks on the network or raises at the host, unless `strict` asks for it. A forked child starts afresh:
what the parent had pending stays the parent's.
"""

import threading
from collections.abc import Callable, Mapping

from parcours.contents import Contents, PlanCheck, typed_contents, untyped_contents
from parcours.drops import Dropped, DropReason, DropReporter, QuietLog
from parcours.envelope import Circumstances, EnvelopeWriter
from parcours.errors import InvalidTouchpoint
from parcours.lifecycle import keep, release, watch
from parcours.options import Options
from parcours.queue import EventQueue, Outgoing
from parcours.stats import Stats
from parcours.transport import open_transport
from parcours.worker import OpenTransport, Worker
from parcours_schemas.envelope import MAX_EVENT_BYTES
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode
from parcours_schemas.touchpoint import Touchpoint

_STOP_SECONDS = 0.5


class Core:
    """Everything a tracker does. Every method may be called from any thread."""

    def __init__(self, options: Options, transport: OpenTransport = open_transport) -> None:
        self._options = options
        self._open_transport = transport
        self._plan_check = PlanCheck(options, self._warn)
        self._envelope = EnvelopeWriter(options.identifier_key, options.phone_region)
        self._start_afresh()
        watch(self)

    def after_fork_in_child(self) -> None:
        """Begin with an empty queue and ledger, new locks and no thread."""
        self._start_afresh()

    def _start_afresh(self) -> None:
        options = self._options
        self._queue = EventQueue(max_count=options.queue_max_count, max_bytes=options.queue_max_bytes)
        self._log = QuietLog()
        self._reporter = DropReporter(options.on_drop, self._log)
        self._worker = Worker(self._queue, options, self._reporter, self._log, self._open_transport)
        self._worker_started = False

    @property
    def exit_timeout_seconds(self) -> float:
        """How long the end of the process may wait for this tracker."""
        return self._options.exit_timeout_seconds

    def emit(self, touchpoint: Touchpoint, circumstances: Circumstances) -> str | None:
        """Check, encode once and queue a typed touchpoint; return its event id, or None when it was dropped.

        Raises:
            InvalidTouchpoint: It was refused, and the tracker is strict.
        """
        try:
            contents = typed_contents(touchpoint)
            if isinstance(contents, Contents):
                contents = self._plan_check.refusal_of_name(contents.name) or contents
            written = self._write(contents, circumstances)
        except Exception as error:  # noqa: BLE001 - whatever a host hands in must not break the host
            written = _unreadable(error)
        return self._accept(written, type(touchpoint).__name__, circumstances)

    def track(self, name: str, properties: Mapping[str, object] | None, circumstances: Circumstances) -> str | None:
        """Check, encode once and queue an untyped touchpoint; as `emit` otherwise."""
        try:
            written = self._write(untyped_contents(name, properties), circumstances)
            if isinstance(written, Outgoing) and len(written.wire) <= MAX_EVENT_BYTES:
                written = self._plan_check.refusal_of(written.wire) or written
        except Exception as error:  # noqa: BLE001 - whatever a host hands in must not break the host
            written = _unreadable(error)
        return self._accept(written, str(name), circumstances)

    def _write(self, contents: Contents | Refusal, circumstances: Circumstances) -> Outgoing | Refusal:
        if isinstance(contents, Refusal):
            return contents
        return self._envelope.write(contents, circumstances)

    def _accept(self, written: Outgoing | Refusal, name: str, circumstances: Circumstances) -> str | None:
        """Queue what was written, or count and report why not; return the event id, or None."""
        if isinstance(written, Refusal):
            self._refuse(written, name, circumstances)
            return None
        if self._options.disabled:
            return None
        reason: DropReason | None
        if len(written.wire) > MAX_EVENT_BYTES:
            reason = DropReason.TOO_LARGE
            self._queue.count_drop(reason)
        else:
            reason = self._queue.offer(written)
        if reason is not None:
            self._reporter.report(Dropped(written.id, written.name, written.wire), reason)
            return None
        if not self._worker_started:
            self._worker_started = True
            keep(self)
            self._worker.start()
        return written.id

    def _refuse(self, refusal: Refusal, name: str, circumstances: Circumstances) -> None:
        code, path, detail = str(refusal.code), refusal.path, refusal.detail
        event_id = None if circumstances.event_id is None else str(circumstances.event_id)
        self._queue.count_drop(DropReason.INVALID)
        self._reporter.report(Dropped(event_id, name, code=code, path=path, detail=detail), DropReason.INVALID)
        if self._options.strict:
            raise InvalidTouchpoint(name, code=code, path=path, detail=detail)

    def _warn(self, name: str, warning: Refusal) -> None:
        """Say, at most once a minute a code, what a touchpoint was taken with."""
        what = f"{name} was taken with a warning: {warning.code} at {warning.path}. {warning.detail}."
        self._log.warn(f"warned {warning.code}", what)

    def when_settled(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Hurry, and call `callback` once everything emitted so far is settled; return how to stop waiting."""
        queue = self._queue
        queue.when_settled(callback)
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
        """Drop what is still pending as `shutdown`, report each, stop the worker; return the last ledger."""
        abandoned = self._queue.abandon()
        for event in abandoned:
            self._reporter.report(Dropped(event.id, event.name, event.wire), DropReason.SHUTDOWN)
        self._queue.announce(len(abandoned))
        self._worker.stop(stop_seconds)
        release(self)
        return self._queue.stats()

    def close(self, timeout_seconds: float) -> Stats:
        """Deliver what can be delivered in so many seconds; report the rest as lost. Again: the same ledger."""
        self.begin_close()
        self.flush(timeout_seconds)
        return self.end_close()

    def close_at_exit(self, timeout_seconds: float) -> None:
        """Close at the end of the process."""
        self.close(timeout_seconds)

    def stats(self) -> Stats:
        """Return the ledger as of now."""
        return self._queue.stats()


def _unreadable(error: Exception) -> Refusal:
    # Neither the error's text nor its chain: they may hold a value.
    return Refusal(RejectCode.INVALID_ENVELOPE, "", f"it cannot be read ({type(error).__name__}): check its types")


def _do_nothing() -> None:
    """Stand for somebody who waits: the worker hurries while anybody does."""
