"""The collector of Parcours: accepts touchpoints, keeps and delivers them, and answers questions about them."""

from parcours_schemas.version import __version__

__all__ = ["__version__"]
