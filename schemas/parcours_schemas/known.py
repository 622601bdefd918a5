"""A touchpoint that can be checked: its declaration and the compiled check of its properties."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from pydantic import ValidationError

from parcours_schemas.refusal import Violation, violation_of
from parcours_schemas.touchpoint import Declaration, Touchpoint
from parcours_schemas.unknown import FindUnknown, find_unknown_of_class
from parcours_schemas.versions import SchemaVer

Check: TypeAlias = Callable[[dict[str, Any]], Violation | None]


@dataclass(frozen=True, slots=True)
class KnownTouchpoint:
    """What the validation of one name needs.

    Attributes:
        declaration: of the current version.
        model: its model number: events of another are refused.
        check: says what is wrong with properties, or None.
        find_unknown: says which of valid properties the schema does not know, or None.
    """

    declaration: Declaration
    model: int
    check: Check
    find_unknown: FindUnknown

    @classmethod
    def of_class(cls, touchpoint: type[Touchpoint]) -> "KnownTouchpoint":
        """A touchpoint given as a class. Unknown properties pass `check`: a newer addition may have sent them."""
        if not touchpoint.__pydantic_complete__:
            touchpoint.model_rebuild()
        validate = touchpoint.__pydantic_validator__.validate_python

        from parcours_schemas.plain import plainly_valid

        is_plain = plainly_valid(touchpoint)

        def check(properties: dict[str, Any]) -> Violation | None:
            if is_plain(properties):
                return None
            try:
                validate(properties, extra="allow")
            except ValidationError as error:
                return violation_of(error)
            return None

        declaration = touchpoint.__touchpoint__
        model = SchemaVer.parse(declaration.version).model
        return cls(declaration, model, check, find_unknown_of_class(touchpoint))


@cache
def known_catalogue() -> Mapping[str, KnownTouchpoint]:
    """The catalogue, compiled at the first call."""
    from parcours_schemas.catalogue import CATALOGUE

    return {name: KnownTouchpoint.of_class(touchpoint) for name, touchpoint in CATALOGUE.items()}
