"""What the process's allocator keeps of the memory that large bodies have taken: little, and not once a thread."""

import ctypes
import sys
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Numbers of `malloc.h` of glibc."""
_RETURNED_FROM_BYTES: Final = 1 << 20
_ARENAS: Final = 2


def give_memory_back() -> None:
    """Let glibc return what is large when it is freed, and keep two heaps at most; elsewhere this does nothing.

    Left to itself it raises the size from which it does so to that of the largest body ever freed, and gives each
    thread a heap of its own: a few hostile bodies would stay resident for the process's life.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_MMAP_THRESHOLD, _RETURNED_FROM_BYTES)
        mallopt(_TRIM_THRESHOLD, _RETURNED_FROM_BYTES)
