"""What tests of an app need: touchpoints recorded instead of sent, assertions on them, a collector that fails.

`RecordingTransport` and `Touchpoints` work in any test framework; the pytest fixture `touchpoints` is made of them.
`FaultyCollector` is real HTTP. Nothing here is loaded before its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcours.testing.assertions import Touchpoints
    from parcours.testing.collector import Fault, FaultyCollector
    from parcours.testing.recorded import RecordedTouchpoint
    from parcours.testing.recording import RecordingTransport

__all__ = ["Fault", "FaultyCollector", "RecordedTouchpoint", "RecordingTransport", "Touchpoints"]

_HOMES = {
    "Fault": "collector",
    "FaultyCollector": "collector",
    "RecordedTouchpoint": "recorded",
    "RecordingTransport": "recording",
    "Touchpoints": "assertions",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'parcours.testing' has no attribute {name!r}")
    value: object = getattr(import_module(f"parcours.testing.{home}"), name)
    globals()[name] = value
    return value
