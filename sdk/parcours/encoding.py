"""JSON by rule: how values of Python become the bytes of a touchpoint, once.

Money keeps its digits (a `Decimal` is a string), instants are aware and written in UTC, an `Enum` is its value, `date`,
`time`, `UUID` and `Path` are their text, sets are sorted lists. Anything else is refused by the name of its type, never
by its value.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import PurePath

import orjson

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_OF_CONVERSION = frozenset({"builtins", "parcours", "parcours_schemas", "pydantic", "pydantic_core"})
NAIVE_TIME = "a time has no time zone: give an aware one, such as datetime.now(UTC)"


class NotEncodable(ValueError):
    """A value has no form on the wire. The message names its type and the remedy, never the value."""


def encode(value: object) -> bytes:
    """Return `value` as JSON bytes; a float that is not finite is null.

    Raises:
        NotEncodable: It holds a naive time, a decimal that is not finite, an integer beyond 64 bits, a key that is not
            a string, a cycle, or a type without a rule.
    """
    try:
        return orjson.dumps(value, _encode_other, _OPTIONS)
    except orjson.JSONEncodeError as error:
        if isinstance(error.__cause__, NotEncodable):
            raise error.__cause__ from None
        if error.__cause__ is not None and not is_of_conversion(error.__cause__):
            raise error.__cause__ from None
        raise NotEncodable(f"this is not JSON: {error}") from None


def is_of_conversion(error: BaseException) -> bool:
    """Whether an error is what a value raises that cannot be read, rather than a time limit that fell into the call."""
    if isinstance(error, (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)):
        return True
    if not isinstance(error, Exception) or isinstance(error, TimeoutError):
        return False
    return type(error).__module__.partition(".")[0] in _OF_CONVERSION


def utc_text(instant: datetime) -> str:
    """Return an instant as the wire has it: RFC 3339 in UTC with `Z`.

    Raises:
        NotEncodable: It has no time zone.
    """
    if instant.tzinfo is not UTC:
        if instant.utcoffset() is None:
            raise NotEncodable(NAIVE_TIME)
        instant = instant.astimezone(UTC)
    return orjson.dumps(instant, option=orjson.OPT_UTC_Z)[1:-1].decode()


def _encode_other(value: object) -> object:
    match value:
        case datetime():
            return utc_text(value)
        case date():
            return value.isoformat()
        case time():
            if value.tzinfo is not None:
                raise NotEncodable("a time of day has no time zone of its own: give a datetime")
            return value.isoformat()
        case Decimal():
            if not value.is_finite():
                raise NotEncodable("a decimal is not finite: leave the property out")
            return format(value, "f")
        case PurePath():
            return str(value)
        case set() | frozenset():
            return sorted(value, key=str)
        # Subclasses of what JSON has: their plain value.
        case str():
            return str.__str__(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case dict():
            return dict(value)
        case list() | tuple():
            return list(value)
        case _:
            raise NotEncodable(f"{type(value).__name__} has no form in JSON: give text, a number, a list or a dict")
