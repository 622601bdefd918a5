"""Properties that a schema does not know: neither right nor wrong by it, and often misspelt.

What a schema says about others wins: `additionalProperties` or `unevaluatedProperties`, whatever they say, leave
nothing unknown. Where it says nothing, a policy decides; see `validation.validate`. Objects inside are looked at too:
those of a class, and those of a document that one schema alone describes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel

from parcours_schemas.refusal import Violation, near_names, pointer, shown_name

FindUnknown: TypeAlias = Callable[[dict[str, Any]], Violation | None]
"""Takes properties that are valid, and returns the first unknown one and how many more there are, or None."""

_SAID = ("additionalProperties", "unevaluatedProperties")
_IN_PLACE = ("$ref", "$dynamicRef", "allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then")


def unknown_property(path: Iterable[str | int], name: str, known: Iterable[str], more: int) -> Violation:
    """Say that a property is unknown, and which may have been meant."""
    hint = near_names(name, known) or ": remove it, or add it to the schema"
    others = f" (and {more} more)" if more else ""
    return Violation(pointer(*path, name), f"{shown_name(name)} is no property that its schema knows{hint}{others}")


def find_unknown_of_class(model: type[BaseModel]) -> FindUnknown:
    """How unknown properties of a class are found: by sets of names made once, here."""
    tree = _Names(model)

    def find(properties: dict[str, Any]) -> Violation | None:
        if properties.keys() <= tree.names and not tree.inner:
            return None
        found = list(tree.unknown_in(properties, ()))
        if not found:
            return None
        path, name, known = found[0]
        return unknown_property(path, name, known, len(found) - 1)

    return find


class _Names:
    """The names of a class, and of the classes in its fields."""

    __slots__ = ("inner", "names")

    def __init__(self, model: type[BaseModel]) -> None:
        self.names = frozenset(model.model_fields)
        classes = {name: _class_in(field.annotation) for name, field in model.model_fields.items()}
        self.inner = {name: _Names(inner) for name, inner in classes.items() if inner is not None}

    def unknown_in(
        self, value: object, path: tuple[str | int, ...]
    ) -> Iterator[tuple[tuple[str | int, ...], str, frozenset[str]]]:
        """Yield path, name and the known names beside it of each unknown property."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.unknown_in(item, (*path, index))
        elif isinstance(value, dict):
            if not value.keys() <= self.names:
                yield from ((path, name, self.names) for name in value if name not in self.names)
            for name, inner in self.inner.items():
                if name in value:
                    yield from inner.unknown_in(value[name], (*path, name))


def _class_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _class_in(each)) is not None), None)


def closed(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document that refuses, besides, what it leaves unsaid: properties that none of its schemas evaluates."""
    return _closed(document, document, root=True)


def _closed(schema: Mapping[str, Any], document: Mapping[str, Any], *, root: bool = False) -> dict[str, Any]:
    result = dict(schema)
    # Beside another schema for the same object, neither can tell what the other knows.
    if not any(word in schema for word in (*_IN_PLACE, "patternProperties")):
        described = schema.get("properties", {})
        result |= {"properties": {name: _closed_inner(each, document) for name, each in described.items()}}
        if "items" in schema:
            result["items"] = _closed_inner(schema["items"], document)
    if (root or _describes(schema, document)) and not any(word in schema for word in _SAID):
        result["unevaluatedProperties"] = False
    return result


def _closed_inner(schema: Any, document: Mapping[str, Any]) -> Any:
    return _closed(schema, document) if isinstance(schema, dict) else schema


def _describes(schema: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether it names the properties of an object, by itself or by a reference alone."""
    if "$ref" in schema:
        prefix, _, name = str(schema["$ref"]).rpartition("/")
        target = document.get("$defs", {}).get(name) if prefix == "#/$defs" else None
        if not isinstance(target, dict):
            return False
        schema = target
    return "properties" in schema and not any(word in schema for word in _IN_PLACE)
