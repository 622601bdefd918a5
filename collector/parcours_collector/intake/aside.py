"""Work that is too long for the event loop, done in one thread of its own while other requests go on.

One, since each thread's allocator keeps what it was once given: several that take turns at large events would hold on
to tens of megabytes each.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_thread = ThreadPoolExecutor(1, thread_name_prefix="aside")


async def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `work` returns, done after whatever was put aside before it."""
    return await asyncio.get_running_loop().run_in_executor(_thread, partial(work, *args, **kwargs))
