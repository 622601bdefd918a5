"""The catalogue: touchpoints that most brands have, over six stages and all channels, by place.

`CATALOGUE` holds them by name. A touchpoint belongs to the catalogue when its module is named here; a team's own
touchpoints belong into its tracking plan.
"""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from parcours_schemas.catalogue import account, browsing, checkout, site
from parcours_schemas.touchpoint import Touchpoint

_PLACES: tuple[ModuleType, ...] = (site, account, browsing, checkout)


def _collect() -> dict[str, type[Touchpoint]]:
    found = {
        thing.__touchpoint__.name: thing
        for place in _PLACES
        for thing in vars(place).values()
        if isinstance(thing, type) and issubclass(thing, Touchpoint) and "__touchpoint__" in vars(thing)
    }
    return dict(sorted(found.items()))


CATALOGUE: Mapping[str, type[Touchpoint]] = MappingProxyType(_collect())
"""Every touchpoint of the catalogue by its name, in alphabetical order."""
