"""How a process lives and ends: forks and exits, for every tracker in it.

The hooks are installed when the first tracker is made, not at import. A child of `fork` gets fresh trackers; the end
of the process closes them within one time budget.
"""

import atexit
import os
import sys
import threading
import time
from typing import Protocol
from weakref import WeakSet

from parcours.event_id import renew_lock


class Living(Protocol):
    """What has to know of forks and of the end."""

    @property
    def exit_timeout_seconds(self) -> float:
        """How long the end may wait for it."""

    def after_fork_in_child(self) -> None:
        """Start afresh: only the forking thread exists, and a lock may be held by a thread that does not."""

    def begin_close(self) -> None:
        """Take nothing more in, and hurry; do not wait."""

    def close_at_exit(self, timeout_seconds: float) -> None:
        """Deliver what can be delivered in so many seconds, and report the rest as lost."""


# Weak: a running worker keeps its tracker alive, so that a forgotten one still delivers.
_living: WeakSet[Living] = WeakSet()
_hooks_lock = threading.Lock()
_hooked = False
_finalizer_pid = 0


def watch(living: Living) -> None:
    """Have `living` told of forks and of the end of the process."""
    global _hooked  # noqa: PLW0603 - hooks are of the whole process and cannot be taken back
    with _hooks_lock:
        _living.add(living)
        if not _hooked:
            atexit.register(_close_all)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_renew_in_child)
            _hooked = True


def end_with_multiprocessing() -> None:
    """Close at the end of a multiprocessing child too: it ends by `os._exit`, which skips atexit."""
    global _finalizer_pid  # noqa: PLW0603 - once a process
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is None or _finalizer_pid == os.getpid() or multiprocessing.parent_process() is None:
        return
    _finalizer_pid = os.getpid()
    from multiprocessing.util import Finalize

    Finalize(None, _close_all, exitpriority=100)


def _close_all() -> None:
    living = list(_living)
    deadline = time.monotonic() + max((each.exit_timeout_seconds for each in living), default=0.0)
    for each in living:
        each.begin_close()
    for each in living:
        each.close_at_exit(min(each.exit_timeout_seconds, max(0.0, deadline - time.monotonic())))


def _renew_in_child() -> None:
    global _hooks_lock  # noqa: PLW0603 - another thread of the parent may have held it
    _hooks_lock = threading.Lock()
    renew_lock()
    for living in list(_living):
        living.after_fork_in_child()
