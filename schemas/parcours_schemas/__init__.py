"""What a touchpoint is: envelope, identifiers, catalogue, versions, a team's own plan, and the one validation.

The collector and the SDK stand on it. No I/O, no settings, no clock. Names are imported at their first use, so
that `import parcours_schemas` alone costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from parcours_schemas.version import __version__

if TYPE_CHECKING:
    from parcours_schemas.catalogue import CATALOGUE
    from parcours_schemas.identifiers import hash_identifier, is_placeholder, normalise
    from parcours_schemas.reject import RejectCode
    from parcours_schemas.touchpoint import Channel, Declaration, Need, Stage, Touchpoint, Valence

_HOMES = {
    "CATALOGUE": "catalogue",
    "Channel": "touchpoint",
    "Declaration": "touchpoint",
    "Need": "touchpoint",
    "RejectCode": "reject",
    "Stage": "touchpoint",
    "Touchpoint": "touchpoint",
    "Valence": "touchpoint",
    "hash_identifier": "identifiers",
    "is_placeholder": "identifiers",
    "normalise": "identifiers",
}

__all__ = [
    "CATALOGUE",
    "Channel",
    "Declaration",
    "Need",
    "RejectCode",
    "Stage",
    "Touchpoint",
    "Valence",
    "__version__",
    "hash_identifier",
    "is_placeholder",
    "normalise",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
