"""Properties that are plainly valid: told in a few µs, without making an object of them.

`plainly_valid` says yes only of what the class would take: usual values of the usual types, each judged by itself, and
the two rules over several of them that are known here: money has a currency, an order has some. A class with any other
rule, and a value of any other form, is for the class to judge.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias, get_args, get_type_hints

from pydantic import BaseModel

from parcours_schemas.catalogue.products import Product, Products
from parcours_schemas.currencies import CURRENCIES
from parcours_schemas.fields import (
    AMOUNT_DECIMALS,
    AMOUNT_DIGITS,
    MAX_LINES,
    MAX_TEXT_CHARS,
    Amount,
    Count,
    Currency,
    Flag,
    Reference,
    SignedAmount,
    Text,
)
from parcours_schemas.money import Priced

Plainly: TypeAlias = Callable[[Any], bool]

_MAX_REFERENCE_CHARS = 256
_MAX_COUNT = 2**31 - 1
_is_amount = re.compile(rf"[0-9]{{1,{AMOUNT_DIGITS}}}(?:\.[0-9]{{1,{AMOUNT_DECIMALS}}})?", re.ASCII).fullmatch
_KNOWN_RULES = frozenset({"_amounts_have_a_currency", "_money_is_given"})
"""Of classes that have any other rule nothing is plain."""


def _is_money(value: Any) -> bool:
    return type(value) is str and _is_amount(value) is not None


def _are_products(value: Any) -> bool:
    return (
        type(value) is list
        and len(value) <= MAX_LINES
        and all(type(each) is dict and _plain_product()(each) for each in value)
    )


@cache
def _plain_product() -> Plainly:
    return plainly_valid(Product, is_closed=True)


_BY_TYPE: tuple[tuple[object, Plainly], ...] = (
    (Text, lambda value: type(value) is str and len(value) <= MAX_TEXT_CHARS),
    (Reference, lambda value: type(value) is str and 0 < len(value) <= _MAX_REFERENCE_CHARS),
    (Count, lambda value: type(value) is int and 0 <= value <= _MAX_COUNT),
    (Flag, lambda value: type(value) is bool),
    (Currency, lambda value: type(value) is str and value in CURRENCIES),
    (Amount, _is_money),
    (SignedAmount, _is_money),
    (Products, _are_products),
)


def plainly_valid(model: type[BaseModel], *, is_closed: bool = False) -> Plainly:
    """Return what says of properties whether a class plainly takes them; False says nothing.

    Args:
        model: The class.
        is_closed: Whether it refuses names that it does not know: a class inside another does, a touchpoint on the wire
            does not.
    """
    decorators = model.__pydantic_decorators__
    if decorators.field_validators or decorators.root_validators or decorators.validators:
        return _never
    if not decorators.model_validators.keys() <= _KNOWN_RULES or any(f.alias for f in model.model_fields.values()):
        return _never
    hints = get_type_hints(model, include_extras=True)
    checks = {name: check for name in model.model_fields if (check := _check_of(hints[name])) is not None}
    required = frozenset(name for name, field in model.model_fields.items() if field.is_required())
    named = frozenset(model.model_fields)
    needs_money = "_money_is_given" in decorators.model_validators
    amounts = frozenset(model.__amounts__) if issubclass(model, Priced) else frozenset()

    def plainly(properties: Mapping[str, Any]) -> bool:
        for name, value in properties.items():
            check = checks.get(name)
            if check is None:
                if is_closed or name in named:
                    return False
            elif not check(value):
                return False
        keys = properties.keys()
        return (
            required <= keys
            and ("currency" in keys or amounts.isdisjoint(keys))
            and (not needs_money or "revenue" in keys or "total" in keys)
        )

    return plainly


def _never(_properties: Any) -> bool:
    return False


def _check_of(hint: object) -> Plainly | None:
    """The check of one type, of it or None too; None for types that are not known here."""
    kinds = [hint, *(each for each in get_args(hint) if each is not type(None))]
    return next((check for kind, check in _BY_TYPE if any(kind is each for each in kinds)), None)
