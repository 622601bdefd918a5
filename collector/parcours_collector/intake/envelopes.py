"""A body as envelopes: the fields that tell what a touchpoint is are read, the parts inside stay bytes."""

import re
from datetime import datetime
from typing import NamedTuple

import msgspec
import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

from parcours_collector.intake.parsing import parse_sent_at

_ID_LINES = re.compile(rb"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\n)*+")
_NO_UUIDS = frozenset({"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"})
_NONE = Raw(b"")


class Envelope(Struct, forbid_unknown_fields=True, gc=False):
    """A touchpoint: its parts are the bytes that were sent, empty where none was."""

    id: str
    name: str
    occurred_at: str
    schema: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    ids: Raw = _NONE
    context: Raw = _NONE
    properties: Raw = _NONE
    consent: Raw = _NONE


class _Document(Struct, forbid_unknown_fields=True):
    touchpoints: list[Envelope]
    sent_at: Raw | UnsetType = UNSET


class Read(NamedTuple):
    """A body: envelopes whose ids are UUIDs in lower case, `sent_at`, and how many bytes stand around them."""

    envelopes: list[Envelope]
    ids: list[str]
    sent_at: datetime | None
    around_bytes: int


_read_list = msgspec.json.Decoder(list[Envelope]).decode
_read_document = msgspec.json.Decoder(_Document).decode


def read(body: bytes) -> Read | None:
    """Read a body of JSON; None when anything in it is not plainly in order.

    Values that stay bytes are not read: who uses them must. Of a repeated key only the last value is seen.
    """
    try:
        if body[:1] == b"[":
            envelopes, sent_at, around_bytes = _read_list(body), None, len("[]")
        else:
            document = _read_document(body)
            envelopes, sent_at, around_bytes = document.touchpoints, None, len('{"touchpoints":[]}')
            if document.sent_at is not UNSET:
                raw = bytes(document.sent_at)
                sent_at = parse_sent_at(orjson.loads(raw))
                around_bytes += len('"sent_at":,') + len(raw)
    except Exception:  # noqa: BLE001 - whatever it is, the full way says it
        return None
    ids = [envelope.id for envelope in envelopes]
    try:
        lines = "\n".join([*ids, ""]).encode("ascii")
    except UnicodeEncodeError:
        return None
    if _ID_LINES.fullmatch(lines) is None or not _NO_UUIDS.isdisjoint(ids):
        return None
    return Read(envelopes, ids, sent_at, around_bytes - (1 if ids else 0))
