"""From what stands in a row to the value a touchpoint carries: times, types, money. A Problem is a value.

What a problem says names the column and the type, never the value: it may be a person's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import orjson
from pydantic_core import PydanticCustomError

from parcours_collector.importing.mapping import Time, ValueType
from parcours_schemas.fields import parse_amount

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_BOOLEANS = dict.fromkeys(("true", "t", "yes", "y", "1"), True) | dict.fromkeys(("false", "f", "no", "n", "0"), False)
_INTEGER_LIMIT = 2**63
_LEVELS_AROUND = 32


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row maps to no touchpoint: `path` points to the column in the row, `detail` holds no value of it."""

    path: str
    detail: str


Read = Callable[[object], object]
"""From a held value that is not empty to the value wanted; None when it is not of the type."""


def column_path(column: str) -> str:
    """Return the JSON pointer to a column of a row."""
    return "/" + column.replace("~", "~0").replace("/", "~1")


def read_as(kind: ValueType) -> Read:
    """Return how a value is read as a type."""
    return _READERS[kind]


def read_time(time: Time) -> Callable[[object], datetime | str]:
    """Return how the map's time is read: the instant in UTC, or what is wrong in words."""
    zone = None if time.timezone is None else ZoneInfo(time.timezone)
    parse = _TIMES.get(time.format) or _by_pattern(time.format)

    def read(held: object) -> datetime | str:
        try:
            at = parse(held)
            if at.tzinfo is None:
                if zone is None:
                    return "the time names no offset: set occurred_at.timezone"
                at = at.replace(tzinfo=zone)
            at = at.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, InvalidOperation):
            return f"this is not a time of the format {time.format}"
        return at if at >= EPOCH else "the time is before 1970"

    return read


def _from_iso(held: object) -> datetime:
    if not isinstance(held, str):
        raise TypeError
    return datetime.fromisoformat(held.strip())


def _from_unix(held: object, unit: timedelta) -> datetime:
    if isinstance(held, bool) or not isinstance(held, str | int | float):
        raise TypeError
    number = Decimal(held.strip() if isinstance(held, str) else repr(held))
    microseconds = number * (unit // timedelta(microseconds=1))
    return EPOCH + timedelta(microseconds=int(microseconds))


def _by_pattern(pattern: str) -> Callable[[object], datetime]:
    def parse(held: object) -> datetime:
        if not isinstance(held, str):
            raise TypeError
        return datetime.strptime(held.strip(), pattern)  # noqa: DTZ007 - the map's timezone is put in by read_time

    return parse


_TIMES: dict[str, Callable[[object], datetime]] = {
    "iso": _from_iso,
    "unix_seconds": lambda held: _from_unix(held, timedelta(seconds=1)),
    "unix_milliseconds": lambda held: _from_unix(held, timedelta(milliseconds=1)),
}


def as_text(held: object) -> str | None:
    """Return a value as text; None for what has no one text: an object or a list."""
    match held:
        case str():
            return held
        case bool() | int() | float():
            return orjson.dumps(held).decode()
        case _:
            return None


def _integer(held: object) -> int | None:
    if isinstance(held, str) and _INTEGER.fullmatch(held.strip()):
        held = int(held)
    if isinstance(held, float) and held.is_integer():
        held = int(held)
    if isinstance(held, int) and not isinstance(held, bool) and abs(held) < _INTEGER_LIMIT:
        return held
    return None


def _number(held: object) -> int | float | None:
    if isinstance(held, str) and _NUMBER.fullmatch(held.strip()):
        number = float(held)
        return number if abs(number) != float("inf") else None
    return held if isinstance(held, int | float) and not isinstance(held, bool) else None


def _boolean(held: object) -> bool | None:
    if isinstance(held, bool):
        return held
    text = as_text(held)
    return None if text is None else _BOOLEANS.get(text.strip().lower())


def _money(held: object) -> str | None:
    try:
        return str(parse_amount(held.strip() if isinstance(held, str) else held))
    except PydanticCustomError:
        return None


def _json(held: object) -> object:
    if not isinstance(held, str):
        return held
    try:
        value = orjson.loads(held)
    except orjson.JSONDecodeError:
        return None
    return value if is_writable(value) else None


def is_writable(value: object) -> bool:
    """Whether a JSON value can be written inside an event or a letter: JSON is read deeper than it is written."""
    for _ in range(_LEVELS_AROUND):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


_READERS: dict[ValueType, Read] = {
    "string": as_text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "money": _money,
    "json": _json,
}
