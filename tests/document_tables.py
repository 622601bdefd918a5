"""The tables of the documents that are made from code, by name; `tests/documents.py` puts them into the pages."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from parcours_collector.errors import RequestError
from parcours_collector.measures.catalogue import MEASURES
from parcours_collector.settings import Settings, known_keys
from parcours_schemas import envelope
from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.reject import REMEDIES, RejectCode


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def catalogue() -> str:
    """Every touchpoint of the catalogue with what it declares."""
    declared = (model.__touchpoint__ for model in CATALOGUE.values())
    return _table(
        ("touchpoint", "channel", "stage", "need", "valence", "conversion"),
        (
            (f"`{one.name}`", one.channel, one.stage, one.need, one.valence, "yes" if one.conversion else "")
            for one in declared
        ),
    )


def settings() -> str:
    """Every setting with its default and its meaning."""
    return _table(
        ("setting", "default", "meaning"), ((f"`{key}`", _default_of(key), _meaning_of(key)) for key in known_keys())
    )


def refusals() -> str:
    """Every code of a refusal with what to do about it."""
    return _table(("code", "what the sender should do"), ((f"`{code}`", f"{REMEDIES[code]}") for code in RejectCode))


def request_errors() -> str:
    """Every error of a request as a whole."""
    return _table(
        ("status", "`error`", "when", "what to do", "`Retry-After`"),
        (
            (
                str(error.http_status),
                f"`{error.tag}`",
                (error.__doc__ or "").split(": ")[0].strip(),
                error.remedy.replace("|", r"\|"),
                f"{error.retry_after_seconds} s" if error.retry_after_seconds else "",
            )
            for error in _below(RequestError)
        ),
    )


def limits() -> str:
    """The limits of one request and one touchpoint."""
    defaults = Settings.model_fields["http"].default
    return _table(
        ("limit", "value", "beyond it"),
        (
            ("body as sent", _bytes(defaults.max_body_bytes), "413"),
            ("body decompressed", _bytes(defaults.max_inflated_bytes), "413"),
            ("touchpoints a request", f"{defaults.max_batch_events:,}", "413"),
            ("time for a body to arrive", f"{defaults.body_timeout_seconds:g} s", "400"),
            ("one touchpoint as JSON", _bytes(envelope.MAX_EVENT_BYTES), "`too_large`"),
            ("levels of `properties` and `context`", str(envelope.MAX_DEPTH), "`too_deep`"),
            ("characters of a name, channel, kind or purpose", str(envelope.MAX_NAME_CHARS), "refused"),
            ("kinds in `ids`", str(envelope.MAX_ID_KINDS), "refused"),
            ("values of one kind", str(envelope.MAX_IDS_PER_KIND), "refused"),
            ("characters of an identifier", str(envelope.MAX_ID_VALUE_CHARS), "refused"),
            ("purposes in `consent`", str(envelope.MAX_CONSENT_PURPOSES), "refused"),
            ("earliest `occurred_at`", f"{envelope.OLDEST_OCCURRED_AT:%Y-%m-%d}", "`invalid_time`"),
            (
                "`occurred_at` after reception",
                f"{envelope.FUTURE_TOLERANCE.total_seconds() / 3600:g} hours",
                "`invalid_time`",
            ),
        ),
    )


def metrics() -> str:
    """Every metric with its type, its labels and its meaning."""
    return _table(
        ("metric", "type", "labels", "meaning", "of several workers"),
        (
            (
                f"`{one.name}`",
                one.kind,
                ", ".join(f"`{label}`" for label in one.labels),
                one.meaning,
                {"sum": "sum", "max": "largest", "min": "least"}[one.joined],
            )
            for one in MEASURES.values()
        ),
    )


TABLES: Mapping[str, Callable[[], str]] = {
    "catalogue": catalogue,
    "settings": settings,
    "refusals": refusals,
    "limits": limits,
    "request-errors": request_errors,
    "metrics": metrics,
}


def _below(root: type[RequestError]) -> Iterator[type[RequestError]]:
    for error in root.__subclasses__():
        yield error
        yield from _below(error)


def _default_of(key: str) -> str:
    group, _, inner = key.partition(".")
    field = Settings.model_fields[group]
    value = getattr(field.default, inner) if inner else field.default
    if value is None:
        return "none"
    if inner.endswith("_bytes"):
        return _bytes(value)
    return f"{value:,}" if isinstance(value, int) and inner.endswith(("_events", "_rows")) else f"`{value}`"


def _meaning_of(key: str) -> str:
    group, _, inner = key.partition(".")
    owner = type(Settings.model_fields[group].default) if inner else Settings
    return owner.model_fields[inner or group].description or ""


def _bytes(value: int) -> str:
    return f"{value // 1024**2} MiB" if value % 1024**2 == 0 else f"{value // 1024} KiB"
