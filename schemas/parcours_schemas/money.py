"""Touchpoints that carry money: an amount without a currency is not money, and is refused."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Self, get_args

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from parcours_schemas.fields import Currency, parse_amount
from parcours_schemas.touchpoint import Declaration, Touchpoint


class Priced(Touchpoint):
    """A touchpoint with amounts: `currency` is required as soon as one of them is given."""

    __amounts__: ClassVar[tuple[str, ...]] = ()

    currency: Currency | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        """Find the amounts among the properties."""
        super().__pydantic_init_subclass__(**declared)
        cls.__amounts__ = tuple(name for name, field in cls.model_fields.items() if _is_money(field.annotation))

    @model_validator(mode="after")
    def _amounts_have_a_currency(self) -> Self:
        if self.currency is None:
            values = self.__dict__
            for name in self.__amounts__:
                if values[name] is not None:
                    raise PydanticCustomError(
                        "currency_missing",
                        "{amount} is money: send currency with it, e.g. EUR",
                        {"amount": name, "property": "currency"},
                    )
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say the rule in JSON Schema too."""
        schema = handler(core_schema)
        body = handler.resolve_ref_schema(schema)
        if cls.__amounts__:
            body["dependentSchemas"] = {
                name: {
                    "if": {"properties": {name: {"not": {"type": "null"}}}},
                    "then": {"required": ["currency"], "properties": {"currency": {"not": {"type": "null"}}}},
                }
                for name in cls.__amounts__
            }
        return schema


def _is_money(annotation: object) -> bool:
    return annotation is Decimal or any(_is_money(argument) for argument in get_args(annotation))


def revenue_of(declaration: Declaration, properties: Mapping[str, object]) -> tuple[Decimal, str] | None:
    """The money that a valid event brought, as (amount, ISO 4217 code), or None.

    Args:
        declaration: of its touchpoint, in the catalogue or the tracking plan. `revenue_property` names the money;
            where an event leaves that out, its `total` stands in.
        properties: as validated.

    Raises:
        pydantic_core.PydanticCustomError: the property holds no amount: the event was not validated.
    """
    if declaration.revenue_property is None:
        return None
    amount = properties.get(declaration.revenue_property)
    if amount is None:
        amount = properties.get("total")
    currency = properties.get("currency")
    if amount is None or not isinstance(currency, str):
        return None
    return parse_amount(amount), currency
