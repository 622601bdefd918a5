"""The envelope: the fields that every touchpoint has on the wire, and the limits of the wire.

`WIRE` checks shapes and bounds of the envelope only; `validation.validate` goes on from there to the times, the
identifiers and the properties. Unknown fields are refused: a misspelt field would otherwise be lost in silence.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, with_config
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

MAX_EVENT_BYTES = 64 * 1024
"""One touchpoint as JSON. A hundred times a usual one; a WAL record and a ClickHouse row stay small."""
MAX_BATCH_EVENTS = 10_000
"""Touchpoints in one request: enough for an upload, and at most about a second of work for one core."""
MAX_BODY_BYTES = 4 * 1024 * 1024
"""A request body as it comes, compressed or not: it is held in memory."""
MAX_INFLATED_BYTES = 16 * 1024 * 1024
"""A request body after decompression: 10,000 usual touchpoints and more, and no decompression bomb."""
MAX_NAME_CHARS = 64
"""Names of touchpoints, channels, kinds of identifier and purposes of consent."""
MAX_ID_VALUE_CHARS = 512
"""A value in `ids`: no identifier in use is longer, and longer ones make bad dictionary keys."""
MAX_ID_KINDS = 16
"""Kinds of identifier on one touchpoint."""
MAX_IDS_PER_KIND = 16
"""Values of one kind on one touchpoint. Each pair is evidence that joins people: a list of many is a mistake."""
MAX_CONSENT_PURPOSES = 32
"""Purposes in `consent`."""
MAX_DEPTH = 16
"""Objects and lists inside one another in `properties` and `context`, themselves counted."""
OLDEST_OCCURRED_AT = datetime(1990, 1, 1, tzinfo=UTC)
"""Imports reach back decades; a clock that was never set says 1970 or 1980."""
FUTURE_TOLERANCE = timedelta(hours=24)
"""How far `occurred_at` may be after reception: a clock in the wrong time zone, and no more."""

SNAKE_CASE_PATTERN = r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$"
UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
)

Name = Annotated[str, Field(pattern=SNAKE_CASE_PATTERN, max_length=MAX_NAME_CHARS, strict=True)]
Text = Annotated[str, Field(strict=True)]
IdentifierValue = Annotated[str, Field(max_length=MAX_ID_VALUE_CHARS, strict=True)]
IdentifierValues = IdentifierValue | Annotated[list[IdentifierValue], Field(max_length=MAX_IDS_PER_KIND)] | None
Identifiers = Annotated[dict[Name, IdentifierValues], Field(max_length=MAX_ID_KINDS)]
Purposes = Annotated[dict[Name, Annotated[bool, Field(strict=True)]], Field(max_length=MAX_CONSENT_PURPOSES)]


class _AnyObject:
    """Annotation: an object that is passed on as it is, not copied."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(dict)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "object"}


OpenObject = Annotated[dict[str, Any], _AnyObject()]

_OPEN = ConfigDict(extra="allow")


@with_config(_OPEN)
class Campaign(TypedDict, total=False):
    """Where a visit came from: the utm_ parameters without their prefix."""

    source: Text | None
    medium: Text | None
    name: Text | None
    term: Text | None
    content: Text | None


@with_config(_OPEN)
class Device(TypedDict, total=False):
    """What was in the person's hand."""

    type: Text | None
    manufacturer: Text | None
    model: Text | None
    os: Text | None
    os_version: Text | None


@with_config(_OPEN)
class App(TypedDict, total=False):
    """The app that emits."""

    name: Text | None
    version: Text | None
    build: Text | None


@with_config(_OPEN)
class Context(TypedDict, total=False):
    """Circumstances of a touchpoint. Open: known keys are typed, others are kept as they are."""

    url: Text | None
    referrer: Text | None
    page_title: Text | None
    user_agent: Text | None
    locale: Text | None
    timezone: Text | None
    campaign: Campaign | None
    store_id: Text | None
    device: Device | None
    app: App | None


@with_config(ConfigDict(extra="forbid", title="Touchpoint on the wire"))
class WireTouchpoint(TypedDict, total=False):
    """One touchpoint as it is sent."""

    id: Required[Annotated[str, Field(pattern=UUID_PATTERN, strict=True, json_schema_extra={"format": "uuid"})]]
    name: Required[Name]
    schema: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}(?:-(?:0|[1-9][0-9]{0,3})){2}$", strict=True)]
    occurred_at: Required[
        Annotated[str, Field(pattern=TIME_PATTERN, strict=True, json_schema_extra={"format": "date-time"})]
    ]
    channel: Name
    ids: Identifiers
    context: Context
    properties: OpenObject
    consent: Purposes


WIRE: TypeAdapter[WireTouchpoint] = TypeAdapter(WireTouchpoint)
"""The compiled check of the envelope."""
