"""What the classes that `parcours schemas codegen` writes stand on: touchpoints of a tracking plan, typed.

A planned class takes values of exactly its types, and no other properties. Where a property's name is no name in
Python, the field has another and the wire keeps the plan's. Knows neither the writing of classes nor any plan.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from parcours_schemas.plan import compile_document
from parcours_schemas.refusal import Violation
from parcours_schemas.touchpoint import Touchpoint


class Planned(Touchpoint):
    """A touchpoint of a tracking plan."""

    # Here and below in full: the type checker's plugin reads no other form.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class Part(BaseModel):
    """An object inside a planned touchpoint; immutable."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class KeepsNulls(BaseModel):
    """Mixed in where a required property may be null: null is sent then, not left out."""

    __nulls__: ClassVar[list[str]] = []

    @model_serializer(mode="wrap")
    def _with_nulls(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**dict.fromkeys(self.__nulls__), **handler(self)}


class Ruled(BaseModel):
    """Mixed in where the schema says more than types can: it is checked as a whole when an object is made.

    Raises:
        pydantic.ValidationError: at construction, when the schema refuses what the types took.
        MissingExtra: the library of the `plans` extra is not installed.
    """

    __rules__: ClassVar[str] = "{}"

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        violation = _rules(self.__rules__)(self.model_dump(mode="json", exclude_none=True))
        if violation is not None:
            raise PydanticCustomError(
                "plan", "{where} breaks a rule of the plan: {what}", {"where": violation.path, "what": violation.detail}
            )
        return self


@cache
def _rules(text: str) -> Callable[[dict[str, Any]], Violation | None]:
    return compile_document("the plan", orjson.loads(text))
