"""Which web pages may talk to the collector: those of the origins that a browser's key was given, and no others.

A preflight carries no key, so that any registered origin passes it; the request itself is held to the key that it
carries. Credentials are never allowed, and a secret key is refused from a page: it is not secret any more.
"""

from collections.abc import Iterable, Mapping

from parcours_collector.errors import Forbidden
from parcours_collector.intake.source import Source, SourceKind

_PREFLIGHT_SECONDS = 600


def check_origin(source: Source, origin: str | None) -> None:
    """Hold a request to the origins of its key.

    Raises:
        Forbidden: A browser's key from elsewhere, or a secret key from a page.
    """
    if source.kind is SourceKind.BROWSER:
        if origin is None or not source.admits_origin(origin):
            raise Forbidden(
                f"The key of '{source.name}' is not for this origin.",
                remedy="Add it: `parcours keys create --kind browser --origin https://…`.",
            )
    elif origin is not None:
        raise Forbidden(
            f"The key of '{source.name}' is secret and came from a web page.",
            remedy="Rotate it (`parcours keys rotate`), and make one with --kind browser for the page.",
        )


def cors_headers(sources: Iterable[Source], origin: str | None) -> Mapping[str, str]:
    """Return what lets a page of a registered origin read the answer; nothing for any other."""
    if origin is None or not any(
        source.kind is SourceKind.BROWSER and source.admits_origin(origin) for source in sources
    ):
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def preflight_headers(sources: Iterable[Source], origin: str | None) -> Mapping[str, str]:
    """Return the answer to a preflight of a registered origin; nothing that allows anything for any other."""
    headers = cors_headers(sources, origin)
    if "Access-Control-Allow-Origin" not in headers:
        return headers
    return {
        **headers,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
    }
