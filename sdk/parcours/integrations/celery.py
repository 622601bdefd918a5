"""Celery: `install(tracker)` once, where the app is made: tasks know who they work for, and workers end without a loss.

The context of whoever sends a task goes with it as one header, and is said of everything that the task emits, its
retries and the tasks it sends included. It knows nothing of the web.
"""

import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from celery import signals

from parcours.context_headers import HEADER, context_from_headers, context_to_headers
from parcours.contexts import ContextScope, context
from parcours.drops import QuietLog
from parcours.tracker import Tracker

if TYPE_CHECKING:
    from celery import Task

_CLOSE_SECONDS = 5.0


class _TaskContexts:
    """Takes the context to tasks, and says it while they run. Every failure is logged and hurts no task."""

    def __init__(self) -> None:
        self._entered: dict[tuple[str, int], ContextScope] = {}
        self._log = QuietLog()

    def send(self, headers: MutableMapping[str, object] | None = None, **_signal: object) -> None:
        """Add the current context to a task that is about to be sent; a retry keeps what it was sent with."""
        try:
            if headers is not None and HEADER not in headers:
                headers.update(context_to_headers())
        except Exception as error:  # noqa: BLE001 - a task must go out whatever is wrong with its context
            self._failed(error)

    def begin(self, task_id: str, task: "Task", **_signal: object) -> None:
        """Say what the sender said, and nothing that the worker said before."""
        try:
            # Called in place, a task has its caller's context already.
            if task.request.is_eager:
                return
            scope = context(context_from_headers(task.request.headers or {}))
            # Celery has no hook around a task; `end` is always called.
            scope.__enter__()
            self._entered[task_id, threading.get_ident()] = scope
        except Exception as error:  # noqa: BLE001 - as in send
            self._failed(error)

    def end(self, task_id: str, **_signal: object) -> None:
        """Say no more what was said for a task."""
        scope = self._entered.pop((task_id, threading.get_ident()), None)
        if scope is not None:
            scope.__exit__(None, None, None)

    def _failed(self, error: Exception) -> None:
        self._log.warn("celery", f"{type(error).__name__} while a task's context was taken along; the task went on.")


def install(tracker: Tracker, *, close_timeout_seconds: float = _CLOSE_SECONDS) -> None:
    """Take contexts to tasks, and deliver what a worker emitted before it ends; once a process, before it forks.

    Args:
        tracker: The one that tasks emit by. Made before the worker forks, each process has a fresh one.
        close_timeout_seconds: How long the end of a worker process may wait for delivery.
    """
    contexts = _TaskContexts()

    def close(**_signal: object) -> None:
        # Processes of a pool end by os._exit, which skips what Python does at exit.
        tracker.close(close_timeout_seconds)

    def flush(**_signal: object) -> None:
        tracker.flush(close_timeout_seconds)

    signals.before_task_publish.connect(contexts.send, weak=False)
    signals.task_prerun.connect(contexts.begin, weak=False)
    signals.task_postrun.connect(contexts.end, weak=False)
    signals.worker_process_shutdown.connect(close, weak=False)
    signals.worker_shutdown.connect(flush, weak=False)
