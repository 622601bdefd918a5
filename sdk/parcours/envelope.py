"""The envelope of a touchpoint, written once at the call: id, time, channel, identifiers, context, consent.

It makes the id and the time, hashes e-mails and phones when it has the project's key, and knows nothing of queues.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import ValidationError

from parcours import clock
from parcours.consent import ConsentGate, Withheld
from parcours.contents import Kind, Untyped
from parcours.contexts import NO_CONTEXT, IdentifierValue, current_context
from parcours.encoding import NAIVE_TIME, NotEncodable, encode, utc_text
from parcours.event_id import new_event_id
from parcours.familiar import Familiar
from parcours.outgoing import Outgoing
from parcours_schemas.envelope import FUTURE_TOLERANCE, OLDEST_OCCURRED_AT, WIRE, WireTouchpoint
from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers import HASHED_KINDS, hash_ids
from parcours_schemas.refusal import Refusal, envelope_refusal, pointer
from parcours_schemas.reject import RejectCode

_check = WIRE.validator.validate_python
_FIELDS = tuple(WireTouchpoint.__annotations__)
_CLEAR_KINDS = frozenset({*HASHED_KINDS, *HASHED_KINDS.values()})


class Circumstances(NamedTuple):
    """What is said of a touchpoint besides its properties: the keyword arguments of `emit`, `track`, `identify`."""

    occurred_at: datetime | None
    channel: str | None
    context: Mapping[str, object] | None
    consent: Mapping[str, bool] | None
    event_id: str | UUID | None
    ids: Mapping[str, IdentifierValue]


class EnvelopeWriter:
    """Write touchpoints as the wire has them. Thread-safe.

    Args:
        identifier_key: The project's key for hashing identifiers, or None to leave that to the collector.
        phone_region: See `Options`.
        gate: Asked before anything is written.
    """

    def __init__(self, identifier_key: bytes | None, phone_region: str | None, gate: ConsentGate) -> None:
        self._gate = gate
        self._key = identifier_key
        self._phone_region = phone_region
        self._familiar = Familiar()

    def write(
        self, kind: Kind, properties: bytes | None, circumstances: Circumstances
    ) -> Outgoing | Refusal | Withheld:
        """Return the touchpoint as bytes, with its id and its time, or why it is refused."""
        now_ns = clock.wall_ns()
        clock_offset_ns = now_ns - clock.steady_ns()
        name, version = kind.name, kind.version
        occurred_at, channel, context, consent, event_id, ids = circumstances
        around = current_context()
        if around is not NO_CONTEXT:
            ids = {**around.ids, **ids} if ids else around.ids
            context = {**around.context, **context} if context else around.context
            consent = {**around.consent, **consent} if consent else around.consent or consent
            channel = channel or around.channel
        channel = channel or kind.channel
        withheld = self._gate.check(name, channel, consent)
        if withheld is not None:
            return withheld
        time = clock.time_text(now_ns) if occurred_at is None else _time_text(occurred_at, now_ns)
        if isinstance(time, Refusal):
            return time
        own_id = new_event_id(now_ns) if event_id is None else str(event_id)
        said: dict[str, object] = {}
        if ids:
            said["ids"] = ids
        if context:
            said["context"] = context if type(context) is dict else dict(context)
        if consent is not None:
            said["consent"] = consent if type(consent) is dict else dict(consent)
        head = self._familiar.head(name, version, channel)
        if head is None or event_id is not None or not self._familiar.is_plain(ids, context, consent):
            checked = self._check(own_id, time, Untyped(name, version, channel), said, ids)
            if isinstance(checked, Refusal):
                return checked
            head = checked
        try:
            middle = encode(said)[1:-1]
        except NotEncodable as error:
            return Refusal(RejectCode.INVALID_ENVELOPE, "/context", str(error))
        # The time has a fixed place, where `clock.retimed` finds it.
        wire = b"".join(
            (
                f'{{"id":"{own_id}","occurred_at":"{time}",{head}'.encode(),
                b"," if middle else b"",
                middle,
                b"" if properties is None else b',"properties":',
                properties or b"",
                b"}",
            )
        )
        return Outgoing(own_id, name, wire, clock_offset_ns if occurred_at is None else None)

    def _check(
        self,
        own_id: str,
        time: str,
        kind: Kind,
        said: dict[str, object],
        given_ids: Mapping[str, IdentifierValue],
    ) -> str | Refusal:
        """Check every field, bring the identifiers in `said` into their form, and return what `Familiar.head` will."""
        ids = self._ids(given_ids)
        if isinstance(ids, Refusal):
            return ids
        said.pop("ids", None)
        if ids:
            said["ids"] = ids
        shared = {"name": kind.name, "schema": kind.version, "channel": kind.channel}
        fields = {"id": own_id, "occurred_at": time, **said}
        fields.update({field: value for field, value in shared.items() if value is not None})
        try:
            _check(fields)
        except ValidationError as error:
            return envelope_refusal(error, _FIELDS)
        return self._familiar.learn(kind.name, kind.version, kind.channel, said)

    def _ids(self, given: Mapping[str, IdentifierValue]) -> Mapping[str, str | list[str]] | Refusal:
        """Return identifiers as text, e-mails and phones checked, and hashed when there is a key."""
        ids: dict[str, str | list[str]] = {}
        for kind, value in given.items():
            match value:
                case None:
                    continue
                case str():
                    ids[kind] = value
                case list() | tuple() | set() | frozenset() if all(map(_is_identifier, value)):
                    ids[kind] = [str(one) for one in value]
                case _ if _is_identifier(value):
                    ids[kind] = str(value)
                case _:
                    detail = f"{type(value).__name__} is no identifier: give text, an integer, a UUID or a list of them"
                    return Refusal(RejectCode.INVALID_IDENTIFIER, pointer("ids", kind), detail)
        try:
            if not _CLEAR_KINDS.isdisjoint(ids):
                # Without a key the hashes serve as the check alone: the collector makes its own.
                hashed = hash_ids(ids, self._key or b"check", self._phone_region)
                return ids if self._key is None else dict(hashed)
        except InvalidIdentifier as error:
            return Refusal(RejectCode.INVALID_IDENTIFIER, pointer("ids", error.kind), str(error))
        return ids


def _is_identifier(value: object) -> bool:
    return isinstance(value, str | int | UUID) and not isinstance(value, bool)


def _time_text(occurred_at: object, now_ns: int) -> str | Refusal:
    if occurred_at is None:
        return clock.time_text(now_ns)
    if not isinstance(occurred_at, datetime):
        detail = f"give an aware datetime, not {type(occurred_at).__name__}"
    elif occurred_at.utcoffset() is None:
        detail = NAIVE_TIME
    elif not OLDEST_OCCURRED_AT <= occurred_at <= datetime.fromtimestamp(now_ns / 1e9, UTC) + FUTURE_TOLERANCE:
        detail = "the time is before 1990 or more than a day ahead of this clock: check where it comes from"
    else:
        return utc_text(occurred_at)
    return Refusal(RejectCode.INVALID_TIME, "/occurred_at", detail)
