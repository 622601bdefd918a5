"""The catalogue's touchpoints, one class each, and what a team needs to declare its own.

`from parcours.touchpoints import OrderCompleted, ProductViewed`
"""

from parcours_schemas import catalogue
from parcours_schemas.catalogue import *  # noqa: F403 - all of its names, which its __all__ lists
from parcours_schemas.catalogue.products import Product
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence

__all__ = ["Channel", "Need", "Product", "Stage", "Touchpoint", "Valence"]
__all__ += catalogue.__all__
