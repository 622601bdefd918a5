"""The settings of a tracker: every default is visible here and only here."""

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, get_args
from urllib.parse import urlsplit

from parcours.drops import OnDrop
from parcours.errors import InvalidOptions
from parcours_schemas.reject import UnknownPolicy

if TYPE_CHECKING:
    from parcours.consent import RequiredConsent
    from parcours.privacy import BeforeSend
    from parcours.redaction import RedactAction

_PATH = "/v1/touchpoints"
SpoolSynchronous: TypeAlias = Literal["normal", "full"]
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "strict": ((bool,), "True or False"),
    "plan": ((str, os.PathLike), "the path of a folder"),
    "identifier_key": ((bytes,), "bytes or hexadecimal digits"),
    "phone_region": ((str,), "two letters, such as FR"),
    "redact": ((Mapping,), "a mapping, such as {'card': 'drop'}"),
    "required_consent": ((str, Mapping), "a purpose, or a mapping of names to purposes"),
    "spool": ((str, os.PathLike), "the path of a folder"),
}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class TrackerOptions(TypedDict, total=False):
    """The keyword options of `Tracker` and `AsyncTracker`; `Options` says what each means and its default."""

    strict: bool
    on_drop: OnDrop | None
    plan: str | Path | None
    unknown_names: UnknownPolicy | None
    unknown_properties: UnknownPolicy
    identifier_key: str | bytes | None
    phone_region: str | None
    redact: "Mapping[str, RedactAction] | None"
    before_send: "BeforeSend | None"
    required_consent: "RequiredConsent | None"
    queue_max_count: int
    queue_max_bytes: int
    batch_max_count: int
    batch_max_bytes: int
    linger_seconds: float
    request_timeout_seconds: float
    backoff_base_seconds: float
    backoff_max_seconds: float
    exit_timeout_seconds: float
    spool: str | Path | None
    spool_max_age_seconds: float
    spool_max_bytes: int
    spool_synchronous: SpoolSynchronous


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a tracker was told, checked.

    Attributes:
        url: Where touchpoints are posted: the endpoint and `/v1/touchpoints`. None when disabled without one.
        write_key: The key of the source. None when disabled without one.
        disabled: Check every touchpoint, report and count the invalid, let go and not count the others. From
            PARCOURS_DISABLED.
        strict: Raise `InvalidTouchpoint` at the call, for development and tests.
        on_drop: Called once a loss with a `Dropped` and a `DropReason`, in the caller's thread or the worker's.
        plan: Folder of JSON Schema files: the team's own touchpoints, checked at the call. Needs the `plans` extra.
        unknown_names: What becomes, at the call, of a touchpoint that neither the catalogue nor the plan knows: `allow`
            sends it, `warn` sends it and logs a warning, `reject` drops it as `invalid`. None is `reject` with a plan
            and `allow` without one: then only the collector knows.
        unknown_properties: The same for a property that the schema neither names nor refuses.
        identifier_key: The project's key, bytes or as hexadecimal digits, which is how the collector's registry.json
            holds it: with it e-mails and phones are hashed here, before anything is queued; without it by the
            collector, before anything is written. PARCOURS_IDENTIFIER_KEY when None.
        phone_region: ISO 3166 country whose national phone numbers are understood, such as `FR`, with the `phone`
            extra. Without it phones are given in E.164.
        redact: What to do with properties, context keys and identifiers by name, such as `{"email": "hash", "card":
            "drop", "context.note": "mask"}`, before anything is queued; see `redaction`. `hash` needs identifier_key.
        before_send: Called in the caller's thread with a copy of each touchpoint as it goes on the wire, redacted;
            what it returns is checked again and sent instead. None drops it; so does an exception.
        required_consent: The purpose a person must have agreed to, such as `analytics`, for a touchpoint to be emitted
            at all; by name or channel when a mapping: see `consent`.
        queue_max_count: Most touchpoints pending; beyond it the newest is dropped as `full`.
        queue_max_bytes: Most bytes pending, as on the wire before compression.
        batch_max_count: Most touchpoints in a request, 1 to 1,000.
        batch_max_bytes: Most bytes in a request before compression, up to 1 MiB; one touchpoint may be larger, alone.
        linger_seconds: How long a first touchpoint waits for company.
        request_timeout_seconds: How long one request may take in all.
        backoff_base_seconds: Upper bound of the first wait after a failure; it doubles, with full jitter.
        backoff_max_seconds: Upper bound of any wait between two attempts, and the wait after a refusal such as 401.
        exit_timeout_seconds: How long the end of the process may wait for delivery, all trackers together.
        spool: Folder on a local disk where touchpoints wait until they are delivered, so that the end of the process,
            whatever it is, loses none. PARCOURS_SPOOL when None; without either they wait in memory.
        spool_max_age_seconds: How long a touchpoint may wait in the spool; then it is dropped as `expired`.
        spool_max_bytes: Most bytes that wait in the spool of this process; beyond it the newest is dropped as `full`.
        spool_synchronous: `normal`: a power cut may lose the last seconds, nothing else can. `full`: it cannot, and
            each emission waits for the disk.
    """

    url: str | None
    write_key: str | None = field(repr=False)
    disabled: bool = False
    strict: bool = False
    on_drop: OnDrop | None = None
    plan: str | Path | None = None
    unknown_names: UnknownPolicy | None = None
    unknown_properties: UnknownPolicy = "allow"
    identifier_key: bytes | None = field(default=None, repr=False)
    phone_region: str | None = None
    redact: "Mapping[str, RedactAction] | None" = None
    before_send: "BeforeSend | None" = None
    required_consent: "RequiredConsent | None" = None
    queue_max_count: int = 10_000
    queue_max_bytes: int = 16 * 1024 * 1024
    batch_max_count: int = 500
    batch_max_bytes: int = 512 * 1024
    linger_seconds: float = 0.5
    request_timeout_seconds: float = 15.0
    backoff_base_seconds: float = 0.5
    backoff_max_seconds: float = 60.0
    exit_timeout_seconds: float = 5.0
    spool: str | Path | None = None
    spool_max_age_seconds: float = 30 * 86_400.0
    spool_max_bytes: int = 256 * 1024 * 1024
    spool_synchronous: SpoolSynchronous = "normal"

    def __post_init__(self) -> None:
        for name, (kinds, words) in _KINDS.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kinds):
                raise InvalidOptions(f"{name} cannot be a {type(value).__name__}.", remedy=f"Give {words}.")
        if self.on_drop is not None and not is_plain_function(self.on_drop):
            raise InvalidOptions("on_drop is not a plain function.", remedy="Give one that records, and returns.")
        for name, low, high in (
            ("queue_max_count", 1, None),
            ("queue_max_bytes", 1024, None),
            ("batch_max_count", 1, 1000),
            ("batch_max_bytes", 1024, 1024 * 1024),
            ("linger_seconds", 0, 60),
            ("request_timeout_seconds", 0.01, 600),
            ("backoff_base_seconds", 0.001, 60),
            ("backoff_max_seconds", 0.001, 3600),
            ("exit_timeout_seconds", 0, 600),
            ("spool_max_age_seconds", 1, None),
            ("spool_max_bytes", 64 * 1024, None),
        ):
            value = getattr(self, name)
            whole = not name.endswith("_seconds")
            is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            # A NaN is neither less nor more than anything.
            if not is_number or not value >= low or (high is not None and value > high):
                bounds = f"at least {low}" if high is None else f"from {low} to {high}"
                shown = value if isinstance(value, int | float) else type(value).__name__
                kind = "whole number" if whole else "number"
                raise InvalidOptions(f"{name} cannot be {shown}.", remedy=f"Give a {kind} {bounds}.")
        if self.spool_synchronous not in get_args(SpoolSynchronous):
            raise InvalidOptions("spool_synchronous is neither normal nor full.", remedy="Give one of the two.")
        if not {self.unknown_names or "allow", self.unknown_properties} <= set(get_args(UnknownPolicy)):
            raise InvalidOptions(
                "unknown_names or unknown_properties is no policy.", remedy="Give allow, warn or reject."
            )

    @classmethod
    def resolve(
        cls, endpoint: str | None, write_key: str | None, given: TrackerOptions, environ: Mapping[str, str] = os.environ
    ) -> "Options":
        """Return the options made of arguments and, where those are None, of the environment.

        Raises:
            InvalidOptions: An endpoint or a write key is missing or malformed, or an option is out of bounds.
        """
        disabled = _flag("PARCOURS_DISABLED", environ)
        endpoint = endpoint or environ.get("PARCOURS_ENDPOINT") or None
        write_key = write_key or environ.get("PARCOURS_WRITE_KEY") or None
        rest: dict[str, Any] = {**given}
        identifier_key = rest.pop("identifier_key", None) or environ.get("PARCOURS_IDENTIFIER_KEY")
        rest["spool"] = rest.get("spool") or environ.get("PARCOURS_SPOOL") or None
        url = None if disabled and endpoint is None else _url_of(endpoint)
        if not (disabled and write_key is None):
            _check_write_key(write_key)
        return cls(
            url=url, write_key=write_key, disabled=disabled, identifier_key=_key_of(identifier_key or None), **rest
        )


def is_plain_function(function: object) -> bool:
    """Whether a hook of the host's can be called and is done when it returns: a coroutine would never run."""
    call = function.__call__ if callable(function) else None
    return callable(function) and not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call))


def _flag(name: str, environ: Mapping[str, str]) -> bool:
    value = environ.get(name, "").strip().lower()
    if value not in _TRUE | _FALSE:
        raise InvalidOptions(f"{name} is neither on nor off.", remedy="Set it to 1 or 0.")
    return value in _TRUE


def _url_of(endpoint: str | None) -> str:
    if not isinstance(endpoint, str):
        raise InvalidOptions(
            "The collector's address is missing.",
            remedy="Give endpoint=… or set PARCOURS_ENDPOINT, such as https://collector.example.com; "
            "PARCOURS_DISABLED=1 makes a tracker that sends nothing.",
        )
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise InvalidOptions(
            "The collector's address cannot be used.",
            remedy="Give http:// or https://, a host and perhaps a port and a path, nothing else; "
            "the write key goes into write_key=… or PARCOURS_WRITE_KEY.",
        )
    base = endpoint.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH


def _key_of(identifier_key: str | bytes | None) -> bytes | None:
    if not isinstance(identifier_key, str):
        return identifier_key
    try:
        return bytes.fromhex(identifier_key) or None
    except ValueError:
        # Taken as it stands it would hash to other values than the collector's, and nobody would notice.
        raise InvalidOptions(
            "The identifier key is not hexadecimal.",
            remedy="Copy the project's key from `identifier_keys` in the collector's registry.json, or give bytes.",
        ) from None


def _check_write_key(write_key: str | None) -> None:
    if not isinstance(write_key, str):
        raise InvalidOptions("The write key is missing.", remedy="Give write_key=… or set PARCOURS_WRITE_KEY.")
    if not (write_key.isascii() and write_key.isprintable()) or " " in write_key:
        raise InvalidOptions("The write key has a space or a character outside ASCII.", remedy="Copy it again, whole.")
