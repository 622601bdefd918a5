"""The one version of the distribution: SDK, schemas and collector are released together."""

__version__ = "0.1.0"
