"""What is kept of a refused touchpoint: what may be, with the reason, without a clear e-mail address or phone number.

A letter's id is a hash of who sent what, so that a refused touchpoint that is sent again is the same letter.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import orjson

from parcours_collector.intake.parsing import BrokenLine
from parcours_schemas.identifiers import redact_clear_identifiers
from parcours_schemas.identifiers.hashing import keyed_hash
from parcours_schemas.refusal import Refusal

MAX_SHOWN_CHARS = 200
"""Of an event's own id and name, which may be anything in a refused event."""
MAX_LINE = 2**63 - 1

Origin = Literal["intake", "import"]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something of which only that it came may be kept. Its text tells letters apart, and is kept nowhere."""

    text: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a letter comes from: a request, or a line of an imported file."""

    origin: Origin
    line: int | None


def dead_letter_line(
    event: object,
    refusal: Refusal,
    *,
    project: str,
    source: str,
    received_at: datetime,
    identifier_key: bytes,
    phone_region: str | None,
) -> bytes:
    """Return the row of `dead_letters`, as a line of JSON.

    Args:
        event: The refused event: any JSON value, a BrokenLine, or Withheld. One that carries `context.import.line` came
            from a file, and its letter says from which line.
        refusal: What is wrong with it.
        project: Of the source.
        source: Who sent it.
        received_at: When it came.
        identifier_key: Hashes what must not be kept in clear.
        phone_region: Country of national phone numbers.
    """
    value = event.text if isinstance(event, BrokenLine) else "" if isinstance(event, Withheld) else event
    kept = redact_clear_identifiers(value, identifier_key, region=phone_region)  # type: ignore[arg-type] # any JSON
    payload = kept if isinstance(event, BrokenLine | Withheld) and isinstance(kept, str) else as_payload(kept)
    return letter_row(
        letter_id(source, keyed_hash(event.text, identifier_key) if isinstance(event, Withheld) else payload),
        refusal,
        project=project,
        source=source,
        received_at=received_at,
        event_id=_shown(kept, "id"),
        event_name=_shown(kept, "name"),
        payload=payload,
        provenance=_provenance(event),
    )


def letter_row(
    letter: UUID,
    refusal: Refusal,
    *,
    project: str,
    source: str,
    received_at: datetime,
    event_id: str,
    event_name: str,
    payload: str,
    provenance: Provenance,
) -> bytes:
    """Return a row of `dead_letters` as a line of JSON, from parts that hold no clear identifier any more."""
    return orjson.dumps(
        {
            "id": str(letter),
            "project": project,
            "source": source,
            "event_id": event_id,
            "event_name": event_name,
            "code": refusal.code,
            "path": refusal.path,
            "detail": refusal.detail,
            "payload": payload,
            "received_at": received_at,
            "origin": provenance.origin,
            "line": provenance.line,
        },
        option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE,
    )


def letter_id(source: str, payload: str) -> UUID:
    """Return the id of the letter that holds this payload from this source."""
    digest = hashlib.sha256(f"{source}\n{payload}".encode("utf-8", "surrogatepass")).digest()
    return UUID(bytes=digest[:16], version=5)  # 8 would say it better, and needs Python 3.14


def as_payload(value: object) -> str:
    """Return any JSON value as the text that a letter keeps."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # deeper than orjson writes, though not than it reads
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _provenance(event: object) -> Provenance:
    match event:
        case {"context": {"import": {"line": int(line)}}} if not isinstance(line, bool) and 0 < line <= MAX_LINE:
            return Provenance("import", line)
        case _:
            return Provenance("intake", None)


def _shown(kept: object, field: str) -> str:
    value = kept.get(field) if isinstance(kept, dict) else None
    return value[:MAX_SHOWN_CHARS] if isinstance(value, str) else ""
