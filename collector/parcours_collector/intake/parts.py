"""The parts of a touchpoint as they stand in its row, each worked out once for the same bytes.

Pages, products and consents come again and again, so most parts of a touchpoint were seen before. What a part becomes
is worked out by the same checks and steps as on the full way (`validation`, `steps`), and remembered by the bytes that
were sent, within bounds. What cannot be told from the part alone, or is not plainly in order, is None: the touchpoint
goes the full way.

Nobody is remembered: not identifiers, not what names an address of the network, not what held a clear identifier.
"""

import re
from collections.abc import Hashable
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from parcours_collector.intake.steps import (
    NORMALISED_KINDS,
    Circumstances,
    Row,
    enrich_circumstances,
    redact_clear_identifiers_elsewhere,
)
from parcours_schemas.envelope import MAX_ID_KINDS, MAX_NAME_CHARS, Context, Purposes
from parcours_schemas.identifiers import is_placeholder, may_hold_clear_identifiers
from parcours_schemas.identifiers.naming import kind_named
from parcours_schemas.known import KnownTouchpoint
from parcours_schemas.money import revenue_of
from parcours_schemas.reject import UnknownPolicy
from parcours_schemas.touchpoint import SNAKE_CASE
from parcours_schemas.validation import Accepted, too_deep

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MAX_PART_BYTES: Final = 4_096
"""Of what is remembered: longer ones seldom come twice."""
_ENTRY_BYTES: Final = 300
"""What remembering one costs besides its bytes, about."""
_MOST_NAMES: Final = 4_096
_is_plain_value = re.compile(r"(?!00)[A-Za-z0-9_.-]{1,256}", re.ASCII).fullmatch
"""An identifier in which nothing can be hidden: no address, and no number, which would begin with + or 00."""
_check_context = TypeAdapter(Context).validator.validate_python
_check_consent = TypeAdapter(Purposes).validator.validate_python


_has_odd_text = re.compile(r"[^A-Za-z0-9_ .,-]").search
_may_begin_a_number = re.compile(r"(?<![0-9A-Za-z_.+-])00").search
"""A text of plain characters holds an address never, and a number only where `00` begins one."""
_plain_names: dict[str, bool] = {}


class Remembered(Generic[K, V]):
    """A map of about `max_bytes` that forgets what was not asked for lately.

    It holds two generations: what is asked for moves to the young one, and when that is full the old one goes.

    Attributes:
        young: To be read directly; `recall` looks at the rest.
    """

    __slots__ = ("_max_bytes", "_old", "_young_bytes", "young")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes // 2
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._young_bytes = 0

    def recall(self, key: K, size_bytes: int) -> V | None:
        """Return what the old generation holds, and make it young again."""
        value = self._old.pop(key, None)
        if value is not None:
            self.keep(key, value, size_bytes)
        return value

    def keep(self, key: K, value: V, size_bytes: int) -> None:
        """Remember one of so many bytes, unless it is long."""
        if size_bytes > _MAX_PART_BYTES:
            return
        self._young_bytes += 2 * size_bytes + _ENTRY_BYTES
        if self._young_bytes > self._max_bytes:
            self._old = self.young.copy()
            self.young.clear()
            self._young_bytes = 2 * size_bytes + _ENTRY_BYTES
        self.young[key] = value


class ContextPart(NamedTuple):
    """Circumstances: `context` and `enrichment` in the row, and how many bytes were sent."""

    text: bytes
    enrichment: bytes
    sent_bytes: int


class PropertiesPart(NamedTuple):
    """Properties: in the row, with the money behind them, and how many bytes were sent."""

    text: bytes
    money: bytes
    sent_bytes: int


class ConsentPart(NamedTuple):
    """Consent that lets everything be kept: in the row, and how many bytes were sent."""

    text: bytes
    sent_bytes: int


def ids_part(raw: bytes) -> bytes | None:
    """Return identifiers that nothing has to be done to, as they stand in the row up to `context`; else None."""
    given = orjson.loads(raw or b"{}")
    if type(given) is not dict or len(given) > MAX_ID_KINDS:
        return None
    kinds, placeholders = [], []
    for kind, value in given.items():
        if type(value) is not str or _is_plain_value(value) is None:
            return None
        if kind in NORMALISED_KINDS or not (_plain_names.get(kind) or _is_plain_name(kind)):
            return None
        if is_placeholder(value):
            placeholders.append(value)
        kinds.append(f'"{kind}":["{value}"]')
    if placeholders:
        return b'{%b},"placeholders":%b,"context":' % (",".join(kinds).encode(), orjson.dumps(placeholders))
    return b'{%b},"placeholders":[],"context":' % ",".join(kinds).encode()


def consent_part(raw: bytes, around: Circumstances) -> ConsentPart | None:
    """Return consent that lets a touchpoint be kept as it is; None for any other."""
    try:
        consent = _check_consent(orjson.loads(raw or b"{}"))
    except ValidationError:
        return None
    if around.policy.verdict(consent, {}, gpc=around.gpc) != "keep":
        return None
    return ConsentPart(orjson.dumps(consent) + b',"enrichment":', len(raw) and len(raw) + len(b'"consent":,'))


def context_part(raw: bytes, around: Circumstances) -> tuple[ContextPart, bool] | None:
    """Return circumstances as they are kept, and whether they may be remembered; None where a choice is in them."""
    given = orjson.loads(raw or b"{}")
    if type(given) is not dict or "gpc" in given:
        return None
    try:
        context = cast("dict[str, Any]", _check_context(given))
    except ValidationError:
        return None
    if too_deep(context):
        return None
    row: Row = {"ids": {}, "context": context, "properties": {}, "enrichment": {}}
    enrich_circumstances(row, _NOTHING, around)
    around.policy.apply(row, "keep")
    kept, enrichment = row["context"], row["enrichment"]
    redact_clear_identifiers_elsewhere(row, _NOTHING, around)
    part = ContextPart(
        orjson.dumps(row["context"]) + b',"properties":',
        orjson.dumps(row["enrichment"]),
        len(raw) and len(raw) + len(b'"context":,'),
    )
    return part, "ip" not in given and row["context"] == kept and row["enrichment"] == enrichment


def properties_part(
    raw: bytes, known: KnownTouchpoint, around: Circumstances, unknown_properties: UnknownPolicy
) -> tuple[PropertiesPart, bool] | None:
    """Return valid properties as they are kept, and whether they may be remembered; None for any others."""
    properties = orjson.loads(raw or b"{}")
    if type(properties) is not dict or too_deep(properties) or known.check(properties) is not None:
        return None
    if unknown_properties != "allow" and known.find_unknown(properties) is not None:
        return None
    row: Row = {"ids": {}, "context": {}, "properties": properties, "enrichment": {}}
    if not _are_plain(properties):
        redact_clear_identifiers_elsewhere(row, _NOTHING, around)
    money = revenue_of(known.declaration, properties)
    amount, currency = (None, "") if money is None else (str(money[0]), money[1])
    part = PropertiesPart(
        orjson.dumps(row["properties"]) + b',"consent":',
        b',"revenue":%b,"currency":%b}\n' % (orjson.dumps(amount), orjson.dumps(currency)),
        len(raw) and len(raw) + len(b'"properties":,'),
    )
    return part, row["properties"] == properties


def _are_plain(properties: dict[str, Any]) -> bool:
    """Whether nothing can be hidden in properties: plain texts and numbers under names that mean no person."""
    for name, value in properties.items():
        if not (_plain_names.get(name) or _is_plain_name(name)):
            return False
        if type(value) is str:
            if _has_odd_text(value) or ("00" in value and _may_begin_a_number(value)):
                return False
        elif type(value) is list:
            if not all(type(item) is dict and _are_plain(item) for item in value):
                return False
        elif isinstance(value, dict):
            return False
    return True


def _is_plain_name(name: str) -> bool:
    plain = (
        len(name) <= MAX_NAME_CHARS
        and SNAKE_CASE.fullmatch(name) is not None
        and kind_named(name) is None
        and not may_hold_clear_identifiers(b'"%b":' % name.encode())
    )
    if len(_plain_names) > _MOST_NAMES:
        _plain_names.clear()
    _plain_names[name] = plain
    return plain


_NOTHING = cast("Accepted", None)
"""The steps that are used here look at the row alone."""
