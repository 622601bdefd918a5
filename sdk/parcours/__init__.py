"""Parcours' SDK: record every contact between a person and a brand, from any Python process.

    from parcours import Tracker
    from parcours.touchpoints import ProductViewed

Importing it has no effect and loads nothing: each name below is loaded when it is first used, and aiohttp when the
first tracker is made.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from parcours_schemas.version import __version__

if TYPE_CHECKING:
    from parcours.context_headers import context_from_headers, context_to_headers
    from parcours.contexts import Context, bound, context, current_context
    from parcours.drops import Dropped, DropReason
    from parcours.errors import InvalidOptions, InvalidTouchpoint, ParcoursError
    from parcours.options import Options
    from parcours.stats import Stats
    from parcours.tracker import AsyncTracker, Tracker
    from parcours_schemas.touchpoint import Touchpoint

__all__ = [
    "AsyncTracker",
    "Context",
    "DropReason",
    "Dropped",
    "InvalidOptions",
    "InvalidTouchpoint",
    "Options",
    "ParcoursError",
    "Stats",
    "Touchpoint",
    "Tracker",
    "__version__",
    "bound",
    "context",
    "context_from_headers",
    "context_to_headers",
    "current_context",
]

_HOMES = {
    "AsyncTracker": "parcours.tracker",
    "Context": "parcours.contexts",
    "DropReason": "parcours.drops",
    "Dropped": "parcours.drops",
    "InvalidOptions": "parcours.errors",
    "InvalidTouchpoint": "parcours.errors",
    "Options": "parcours.options",
    "ParcoursError": "parcours.errors",
    "Stats": "parcours.stats",
    "Touchpoint": "parcours_schemas.touchpoint",
    "Tracker": "parcours.tracker",
    "bound": "parcours.contexts",
    "context": "parcours.contexts",
    "context_from_headers": "parcours.context_headers",
    "context_to_headers": "parcours.context_headers",
    "current_context": "parcours.contexts",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'parcours' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
