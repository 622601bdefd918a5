"""What is kept of a refused touchpoint: all of it, with the reason, and without a clear e-mail address or phone number.

A letter's id is a hash of who sent what, so that a refused touchpoint that is sent again is the same letter.
"""

import hashlib
import json
from datetime import datetime
from uuid import UUID

import orjson

from parcours_collector.intake.parsing import BrokenLine
from parcours_schemas.identifiers import redact_clear_identifiers
from parcours_schemas.refusal import Refusal

MAX_SHOWN_CHARS = 200
"""Of an event's own id and name, which may be anything in a refused event."""


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
        event: The refused event: any JSON value, or a BrokenLine.
        refusal: What is wrong with it.
        project: Of the source.
        source: Who sent it.
        received_at: When it came.
        identifier_key: Hashes what must not be kept in clear.
        phone_region: Country of national phone numbers.
    """
    value = event.text if isinstance(event, BrokenLine) else event
    kept = redact_clear_identifiers(value, identifier_key, region=phone_region)  # type: ignore[arg-type] # any JSON
    payload = kept if isinstance(event, BrokenLine) and isinstance(kept, str) else _json(kept)
    return orjson.dumps(
        {
            "id": str(letter_id(source, payload)),
            "project": project,
            "source": source,
            "event_id": _shown(kept, "id"),
            "event_name": _shown(kept, "name"),
            "code": refusal.code,
            "path": refusal.path,
            "detail": refusal.detail,
            "payload": payload,
            "received_at": received_at,
            "origin": "intake",
            "line": None,
        },
        option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE,
    )


def letter_id(source: str, payload: str) -> UUID:
    """Return the id of the letter that holds this payload from this source."""
    digest = hashlib.sha256(f"{source}\n{payload}".encode("utf-8", "surrogatepass")).digest()
    return UUID(bytes=digest[:16], version=5)  # 8 would say it better, and needs Python 3.14


def _json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # deeper than orjson writes, though not than it reads
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shown(kept: object, field: str) -> str:
    value = kept.get(field) if isinstance(kept, dict) else None
    return value[:MAX_SHOWN_CHARS] if isinstance(value, str) else ""
