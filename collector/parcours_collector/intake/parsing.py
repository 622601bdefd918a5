"""From the bytes of a body to its events, still untrusted.

Three forms: a JSON array, `{"sent_at": …, "touchpoints": […]}`, and NDJSON, where a line that is not JSON costs only
itself.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from parcours_collector.errors import TooLarge, Unreadable, UnsupportedEncoding
from parcours_schemas.envelope import MAX_EVENT_BYTES

JSON_TYPES = frozenset({"application/json", "text/plain", "application/octet-stream"})
"""Read as JSON: what clients send when they name no type, or may name no other (`navigator.sendBeacon`)."""
NDJSON_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})

_NOT_BLANK = re.compile(rb"\S[^\n]*+")
"""What stands in a line, from its first character that is no space."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line or an element that is not JSON, as text (with replacement characters where it is not UTF-8)."""

    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request holds.

    Attributes:
        events: Whatever JSON values stood there.
        sent_at: Aware UTC; None when not given.
    """

    events: list[object]
    sent_at: datetime | None


def parse_batch(body: bytes, content_type: str, *, max_events: int) -> Batch:
    """Return the events of a body.

    Raises:
        Unreadable: Not JSON, or JSON of another form.
        UnsupportedEncoding: A media type that is none of ours.
        TooLarge: More than `max_events`.
    """
    if content_type in NDJSON_TYPES:
        return Batch(_lines(body, max_events), None)
    if content_type not in JSON_TYPES:
        raise UnsupportedEncoding(f"The body is of type '{content_type[:60]}'.")
    batch = _document(body)
    if len(batch.events) > max_events:
        raise too_many(max_events)
    return batch


def too_many(max_events: int) -> TooLarge:
    """Return what refuses a request of more than `max_events`; nobody has to count how many more."""
    return TooLarge(f"The request holds more than {max_events} touchpoints, which is the most.")


def _document(body: bytes) -> Batch:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"The body is not JSON: {error.msg} at byte {error.pos}.") from None
    match document:
        case list():
            return Batch(document, None)
        case {"touchpoints": list() as events, **others} if others.keys() <= {"sent_at"}:
            return Batch(events, parse_sent_at(others.get("sent_at")))
        case _:
            raise Unreadable("The body is JSON, but neither an array nor an object of 'touchpoints' and 'sent_at'.")


def parse_sent_at(value: object) -> datetime | None:
    """Return the instant at which the sender says it sent; None for null.

    Raises:
        Unreadable: It is no instant with an offset.
    """
    if value is None:
        return None
    try:
        sent_at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if sent_at is not None and sent_at.tzinfo is not None:
            return sent_at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unreadable(
        "'sent_at' is not an instant.", remedy="Write it as RFC 3339 with an offset, e.g. 2026-11-21T10:00:00.000Z."
    )


def is_large(event: object) -> bool:
    """Whether an event is larger than a touchpoint may be; what cannot be written as JSON is taken for it."""
    try:
        return len(orjson.dumps(event)) > MAX_EVENT_BYTES
    except TypeError:
        return True


def _lines(body: bytes, max_events: int) -> list[object]:
    """Return the events of the lines that are not blank; at the first that is one too many nothing more is read."""
    events: list[object] = []
    for text in _NOT_BLANK.finditer(body):
        if len(events) == max_events:
            raise too_many(max_events)
        events.append(_line(body[body.rfind(b"\n", 0, text.start()) + 1 : text.end()]))
    return events


def _line(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return BrokenLine(line.decode("utf-8", "replace"))
