"""Why a touchpoint can be refused: a closed vocabulary, the same on the wire, in dead letters and in metrics.

A code never changes its meaning. `REMEDIES` says for each code what the sender should do; the detail that comes
with a refusal says it for the case at hand.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias

UnknownPolicy: TypeAlias = Literal["allow", "warn", "reject"]
"""What becomes of a touchpoint with something that no schema knows: taken; taken, counted and said; refused."""


class RejectCode(StrEnum):
    """The reasons of a refusal. One touchpoint has one code: that of the first thing found wrong."""

    INVALID_JSON = "invalid_json"
    """A line that is not JSON, or not UTF-8."""
    NOT_AN_OBJECT = "not_an_object"
    """A touchpoint that is not a JSON object."""
    INVALID_ENVELOPE = "invalid_envelope"
    """A field of the envelope that is missing, unknown or of the wrong type."""
    INVALID_ID = "invalid_id"
    """An `id` that is not a UUID, or is the nil UUID."""
    INVALID_NAME = "invalid_name"
    """A `name` that is not snake_case."""
    INVALID_TIME = "invalid_time"
    """An `occurred_at` without an offset, unreadable, or outside the accepted span."""
    INVALID_IDENTIFIER = "invalid_identifier"
    """A kind or value in `ids` that cannot be used as an identifier."""
    UNKNOWN_TOUCHPOINT = "unknown_touchpoint"
    """A `name` that neither the catalogue nor the tracking plan holds."""
    UNSUPPORTED_VERSION = "unsupported_version"
    """A `schema` that is malformed, or of another model than the collector knows."""
    NOT_ALLOWED = "not_allowed"
    """A `name` that the sender's write key is not good for."""
    CONSENT_WITHHELD = "consent_withheld"
    """A touchpoint that its person has not agreed to, where such are dropped: nothing of it is kept."""
    SUPPRESSED = "suppressed"
    """A touchpoint of somebody who has asked to be forgotten: nothing of it is kept."""
    SCHEMA_VIOLATION = "schema_violation"
    """Properties that break the schema of the touchpoint."""
    UNKNOWN_PROPERTY = "unknown_property"
    """A property that the schema does not know, where unknown ones are refused."""
    TOO_LARGE = "too_large"
    """A touchpoint above `MAX_EVENT_BYTES`."""
    TOO_DEEP = "too_deep"
    """`properties` or `context` nested deeper than `MAX_DEPTH`."""
    UNMAPPED_ROW = "unmapped_row"
    """A row of an import that its mapping cannot turn into a touchpoint."""
    REFUSED_BY_WAREHOUSE = "refused_by_warehouse"
    """A touchpoint that was accepted and kept, and that ClickHouse then refused to store."""


REMEDIES: Mapping[RejectCode, str] = MappingProxyType(
    {
        RejectCode.INVALID_JSON: "send one JSON object a line, in UTF-8",
        RejectCode.NOT_AN_OBJECT: "send each touchpoint as a JSON object",
        RejectCode.INVALID_ENVELOPE: "send id, name, occurred_at and only the fields of the envelope; what is your own "
        "goes into properties or context",
        RejectCode.INVALID_ID: "make a UUIDv7 for each touchpoint, once, before the first attempt to send it",
        RejectCode.INVALID_NAME: "name the touchpoint in snake_case, past tense, e.g. product_viewed",
        RejectCode.INVALID_TIME: "send occurred_at as RFC 3339 with an offset, e.g. 2026-11-21T10:00:00.000Z, and "
        "check the clock of the sender",
        RejectCode.INVALID_IDENTIFIER: "send each identifier as a string or a list of strings under a snake_case kind; "
        "a phone number in E.164, e.g. +33612345678",
        RejectCode.UNKNOWN_TOUCHPOINT: "use a name that `parcours schemas list` shows, or add the touchpoint to the "
        "tracking plan; then replay",
        RejectCode.UNSUPPORTED_VERSION: "send a version of the model that the collector knows, or upgrade the "
        "collector; then replay",
        RejectCode.NOT_ALLOWED: "send what the write key is made for, or have a key made with `parcours keys create "
        "--allow NAME`; then replay",
        RejectCode.CONSENT_WITHHELD: "nothing: the person has said no",
        RejectCode.SUPPRESSED: "nothing: the person has asked to be forgotten",
        RejectCode.SCHEMA_VIOLATION: "send the properties that `parcours schemas show NAME` prints",
        RejectCode.UNKNOWN_PROPERTY: "correct the name of the property, or add it to the tracking plan; then replay",
        RejectCode.TOO_LARGE: "send less with each touchpoint: references rather than contents",
        RejectCode.TOO_DEEP: "flatten properties and context",
        RejectCode.UNMAPPED_ROW: "correct the row or the mapping file, and import again: nothing "
        "that is already in is doubled",
        RejectCode.REFUSED_BY_WAREHOUSE: "read the detail, correct the cause in the warehouse, and replay",
    }
)
"""What the sender should do, for each code."""
