"""Names in Python for the names of a plan, each once.

The rule for fields: characters that no identifier has become `_`; a name that begins with a digit or `_` gets `p_` in
front; one that Python, pydantic or the generated module needs gets `_` at its end; what another property or field is
called already is numbered: `_2`.
"""

import builtins
import keyword
import re
from collections.abc import Container

from parcours_schemas.planned import KeepsNulls, Planned, Ruled

IMPORTED = {
    "Annotated": "typing",
    "ClassVar": "typing",
    "Literal": "typing",
    "UUID": "uuid",
    "Field": "pydantic",
    "JsonValue": "pydantic",
    "Amount": "parcours_schemas.fields",
    "Day": "parcours_schemas.fields",
    "Moment": "parcours_schemas.fields",
    "SignedAmount": "parcours_schemas.fields",
    "KeepsNulls": "parcours_schemas.planned",
    "Part": "parcours_schemas.planned",
    "Planned": "parcours_schemas.planned",
    "Ruled": "parcours_schemas.planned",
}
"""What a generated module may import, and from where."""

MAX_CLASS_NAME_CHARS = 64
_TYPES = frozenset({"str", "int", "float", "bool", "list", "dict"})
_OF_THE_BASES = frozenset(dir(Planned)) | frozenset(dir(Ruled)) | frozenset(dir(KeepsNulls)) | frozenset(dir(type))
_PROTECTED = ("model_dump", "model_validate")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_WORD = re.compile(r"[A-Za-z0-9]+")


def field_name(name: str, *, owner: str, taken: Container[str]) -> str:
    """The name of the field for a property, by the rule above.

    Args:
        name: of the property, any text.
        owner: the class that it is in: names like its own are those of other classes.
        taken: fields that the class has already, and the names of its other properties.
    """
    base = _NOT_IN_A_NAME.sub("_", name)
    if not base or not base[0].isalpha() or base.startswith(_PROTECTED):
        base = f"p_{base.lstrip('_')}"
    if keyword.iskeyword(base) or base in _TYPES or base in IMPORTED or base in _OF_THE_BASES or base.startswith(owner):
        base += "_"
    return _once(base, taken)


class ClassNames:
    """Hands out the names of a module's classes and types, each once."""

    def __init__(self) -> None:
        self._taken = {*IMPORTED, *dir(builtins)}

    def new(self, *words: str) -> str:
        """A name in capitalised words, such as `TestDriveTaken`; cut where it would be too long, and numbered."""
        base = "".join(word[0].upper() + word[1:] for text in words for word in _WORD.findall(text))
        base = base[:MAX_CLASS_NAME_CHARS]
        if not base or not base[0].isalpha():
            base = f"P{base}"
        name = _once(base, self._taken)
        self._taken.add(name)
        return name


def _once(base: str, taken: Container[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name
