"""The one validation of a touchpoint, the same in the SDK at the call and in the collector at the door.

It takes what `orjson.loads` gives and answers `Accepted` or `Refusal`, values both. It changes nothing: hashing,
placeholders and clocks are steps of the collector. It knows neither HTTP nor where events go.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from parcours_schemas.envelope import (
    FUTURE_TOLERANCE,
    MAX_DEPTH,
    OLDEST_OCCURRED_AT,
    WIRE,
    WireTouchpoint,
)
from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers import HASHED_KINDS, is_placeholder, normalise
from parcours_schemas.identifiers.hashing import already_hashed
from parcours_schemas.known import KnownTouchpoint, known_catalogue
from parcours_schemas.plan import TrackingPlan
from parcours_schemas.refusal import Refusal, envelope_refusal, near_names, pointer
from parcours_schemas.reject import RejectCode, UnknownPolicy
from parcours_schemas.touchpoint import Declaration
from parcours_schemas.versions import model_of

__all__ = ["Accepted", "Refusal", "find_known", "unknown_name", "validate"]

_check_envelope = WIRE.validator.validate_python
_FIELDS = tuple(WireTouchpoint.__annotations__)
_NO_UUID = frozenset({"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"})
_CONTAINERS = (dict, list)
_FORMED_KINDS = frozenset({*HASHED_KINDS, *HASHED_KINDS.values()})


# A tuple, not a frozen dataclass: making one is a tenth of the time of a validation rather than a fifth.
class Accepted(NamedTuple):
    """A touchpoint that is taken, in one form.

    Attributes:
        id: UUID in lower case.
        name: of the touchpoint.
        schema_version: as sent, else the current one; empty for an unknown name sent without.
        channel: as sent, else the declared one; empty for an unknown name sent without.
        occurred_at: aware, UTC.
        ids: kind to values, as sent; e-mail addresses and phone numbers may be in clear.
        context: as sent.
        properties: as sent.
        consent: purpose to choice.
        declaration: of the touchpoint; None for an unknown name that was allowed.
        warning: what it would be refused for by a policy of `reject` where that is `warn`, or None.
    """

    id: str
    name: str
    schema_version: str
    channel: str
    occurred_at: datetime
    ids: dict[str, list[str]]
    context: dict[str, Any]
    properties: dict[str, Any]
    consent: dict[str, bool]
    declaration: Declaration | None
    warning: Refusal | None = None


def validate(
    event: object,
    *,
    plan: TrackingPlan | None,
    received_at: datetime,
    unknown_names: UnknownPolicy = "reject",
    unknown_properties: UnknownPolicy = "allow",
    region: str | None = None,
    oldest_at: datetime = OLDEST_OCCURRED_AT,
) -> Accepted | Refusal:
    """Say whether a touchpoint is taken, or the first thing that is wrong with it.

    Args:
        event: one touchpoint as parsed from JSON, at most `MAX_EVENT_BYTES` long as text: the caller sees to that.
        plan: the team's own touchpoints.
        received_at: now, aware: bounds the future.
        unknown_names: what becomes of a touchpoint that neither the catalogue nor the plan knows: `allow` takes it
            unchecked, for an SDK that does not have the plan; `warn` takes it with a warning.
        unknown_properties: what becomes of a property that the schema neither names nor refuses. `allow` by default:
            a sender may know an addition to the schema that we do not know yet.
        region: country of national phone numbers; see `identifiers.normalise`.
        oldest_at: aware: bounds the past.

    Returns:
        `Accepted`; or `Refusal` with the code, a JSON pointer and a detail that holds no value of the event.
    """
    if type(event) is not dict:
        return Refusal(RejectCode.NOT_AN_OBJECT, "", "a touchpoint must be a JSON object")
    try:
        wire = _check_envelope(event)
    except ValidationError as error:
        return envelope_refusal(error, _FIELDS)

    event_id = wire["id"].lower()
    if event_id in _NO_UUID:
        return Refusal(RejectCode.INVALID_ID, "/id", "id is a nil UUID: make a UUIDv7 once for each touchpoint")

    occurred_at = _occurred_at(wire["occurred_at"], received_at, oldest_at)
    if isinstance(occurred_at, Refusal):
        return occurred_at

    name = wire["name"]
    known = find_known(name, plan)
    version = wire.get("schema")
    properties = wire.get("properties", {})
    context = cast("dict[str, Any]", wire.get("context", {}))
    if too_deep(properties):
        return _deep("properties")
    if too_deep(context):
        return _deep("context")

    warning: Refusal | None = None
    if known is None:
        if unknown_names != "allow":
            warning = unknown_name(name, plan)
            if unknown_names == "reject":
                return warning
        declaration = None
        version = version or ""
        channel = wire.get("channel", "")
    else:
        declaration = known.declaration
        if version is None:
            version = declaration.version
        elif model_of(version) != known.model:
            return Refusal(
                RejectCode.UNSUPPORTED_VERSION,
                "/schema",
                f"{name} is known in model {known.model} ({declaration.version}): send that, or upgrade the "
                "collector or its tracking plan and replay",
            )
        violation = known.check(properties)
        if violation is not None:
            return Refusal(RejectCode.SCHEMA_VIOLATION, f"/properties{violation.path}", violation.detail)
        if unknown_properties != "allow":
            violation = known.find_unknown(properties)
            if violation is not None:
                warning = Refusal(RejectCode.UNKNOWN_PROPERTY, f"/properties{violation.path}", violation.detail)
                if unknown_properties == "reject":
                    return warning
        channel = wire.get("channel") or declaration.channel

    ids = _ids(wire.get("ids"), region)
    if isinstance(ids, Refusal):
        return ids
    return Accepted(
        event_id,
        name,
        version,
        channel,
        occurred_at,
        ids,
        context,
        properties,
        wire.get("consent", {}),
        declaration,
        warning,
    )


def find_known(name: str, plan: TrackingPlan | None) -> KnownTouchpoint | None:
    """The touchpoint of this name in the catalogue or the plan, or None."""
    known = known_catalogue().get(name)
    return plan.get(name) if known is None and plan is not None else known


def _occurred_at(text: str, received_at: datetime, oldest_at: datetime) -> datetime | Refusal:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            # RFC 3339 allows lower case and a blank; only a date that does not exist fails now.
            at = datetime.fromisoformat(text.upper())
        except ValueError:
            return Refusal(
                RejectCode.INVALID_TIME,
                "/occurred_at",
                "occurred_at names a day, an hour or an offset that does not exist",
            )
    if at < oldest_at:
        return Refusal(
            RejectCode.INVALID_TIME,
            "/occurred_at",
            f"occurred_at is before {oldest_at.date()}: check the clock of the sender and its unit of time",
        )
    if at > received_at + FUTURE_TOLERANCE:
        hours = FUTURE_TOLERANCE.total_seconds() / 3600
        return Refusal(
            RejectCode.INVALID_TIME,
            "/occurred_at",
            f"occurred_at is more than {hours:.0f} hours after its reception: check the clock of the sender",
        )
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _ids(given: dict[str, str | list[str] | None] | None, region: str | None) -> dict[str, list[str]] | Refusal:
    """Lists of values; null is an identifier that was not given."""
    ids: dict[str, list[str]] = {}
    if not given:
        return ids
    for kind, values in given.items():
        if type(values) is str:
            ids[kind] = [values]
        elif values:
            ids[kind] = list(values)
        else:
            continue
        if kind in _FORMED_KINDS:
            try:
                for value in ids[kind]:
                    if not is_placeholder(value) and not already_hashed(kind, value):
                        normalise(kind, value, region=region)
            except InvalidIdentifier as error:
                return Refusal(error.code, pointer("ids", kind), str(error))
    return ids


def too_deep(value: dict[str, Any] | list[Any], levels: int = MAX_DEPTH) -> bool:
    """Whether objects and lists stand inside one another in more levels than the wire takes, `value` counted."""
    inner: Any
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, _CONTAINERS) and (levels == 1 or too_deep(inner, levels - 1)):
            return True
    return False


def _deep(field: str) -> Refusal:
    return Refusal(RejectCode.TOO_DEEP, f"/{field}", f"{field} is nested deeper than {MAX_DEPTH} levels: flatten it")


def unknown_name(name: str, plan: TrackingPlan | None) -> Refusal:
    """Say that neither the catalogue nor the plan knows a name, and which may have been meant."""
    names = [*known_catalogue(), *(plan.names if plan else ())]
    hint = near_names(name, names) or ": see `parcours schemas list`, or add it to the tracking plan"
    return Refusal(
        RejectCode.UNKNOWN_TOUCHPOINT, "/name", f"{name} is no touchpoint of the catalogue or the plan{hint}"
    )
