"""Import what is heavy from a background thread without holding up the threads of the host.

An import allocates much, which sets off full collections of everything the host has, and holds the interpreter's lock
for as long as a thread may: 5 ms a turn. Both are eased for as long as it lasts, and put back.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TURN_SECONDS = 0.0002


@contextmanager
def gently() -> Iterator[None]:
    """Ease the imports of a block: short turns at the interpreter's lock, and no look at what the host has allocated.

    What the host has set is put back, unless it sets something else meanwhile. Objects that lived before are old to
    the collector afterwards, as they would be after any collection.
    """
    turn_seconds = sys.getswitchinterval()
    shortened = turn_seconds > _TURN_SECONDS
    # A host that freezes its objects itself, before it forks, is let alone: taking ours back would take theirs.
    frozen = not gc.get_freeze_count()
    if frozen:
        gc.freeze()
    if shortened:
        sys.setswitchinterval(_TURN_SECONDS)
    short_seconds = sys.getswitchinterval()
    try:
        yield
    finally:
        if shortened and sys.getswitchinterval() == short_seconds:
            sys.setswitchinterval(turn_seconds)
        if frozen:
            gc.unfreeze()
