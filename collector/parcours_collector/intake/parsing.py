"""From the bytes of a body to its events, still untrusted.

Three forms: a JSON array, `{"sent_at": …, "touchpoints": […]}`, and NDJSON, where a line that is not JSON costs only
itself.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from parcours_collector.errors import TooLarge, Unreadable, UnsupportedEncoding

JSON_TYPES = frozenset({"application/json", "text/plain", "application/octet-stream"})
"""Read as JSON: what clients send when they name no type, or may name no other (`navigator.sendBeacon`)."""
NDJSON_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})


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
        batch = Batch([_line(line) for line in body.split(b"\n") if line.strip()], None)
    elif content_type in JSON_TYPES:
        batch = _document(body)
    else:
        raise UnsupportedEncoding(f"The body is of type '{content_type[:60]}'.")
    refuse_too_many(batch, max_events)
    return batch


def refuse_too_many(batch: Batch, max_events: int) -> None:
    """Raise TooLarge when a batch holds more than `max_events`."""
    if len(batch.events) > max_events:
        raise TooLarge(f"The request holds {len(batch.events)} touchpoints; {max_events} is the most.")


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


def _line(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return BrokenLine(line.decode("utf-8", "replace"))
