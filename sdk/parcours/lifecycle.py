"""How a process lives and ends: forks and exits, for every tracker in it.

The hooks are installed when the first tracker is made, not at import. A child of `fork` gets fresh trackers; the end
of the process closes them within one time budget.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet

from parcours.drops import speak_anew
from parcours.event_id import renew_in_child


class Living(Protocol):
    """What has to know of forks and of the end."""

    @property
    def exit_timeout_seconds(self) -> float:
        """How long the end may wait for it."""

    def after_fork_in_child(self) -> None:
        """Start afresh: only the forking thread exists, and a lock may be held by a thread that does not."""

    def begin_close(self) -> None:
        """Take nothing more in, and hurry; do not wait."""

    def refuse_at_exit(self) -> None:
        """Take nothing more in that would be lost without a word: nobody will deliver it."""

    def close_at_exit(self, timeout_seconds: float) -> None:
        """Deliver what can be delivered in so many seconds, and report the rest as lost."""


_FORK_WAIT_SECONDS = 10.0
_living: WeakSet[Living] = WeakSet()
_at_work: set[Living] = set()
# Reentrant: a signal handler may make, close or fork while this very thread is inside.
_hooks_lock = threading.RLock()
_fork_lock = threading.RLock()
_brief_lock = threading.RLock()
_held_for_fork: tuple[threading.RLock, ...] = ()
_hooked = False
_finalizer_pid = 0


def watch(living: Living) -> None:
    """Have `living` told of forks."""
    global _hooked  # noqa: PLW0603 - hooks are of the whole process and cannot be taken back
    with _hooks_lock:
        _living.add(living)
        if not _hooked:
            atexit.register(_close_all)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(before=_await_turn, after_in_parent=_go_on, after_in_child=_renew_in_child)
            _hooked = True


def keep(living: Living) -> None:
    """Keep `living` until `release`, even when its owner forgets it, and have it told of the end of the process."""
    global _finalizer_pid  # noqa: PLW0603 - once a process
    _at_work.add(living)
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is None or _finalizer_pid == os.getpid() or multiprocessing.parent_process() is None:
        return
    # A child of multiprocessing ends by os._exit, which skips atexit.
    _finalizer_pid = os.getpid()
    from multiprocessing.util import Finalize

    Finalize(None, _close_all, exitpriority=100)


def every_living() -> tuple[Living, ...]:
    """Return what is watched and still there, at work or not."""
    with _hooks_lock:
        return tuple(_living)


def release(living: Living) -> None:
    """Forget `living`: it is closed."""
    _at_work.discard(living)


@contextmanager
def holding_off_forks(*, briefly: bool = False) -> Iterator[None]:
    """Hold off forks while this thread imports or uses SQLite: a child would inherit what stays half done for ever.

    `briefly` is for whoever may not wait for another's import: it waits for what is brief, too, and for nothing else.
    """
    lock = _brief_lock if briefly else _fork_lock
    with lock:
        yield


def _close_all() -> None:
    living = list(_at_work)
    for each in every_living():
        if each not in _at_work:
            each.refuse_at_exit()
    deadline = time.monotonic() + max((each.exit_timeout_seconds for each in living), default=0.0)
    for each in living:
        each.begin_close()
    for each in living:
        each.close_at_exit(min(each.exit_timeout_seconds, max(0.0, deadline - time.monotonic())))


def _await_turn() -> None:
    # Bounded: whoever forks inside such work of their own may hold what ours waits for.
    global _held_for_fork  # noqa: PLW0603 - read by the hooks after the same fork
    _held_for_fork = tuple(lock for lock in (_fork_lock, _brief_lock) if lock.acquire(timeout=_FORK_WAIT_SECONDS))


def _go_on() -> None:
    for lock in _held_for_fork:
        lock.release()


def _renew_in_child() -> None:
    global _hooks_lock, _fork_lock, _brief_lock  # noqa: PLW0603 - a thread of the parent may have held them
    _hooks_lock = threading.RLock()
    _fork_lock = threading.RLock()
    _brief_lock = threading.RLock()
    _at_work.clear()
    speak_anew()
    renew_in_child()
    for living in list(_living):
        living.after_fork_in_child()
