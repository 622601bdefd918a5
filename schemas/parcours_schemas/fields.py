"""The types that properties are made of: text, counts, money, moments; checked alike on the wire and in Python.

Money is a decimal and an ISO 4217 code. A decimal string or a Decimal is kept exactly, and refused when it needs more
than four decimals; a float, which sums such as 0.1 + 0.2 leave beside what was meant, is rounded to four.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from parcours_schemas.currencies import CURRENCIES
from parcours_schemas.envelope import TIME_PATTERN

MAX_TEXT_CHARS = 2048
MAX_LINES = 500
"""Lines of an order, products of a list."""
AMOUNT_DIGITS = 14
AMOUNT_DECIMALS = 4
"""Together they fill ClickHouse's Decimal(18, 4)."""

_AMOUNT_PATTERN = rf"[0-9]{{1,{AMOUNT_DIGITS}}}(?:\.[0-9]{{1,{AMOUNT_DECIMALS}}})?"
_POSITIVE_AMOUNT = re.compile(_AMOUNT_PATTERN, re.ASCII)
_AMOUNT = re.compile(f"-?{_AMOUNT_PATTERN}", re.ASCII)
_AMOUNT_LIMIT = 10**AMOUNT_DIGITS
_SMALLEST_AMOUNT = Decimal(1).scaleb(-AMOUNT_DECIMALS)
_MOMENT = re.compile(TIME_PATTERN, re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_amount(value: object) -> Decimal:
    """An amount as an exact decimal, from a decimal string, a number or a Decimal.

    A float is rounded to 4 decimals, half to even, and is never -0; nothing else is rounded.

    Raises:
        PydanticCustomError: not a finite decimal of at most 14 digits and 4 decimals.
    """
    text = value if type(value) is str else _decimal_text(value)
    if _AMOUNT.fullmatch(text) is None:
        raise PydanticCustomError(
            "amount",
            "an amount is a decimal string or a number with at most 14 digits before and 4 after the point, "
            'without sign of currency or thousands, e.g. "799.00"',
        )
    return Decimal(text)


def _parse_positive_amount(value: object) -> Decimal:
    if type(value) is str and _POSITIVE_AMOUNT.fullmatch(value):
        return Decimal(value)
    amount = parse_amount(value)
    if amount < 0:
        raise PydanticCustomError("amount", "this amount must not be negative")
    return amount


def _decimal_text(value: object) -> str:
    match value:
        case bool():
            return ""
        case int():
            return str(value) if -_AMOUNT_LIMIT < value < _AMOUNT_LIMIT else ""
        case float():
            # repr gives the shortest text that reads back as the same float: what the sender meant.
            if not abs(value) < _AMOUNT_LIMIT:  # NaN too
                return ""
            rounded = Decimal(repr(value)).quantize(_SMALLEST_AMOUNT, ROUND_HALF_EVEN)
            return format(rounded.normalize(), "f") if rounded else "0"
        case Decimal():
            exponent = value.as_tuple().exponent
            if not isinstance(exponent, int) or not -40 < exponent < 40:
                return ""
            text = format(value, "f")
            return text.rstrip("0").rstrip(".") if "." in text and exponent < -AMOUNT_DECIMALS else text
        case _:
            return ""


def _currency(value: object) -> str:
    if type(value) is str and value in CURRENCIES:
        return value
    if isinstance(value, str) and value.strip().upper() in CURRENCIES:
        code = value.strip().upper()
        raise PydanticCustomError("currency", "a currency is written in capitals: send {code}", {"code": code})
    raise PydanticCustomError("currency", "this is not an active ISO 4217 currency code: three capitals, e.g. EUR")


def _moment(value: object) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            value = None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise PydanticCustomError("moment", "a time is RFC 3339 with an offset, e.g. 2026-11-21T10:00:00Z")


def _day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise PydanticCustomError("day", "a day is written YYYY-MM-DD")


def _amount_schema(lowest: int) -> dict[str, Any]:
    sign = "-?" if lowest else ""
    bounds = {"minimum": 0} if not lowest else {"exclusiveMinimum": -_AMOUNT_LIMIT}
    return {
        "anyOf": [
            {"type": "string", "pattern": f"^{sign}{_AMOUNT_PATTERN}$"},
            {"type": "number", "exclusiveMaximum": _AMOUNT_LIMIT, **bounds},
        ]
    }


@dataclass(frozen=True, slots=True, eq=False)  # hashed by identity, as typing asks of annotations
class _Checked:
    """Annotation: the value is what one function makes of it, in Python and on the wire."""

    function: Callable[[object], object]
    json_schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.function)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(self.json_schema)


Amount = Annotated[Decimal, _Checked(_parse_positive_amount, _amount_schema(0))]
"""Money, not negative; its currency stands beside it."""
SignedAmount = Annotated[Decimal, _Checked(parse_amount, _amount_schema(-1))]
"""Money that may be negative: a till receipt with returns."""
Currency = Annotated[
    str, _Checked(_currency, {"type": "string", "pattern": "^[A-Z]{3}$", "description": "An active ISO 4217 code."})
]
"""An active ISO 4217 code."""
Moment = Annotated[datetime, _Checked(_moment, {"type": "string", "format": "date-time", "pattern": TIME_PATTERN})]
"""An instant, aware."""
Day = Annotated[date, _Checked(_day, {"type": "string", "format": "date"})]
"""A calendar day."""
Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT_CHARS)]
Reference = Annotated[str, Field(strict=True, min_length=1, max_length=256)]
"""An identifier of a thing: a product, an order, a ticket. Never of a person: those go into `ids`."""
Count = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
Flag = Annotated[bool, Field(strict=True)]
Measure = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
