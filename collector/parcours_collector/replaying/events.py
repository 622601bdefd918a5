"""From the payload of a dead letter back to the event that was sent, with its id; or why there is none."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from parcours_collector.replaying.letters import MAX_PAYLOAD_BYTES, Letter
from parcours_schemas.reject import RejectCode

_ENVELOPE_COLUMNS = ("id", "name", "occurred_at", "channel", "ids", "context", "properties", "consent")
"""Columns of `touchpoints` that are fields of an event, under the same names."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event to be sent again, as JSON."""

    letter: Letter
    body: bytes


@dataclass(frozen=True, slots=True)
class NotReplayable:
    """A letter that holds no event, and what to do instead."""

    letter: Letter
    reason: str


Content: TypeAlias = Event | NotReplayable


def content_of(letter: Letter) -> Content:
    """Return what a letter holds.

    A letter of intake holds the event as it was sent. One of delivery holds the row that ClickHouse refused, of
    `touchpoints` or of `dead_letters`: the event is made from it, with the hashes that stand for clear identifiers.
    """
    if letter.code == RejectCode.UNMAPPED_ROW:
        return NotReplayable(letter, "a row that maps to no touchpoint: mend the map or the file, and import it again")
    if not letter.payload:
        return NotReplayable(letter, f"larger than {MAX_PAYLOAD_BYTES} bytes: send less with one touchpoint")
    held = _object(letter.payload)
    if held is not None and letter.code == RejectCode.REFUSED_BY_WAREHOUSE:
        held = _of_row(held)
    if held is None:
        return NotReplayable(letter, "not a JSON object: its source must send it again")
    return Event(letter, orjson.dumps(held))


def _object(text: str) -> dict[str, Any] | None:
    try:
        held = orjson.loads(text)
        orjson.dumps(held)  # it reads what is too deep to be written
    except (orjson.JSONDecodeError, TypeError):
        return None
    return held if isinstance(held, dict) else None


def _of_row(row: dict[str, Any]) -> dict[str, Any] | None:
    if "payload" in row:  # a row of dead_letters: what it holds was refused before
        inner = row["payload"]
        return _object(inner) if isinstance(inner, str) and row.get("code") != RejectCode.UNMAPPED_ROW else None
    event = {column: row[column] for column in _ENVELOPE_COLUMNS if row.get(column)}
    if row.get("schema_version"):
        event["schema"] = row["schema_version"]
    return event
