"""From a JSON Schema to the type of a field.

Every type takes only what its schema takes, or the document is marked as one with rules: it is then checked as a
whole. `JsonValue` with rules stands for whatever has no type.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import TypeAdapter
from pydantic_core import SchemaError, SchemaValidator, core_schema

from parcours_schemas.codegen.expression import NONE, Atom, Expression, Group, literal, union_of
from parcours_schemas.fields import Amount, SignedAmount

ANYTHING = Atom("JsonValue")

ASSERTIONS = frozenset(
    {
        *("type", "enum", "const", "format"),
        *("minLength", "maxLength", "pattern"),
        *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
        *("items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
        *("properties", "required", "patternProperties", "additionalProperties", "propertyNames"),
        *("minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies"),
        *("unevaluatedItems", "unevaluatedProperties"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "$recursiveRef"),
    }
)
"""Keywords that can refuse a value; all others describe."""
_UNCHECKED_FORMATS = frozenset({"decimal"})
_MONEY = tuple(
    (name, TypeAdapter(amount).json_schema()) for name, amount in (("Amount", Amount), ("SignedAmount", SignedAmount))
)
_LONGEST_INTEGER = 2**63
_LENGTHS = (("minLength", "min_length"), ("maxLength", "max_length"))
_SIZES = (("minItems", "min_length"), ("maxItems", "max_length"))
_BOUNDS = (("minimum", "ge"), ("exclusiveMinimum", "gt"), ("maximum", "le"), ("exclusiveMaximum", "lt"))
_FORMATS = {"date": "Day", "date-time": "Moment", "uuid": "UUID"}


class Objects(Protocol):
    """Who makes a class of an object with named properties."""

    def object_type(self, schema: Mapping[str, Any], words: Sequence[str]) -> Expression | None:
        """The class, or None when no property has a name."""


class TypeReader:
    """Reads the types of one document; `has_rules` says whether they leave something unsaid."""

    def __init__(self, document: Mapping[str, Any], objects: Objects) -> None:
        self._document = document
        self._objects = objects
        self._entered: list[str] = []
        self._of_definition: dict[str, Expression] = {}
        self.has_rules = False

    def type_of(self, schema: Any, words: Sequence[str]) -> Expression:
        """The type of what a schema describes.

        Args:
            schema: true, false or an object.
            words: for the name of a class, should it need one.
        """
        if not isinstance(schema, dict) or not schema.keys() & ASSERTIONS:
            self.has_rules |= schema is False
            return ANYTHING
        if "$ref" in schema:
            self._leave(schema, "$ref")
            return self._referenced(str(schema["$ref"]), words)
        if "const" in schema or "enum" in schema:
            return self._one_of(schema)
        for name, form in _MONEY:
            if all(schema.get(key) == value for key, value in form.items()):
                self._leave(schema, *form)
                return Atom(name)
        for word in ("anyOf", "oneOf"):
            if word in schema and "type" not in schema:
                return self._any_of(schema, word, words)
        kind = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(kind, list):
            return self._of_kinds(schema, kind, words)
        return self._of_kind(schema, kind, words)

    def target(self, reference: str) -> Mapping[str, Any] | None:
        """What a reference into the document's own `$defs` names, or None."""
        prefix, _, name = reference.rpartition("/")
        found = self._document.get("$defs", {}).get(name) if prefix == "#/$defs" else None
        return found if isinstance(found, dict) else None

    def _leave(self, schema: Mapping[str, Any], *said: str) -> None:
        """Mark a rule when a schema asserts more than the type has said."""
        left = (schema.keys() & ASSERTIONS).difference(said)
        if left == {"format"} and schema["format"] in _UNCHECKED_FORMATS:
            return
        self.has_rules |= bool(left)

    def _anything_by_rule(self) -> Expression:
        self.has_rules = True
        return ANYTHING

    def _referenced(self, reference: str, words: Sequence[str]) -> Expression:
        target = self.target(reference)
        if target is None or reference in self._entered:
            return self._anything_by_rule()
        if reference not in self._of_definition:
            self._entered.append(reference)
            name = reference.rpartition("/")[2]
            self._of_definition[reference] = self.type_of(target, (words[0], name))
            self._entered.pop()
        return self._of_definition[reference]

    def _one_of(self, schema: Mapping[str, Any]) -> Expression:
        word = "const" if "const" in schema else "enum"
        values = [schema["const"]] if word == "const" else list(schema["enum"])
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not values or not all(map(_is_literal, values)):
            return self._anything_by_rule()
        fitting = kinds is None or all(_kind_of(value) in kinds for value in values)
        # For Python True is 1, and one of the two would stand for both.
        mixed = any(isinstance(value, bool) for value in values) and any(type(value) is int for value in values)
        self._leave(schema, word, *(["type"] if fitting else []))
        self.has_rules |= mixed
        items = tuple(dict.fromkeys(Atom(literal(value)) for value in values if value is not None))
        return union_of(*([Group("Literal", items)] if items else []), *([NONE] if None in values else []))

    def _any_of(self, schema: Mapping[str, Any], word: str, words: Sequence[str]) -> Expression:
        self._leave(schema, word)
        members = [self.type_of(member, words) for member in schema[word]]
        others = [member for member in members if member != NONE]
        if len(others) != 1 or ANYTHING in others or (word == "oneOf" and accepts_null(others[0])):
            self.has_rules = True
        return ANYTHING if ANYTHING in members else union_of(*members)

    def _of_kinds(self, schema: Mapping[str, Any], kinds: Sequence[str], words: Sequence[str]) -> Expression:
        others = [kind for kind in kinds if kind != "null"]
        self.has_rules |= len(others) > 1
        types = [self._of_kind({**schema, "type": kind}, kind, words) for kind in others]
        return union_of(*types, *([NONE] if "null" in kinds else []))

    def _of_kind(self, schema: Mapping[str, Any], kind: str | None, words: Sequence[str]) -> Expression:
        match kind:
            case "string":
                return self._string(schema)
            case "integer":
                return self._number(schema, "int")
            case "number":
                return self._number(schema, "float")
            case "boolean" | "null":
                self._leave(schema, "type")
                return Atom("bool") if kind == "boolean" else NONE
            case "array":
                return self._array(schema, words)
            case "object":
                return self._objects.object_type(schema, words) or self._mapping(schema, words)
            case _:
                return self._anything_by_rule()

    def _string(self, schema: Mapping[str, Any]) -> Expression:
        form = schema.get("format")
        if form in _FORMATS:
            self._leave(schema, "type", "format")
            return Atom(_FORMATS[form])
        if form == "decimal":
            self._leave(schema, "type", "format")
            return Atom("SignedAmount")
        said = ["type"]
        arguments = [f"{name}={int(schema[word])}" for word, name in _LENGTHS if word in schema]
        said += [word for word, _ in _LENGTHS]
        if "pattern" in schema:
            pattern = same_pattern(schema["pattern"])
            if pattern is not None:
                arguments.append(f"pattern={literal(pattern)}")
                said.append("pattern")
        self._leave(schema, *said)
        return _bounded(Atom("str"), arguments)

    def _number(self, schema: Mapping[str, Any], kind: str) -> Expression:
        said = ["type"]
        arguments = []
        for word, name in _BOUNDS:
            bound = schema.get(word)
            if bound is not None and (bound == int(bound) or kind == "float") and abs(bound) < _LONGEST_INTEGER:
                arguments.append(f"{name}={int(bound) if bound == int(bound) else repr(bound)}")
                said.append(word)
        step = schema.get("multipleOf")
        if kind == "int" and isinstance(step, int) and step < _LONGEST_INTEGER:
            arguments.append(f"multiple_of={step}")
            said.append("multipleOf")
        self._leave(schema, *said)
        return _bounded(Atom(kind), arguments)

    def _array(self, schema: Mapping[str, Any], words: Sequence[str]) -> Expression:
        said = ["type", "minItems", "maxItems"]
        items: Expression = ANYTHING
        if "prefixItems" not in schema:
            items = self.type_of(schema.get("items", True), (*words, "item"))
            said.append("items")
        self._leave(schema, *said)
        arguments = [f"{name}={int(schema[word])}" for word, name in _SIZES if word in schema]
        return _bounded(Group("list", (items,)), arguments)

    def _mapping(self, schema: Mapping[str, Any], words: Sequence[str]) -> Expression:
        values = schema.get("additionalProperties", True)
        if "properties" in schema or "patternProperties" in schema or values is False:
            # A type of the values would be too narrow: other words describe some of them.
            self._leave(schema, "type")
            return Group("dict", (Atom("str"), ANYTHING))
        self._leave(schema, "type", "additionalProperties")
        return Group("dict", (Atom("str"), self.type_of(values, (*words, "value"))))

    def object_rules(self, schema: Mapping[str, Any]) -> None:
        """Mark a rule when an object's schema asserts more than its named fields say."""
        self._leave(schema, "type", "properties", "required", "additionalProperties", "unevaluatedProperties")


def accepts_null(expression: Expression) -> bool:
    """Whether None is a value of a type."""
    return expression in {ANYTHING, NONE} or NONE in getattr(expression, "members", ())


def same_pattern(pattern: str) -> str | None:
    r"""A pattern that pydantic reads as JSON Schema reads the given one, or None.

    `\d` and `\w` are ASCII in JSON Schema and Unicode in pydantic; other classes by letter are left to the schema.
    """
    result, in_class, index = [], False, 0
    while index < len(pattern):
        character = pattern[index]
        if character == "\\":
            index += 1
            escaped = pattern[index : index + 1]
            if escaped in {"d", "w"}:
                inside = "0-9" if escaped == "d" else "A-Za-z0-9_"
                result.append(inside if in_class else f"[{inside}]")
            elif escaped.isalnum() or not escaped:
                return None
            else:
                result.append(f"\\{escaped}")
        else:
            special_group = pattern.startswith("(?", index) and not pattern.startswith("(?:", index)
            if special_group or (character == "[" and in_class):
                return None
            in_class = character == "[" or (in_class and character != "]")
            result.append(character)
        index += 1
    translated = "".join(result)
    try:
        SchemaValidator(core_schema.str_schema(pattern=translated))
    except SchemaError:
        return None
    return translated


def _bounded(expression: Expression, arguments: Sequence[str]) -> Expression:
    if not arguments:
        return expression
    return Group("Annotated", (expression, Group("Field", tuple(map(Atom, arguments)), "()")))


def _is_literal(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) < _LONGEST_INTEGER
    return value is None or isinstance(value, str)


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case _:
            return "string"
