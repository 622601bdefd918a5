"""The express lane: usual touchpoints become rows without becoming objects first.

A body is read once into envelopes whose parts stay bytes; each part is looked up by those bytes (`parts`), and the row
is put together from what was worked out before. It takes only what it can tell to be in order: for anything else the
touchpoint, or the body, goes the full way, which alone knows what is wrong. The row is byte for byte the one of the
full way (`tests/test_intake_express.py` holds the two beside each other).
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple

import orjson
from msgspec import UNSET, UnsetType

from parcours_collector.intake import steps
from parcours_collector.intake.enrichment import nowhere
from parcours_collector.intake.envelopes import Envelope
from parcours_collector.intake.parts import (
    ConsentPart,
    ContextPart,
    PropertiesPart,
    Remembered,
    consent_part,
    context_part,
    ids_part,
    properties_part,
)
from parcours_collector.intake.source import Source
from parcours_collector.intake.steps import Circumstances
from parcours_collector.settings import HttpSettings
from parcours_schemas.envelope import FUTURE_TOLERANCE, MAX_EVENT_BYTES, MAX_NAME_CHARS
from parcours_schemas.known import KnownTouchpoint
from parcours_schemas.plan import TrackingPlan
from parcours_schemas.touchpoint import SNAKE_CASE
from parcours_schemas.validation import find_known
from parcours_schemas.versions import model_of

_KNOWN_STEPS: Final = (
    steps.enrich_circumstances,
    steps.honour_choice,
    steps.hash_identifiers,
    steps.redact_clear_identifiers_elsewhere,
    steps.mark_placeholders,
    steps.correct_clock,
    steps.take_revenue,
)
"""What the lane does the work of. With any other step in the tuple it takes nothing."""
_REMEMBERED_BYTES: Final = 4 << 20
"""Of contexts and of properties of one source, each."""
_MOST_LANES: Final = 8
_MOST_HEADS: Final = 1_024
_FIELDS_BYTES: Final = len('{"id":"","name":"","occurred_at":"",}') + 36 - 1 + 1
"""Of an event besides its values: the three fields that it must have, its id, and the comma behind it."""


class _Head(NamedTuple):
    """What name, version and channel say: their text in the row, what checks the properties, how long they were."""

    text: bytes
    name: str
    known: KnownTouchpoint
    sent_bytes: int


class Taken(NamedTuple):
    """Rows, by place: None where a touchpoint has to go the full way; and the bytes of body that they account for."""

    lines: list[bytes | None]
    sent_bytes: int


def admits(around: Circumstances) -> bool:
    """Whether touchpoints of a request may take the lane at all."""
    gpc = around.gpc and around.policy.settings.on_gpc != "keep"
    return steps.STEPS == _KNOWN_STEPS and not gpc and not (around.peer_address and around.country_of is not nowhere)


class Lane:
    """The lane of one source; it remembers what its touchpoints are made of."""

    def __init__(
        self,
        source: Source,
        *,
        plan: TrackingPlan | None,
        settings: HttpSettings,
        identifier_key: bytes,
    ) -> None:
        self._source = source
        self._plan = plan
        self._unknown_properties = settings.unknown_properties
        self._identifier_key = identifier_key
        self._heads: dict[tuple[str, str | UnsetType, str | UnsetType], _Head | None] = {}
        self._consents: dict[bytes, ConsentPart | None] = {}
        self._contexts: Remembered[bytes, ContextPart] = Remembered(_REMEMBERED_BYTES)
        self._properties: Remembered[tuple[str, bytes], PropertiesPart] = Remembered(_REMEMBERED_BYTES)
        self._opens = b'{"project":%b,"source":%b,"id":"' % (orjson.dumps(source.project), orjson.dumps(source.name))

    def is_of(self, source: Source, plan: TrackingPlan | None, identifier_key: bytes) -> bool:
        """Whether what it remembers still holds."""
        return self._source is source and self._plan is plan and self._identifier_key == identifier_key

    def take(
        self,
        envelopes: Sequence[Envelope],
        around: Circumstances,
        *,
        is_kept_out: Callable[[dict[str, object]], bool] | None,
        ends_at: float = math.inf,
    ) -> Taken:
        """Return the rows of touchpoints, or of the first ones that there is time for.

        Args:
            envelopes: As `read` gave them.
            around: Of the request.
            is_kept_out: Whether identifiers are of somebody who was forgotten; None where nobody was.
            ends_at: By `time.monotonic`, after which only the first one is worked on.

        Raises:
            ValueError: A part is not JSON after all.
        """
        lines: list[bytes | None] = []
        sent_bytes = 0
        skew = self._skew(around)
        oldest_at, latest_at = self._source.oldest_at(around.received_at), around.sender_now + FUTURE_TOLERANCE
        opens, join = self._opens, b"".join
        after_times = b'","sent_at":%b,"received_at":%b,"ids":' % (
            _instant(around.sent_at),
            _instant(around.received_at),
        )
        heads, contexts, properties = self._heads, self._contexts.young, self._properties.young
        for each in envelopes:
            if lines and monotonic() > ends_at:
                break
            head = heads.get((each.name, each.schema, each.channel)) or self._head(each)
            instant = _utc(each.occurred_at)
            if head is None or instant is None:
                lines.append(None)
                continue
            at, sent_text = instant
            raw_ids, raw_context = bytes(each.ids), bytes(each.context)
            raw_properties, raw_consent = bytes(each.properties), bytes(each.consent)
            if len(raw_ids) + len(raw_context) + len(raw_properties) + len(raw_consent) > MAX_EVENT_BYTES:
                lines.append(None)
                continue
            context = contexts.get(raw_context) or self._context(raw_context, around)
            known = properties.get((head.name, raw_properties)) or self._known(head, raw_properties, around)
            consent = self._consents.get(raw_consent) or self._consent(raw_consent, around)
            ids = ids_part(raw_ids)
            if context is None or known is None or consent is None or ids is None or not oldest_at <= at <= latest_at:
                lines.append(None)
                continue
            if is_kept_out is not None and is_kept_out(orjson.loads(raw_ids or b"{}")):
                lines.append(None)
                continue
            happened = sent_text if skew is None else _text(min(at + skew, around.received_at))
            line = join(
                (
                    *(
                        opens,
                        each.id.encode(),
                        head.text,
                        happened,
                        b'","client_occurred_at":"',
                        sent_text,
                        after_times,
                    ),
                    *(ids, context.text, known.text, consent.text, context.enrichment, known.money),
                )
            )
            sent_bytes += head.sent_bytes + len(each.occurred_at) + context.sent_bytes + known.sent_bytes
            sent_bytes += consent.sent_bytes + (len(raw_ids) and len(raw_ids) + len('"ids":,'))
            lines.append(line if len(line) <= MAX_EVENT_BYTES else None)
        return Taken(lines, sent_bytes)

    def _skew(self, around: Circumstances) -> timedelta | None:
        """By how much times are corrected, as `correct_clock` does; None for not at all."""
        if around.sent_at is None:
            return None
        skew = around.received_at - around.sent_at
        return skew if around.clock_tolerance < abs(skew) <= around.max_skew else None

    def _head(self, envelope: Envelope) -> _Head | None:
        key = name, schema, channel = envelope.name, envelope.schema, envelope.channel
        if key in self._heads:
            return self._heads[key]
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[key] = head = self._new_head(name, schema, channel)
        return head

    def _new_head(self, name: str, schema: str | UnsetType, channel: str | UnsetType) -> _Head | None:
        known = find_known(name, self._plan)
        if known is None or not self._source.may_send(name):
            return None
        sent_bytes = _FIELDS_BYTES + len(name)
        version, place = known.declaration.version, known.declaration.channel
        if schema is not UNSET:
            if model_of(schema) != known.model:
                return None
            version = schema
            sent_bytes += len('"schema":"",') + len(schema)
        if channel is not UNSET:
            if len(channel) > MAX_NAME_CHARS or SNAKE_CASE.fullmatch(channel) is None:
                return None
            place = channel
            sent_bytes += len('"channel":"",') + len(channel)
        text = f'","name":"{name}","schema_version":"{version}","channel":"{place}","occurred_at":"'
        return _Head(text.encode("ascii"), name, known, sent_bytes)

    def _consent(self, raw: bytes, around: Circumstances) -> ConsentPart | None:
        if raw in self._consents:
            return self._consents[raw]
        part = consent_part(raw, around)
        if len(self._consents) >= _MOST_HEADS:
            self._consents.clear()
        if len(raw) <= _MOST_HEADS:
            self._consents[raw] = part
        return part

    def _context(self, raw: bytes, around: Circumstances) -> ContextPart | None:
        recalled = self._contexts.recall(raw, len(raw))
        if recalled is not None:
            return recalled
        made = context_part(raw, around)
        if made is None:
            return None
        part, may_be_remembered = made
        if may_be_remembered:
            self._contexts.keep(raw, part, len(raw))
        return part

    def _known(self, head: _Head, raw: bytes, around: Circumstances) -> PropertiesPart | None:
        key = head.name, raw
        recalled = self._properties.recall(key, len(raw))
        if recalled is not None:
            return recalled
        made = properties_part(raw, head.known, around, self._unknown_properties)
        if made is None:
            return None
        part, may_be_remembered = made
        if may_be_remembered:
            self._properties.keep(key, part, len(raw))
        return part


class Lanes:
    """The lanes of the sources that sent lately."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._lanes: dict[str, Lane] = {}

    def of(self, source: Source, plan: TrackingPlan | None, identifier_key: bytes) -> Lane:
        """Return the lane of a source, a new one when what it knew no longer holds."""
        lane = self._lanes.pop(source.name, None)
        if lane is None or not lane.is_of(source, plan, identifier_key):
            while len(self._lanes) >= _MOST_LANES:
                del self._lanes[next(iter(self._lanes))]
            lane = Lane(source, plan=plan, settings=self._settings, identifier_key=identifier_key)
        self._lanes[source.name] = lane
        return lane


_utc_form = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3}([0-9]{3})?)?(?:Z|\+00:00)"
).fullmatch


def _utc(text: str) -> tuple[datetime, bytes] | None:
    """Read an instant written in UTC, to the second, ms or µs, and its text in the row; None for any other form."""
    form = _utc_form(text)
    if form is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not at.microsecond:
        return at, b"%bZ" % text[:19].encode()
    return at, b"%bZ" % text[:26].encode() if form[1] else b"%b000Z" % text[:23].encode()


def _text(at: datetime) -> bytes:
    """Return an instant as a row has it."""
    return b"%bZ" % at.isoformat()[:-6].encode()


def _instant(at: datetime | None) -> bytes:
    return orjson.dumps(at, option=orjson.OPT_UTC_Z)
