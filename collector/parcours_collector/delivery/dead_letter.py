"""The dead letter of a row that ClickHouse refuses: kept whole, with the reason, as a row of `dead_letters`.

The same row gives the same letter, whenever and however often it is refused. It reads the row as far as it can be read
and promises a letter for any bytes.
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime

from parcours_collector.delivery.batch import Part
from parcours_collector.warehouse.insert import Refused
from parcours_schemas.reject import RejectCode


def dead_letter(row: Part, refused: Refused, *, appended_at_us: int) -> Part:
    """Return the letter of a part of one row, as a part of one row.

    Args:
        row: The row that was refused.
        refused: Why.
        appended_at_us: Microseconds since 1970; stands in for the time of receipt if the row does not tell it.
    """
    payload = row.lines.decode("utf-8", "backslashreplace").rstrip("\n")
    fields = _fields(payload)
    source = fields.get("source", "")
    letter = {
        "id": str(uuid.UUID(bytes=hashlib.sha256(f"{source}\0{payload}".encode()).digest()[:16])),
        "project": fields.get("project", ""),
        "source": source,
        "event_id": fields.get("event_id" if row.table == "dead_letters" else "id", ""),
        "event_name": fields.get("event_name" if row.table == "dead_letters" else "name", ""),
        "code": RejectCode.REFUSED_BY_WAREHOUSE.value,
        "path": f"/{refused.field}" if refused.field else "",
        "detail": f"ClickHouse refuses the row of {row.table} with error {refused.code} ({refused.name}).",
        "payload": payload,
        "received_at": _instant(fields.get("received_at", ""), appended_at_us),
        "origin": "delivery",
        "line": None,
    }
    return Part("dead_letters", json.dumps(letter).encode() + b"\n", 1, f"{row.origin}/letter")


def _fields(payload: str) -> dict[str, str]:
    try:
        row = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(row, dict):
        return {}
    # A lone surrogate is what JSON can say and UTF-8 cannot.
    return {
        key: value.encode("utf-8", "backslashreplace").decode() for key, value in row.items() if isinstance(value, str)
    }


def _instant(text: str, appended_at_us: int) -> str:
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        instant = datetime.fromtimestamp(appended_at_us / 1_000_000, UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
