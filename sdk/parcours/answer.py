"""What became of a request: the collector's answer, read with suspicion.

A 200 counts only when it accounts for every touchpoint that was sent; anything else means "send the same again".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import orjson

from parcours.outgoing import Outgoing
from parcours_schemas.refusal import shown_name
from parcours_schemas.reject import RejectCode

_RETRY_AFTER_MAX_SECONDS = 3600.0
_PATH_MAX_CHARS = 512
_CODES = frozenset(RejectCode)
_UNREADABLE = frozenset({"unreadable", "unsupported_encoding"})
"""How a collector names a body that it cannot read. Gateways, too, answer 400 with an `error` in JSON."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One touchpoint the collector refused: `index` in the batch, what, where, and why in words."""

    index: int
    code: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The collector kept the whole batch; all but `rejections` are delivered, some of them taken with `warnings`."""

    rejections: tuple[Rejection, ...]
    warnings: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The request was too large: send less at once."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The collector itself could not read the body: something in it is at fault."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nothing is known to be kept: send the same again, not before `retry_after_seconds` when the collector says so."""

    cause: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody has to mend a key or an address first: keep everything and ask again, seldom."""

    cause: str


SendResult: TypeAlias = Answered | TooLarge | Unreadable | Unavailable | Refused


def read_answer(status: int, headers: Mapping[str, str], body: bytes, sent: Sequence[Outgoing]) -> SendResult:
    """Return what an HTTP answer means for the touchpoints in `sent`."""
    match status:
        case 200:
            return _read_receipt(body, sent)
        case 413:
            return TooLarge()
        case 400 | 415 if _is_ours(body):
            return Unreadable()
        case 401 | 403:
            return Refused(f"the write key was refused ({status}): check write_key or PARCOURS_WRITE_KEY")
        case _ if 300 <= status < 500 and status not in {408, 425, 429}:
            return Refused(f"this is not a collector's answer ({status}): check endpoint or PARCOURS_ENDPOINT")
        case _:
            return Unavailable(f"status {status}", _retry_after_seconds(headers))


def _read_receipt(body: bytes, sent: Sequence[Outgoing]) -> Answered | Unavailable:
    garbage = Unavailable("a 200 that is not a collector's receipt")
    try:
        receipt = orjson.loads(body)
    except orjson.JSONDecodeError:
        return garbage
    match receipt:
        case {"accepted": int(accepted), "duplicate": int(duplicate), "rejected": list(rejected)}:
            rejections = tuple(_read_rejection(item, sent) for item in rejected)
        case _:
            return garbage
    known = [rejection for rejection in rejections if rejection is not None]
    if accepted < 0 or duplicate < 0 or accepted + duplicate + len(rejected) != len(sent):
        return garbage
    if len({rejection.index for rejection in known}) != len(rejected):
        return garbage
    return Answered(tuple(known), _read_warnings(receipt.get("warnings"), sent))


def _read_warnings(warnings: object, sent: Sequence[Outgoing]) -> tuple[Rejection, ...]:
    """Return what the collector took and would have others mend; one that cannot be read costs nothing."""
    if not isinstance(warnings, list):
        return ()
    read = (_read_rejection(item, sent) for item in warnings)
    return tuple(warning for warning in read if warning is not None)


def _read_rejection(item: object, sent: Sequence[Outgoing]) -> Rejection | None:
    match item:
        case {"index": int(index), **rest} if 0 <= index < len(sent):
            if (rest.get("id") or sent[index].id) != sent[index].id:
                return None
            return Rejection(
                index, _shown_code(rest.get("code")), _shown_path(rest.get("path")), str(rest.get("detail") or "")
            )
        case _:
            return None


def _shown_code(code: object) -> str:
    """Return a code that may be logged: whoever answers could forge a line of the log."""
    return code if isinstance(code, str) and code in _CODES else "unknown_code"


def _shown_path(path: object) -> str:
    """Return a JSON pointer that may be logged; `*` for whatever else is given."""
    if path is None or path == "":
        return ""
    if not isinstance(path, str) or len(path) > _PATH_MAX_CHARS or not (path.isascii() and path.startswith("/")):
        return "*"
    segments = path.split("/")[1:]
    return path if all(segment.isdecimal() or shown_name(segment) == segment for segment in segments) else "*"


def _is_ours(body: bytes) -> bool:
    """Whether an error is a collector's own: a proxy's 400 must not cost a touchpoint."""
    try:
        error = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    tag = error.get("error") if isinstance(error, dict) else None
    return isinstance(tag, str) and tag in _UNREADABLE


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        at = _instant(value)
        if at is None:
            return None
        # By the clock that said it: that of a till may be wrong by years.
        seconds = (at - (_instant(headers.get("Date", "")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _RETRY_AFTER_MAX_SECONDS) if seconds == seconds else None  # noqa: PLR0124 - a NaN


def _instant(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=at.tzinfo or UTC)
