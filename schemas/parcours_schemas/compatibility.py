"""What a change of a JSON Schema means for those who send it, and the version it asks for.

Whatever the rules below do not know to be harmless counts as breaking: a false alarm costs a version number, a miss
costs events. Titles, descriptions, examples and unknown annotations (`x-…`) are no change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from parcours_schemas.touchpoint import Declaration
from parcours_schemas.versions import SchemaVer

JsonSchema = Mapping[str, Any]


class ChangeKind(IntEnum):
    """What a change asks for; the greatest of a schema counts."""

    ADDITION = 1
    """Something optional was added."""
    REVISION = 2
    """More is valid than before, or the meaning of what is valid changed."""
    BREAKING = 3
    """Something that was valid no longer is, or something described is gone."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions of a schema.

    Attributes:
        kind: what it asks for.
        path: JSON pointer to the property, empty for the object.
        what: the change in words.
    """

    kind: ChangeKind
    path: str
    what: str


# How each bound restricts: +1 when a greater value allows less.
_BOUNDS = {
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minLength": 1,
    "minItems": 1,
    "minProperties": 1,
    "minContains": 1,
    "maximum": -1,
    "exclusiveMaximum": -1,
    "maxLength": -1,
    "maxItems": -1,
    "maxProperties": -1,
    "maxContains": -1,
}
_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "$defs", "$ref", "title", "description", "examples", "default", "deprecated"}
)
_HANDLED = frozenset({"type", "enum", "const", "required", "properties", "additionalProperties", "items", "anyOf"})


def compatibility(old: JsonSchema, new: JsonSchema) -> list[Change]:
    """Every change from one JSON Schema (2020-12) to another, in no particular order; references are followed."""
    return list(_Comparison(old, new).of(old, new, ""))


def declaration_changes(old: Declaration, new: Declaration) -> list[Change]:
    """Changes of what a touchpoint declares, beside its version: they change what its events mean."""
    return [
        Change(ChangeKind.REVISION, "", f"its {field} was {_shown(before)} and is {_shown(after)}")
        for field in ("channel", "stage", "need", "valence", "conversion", "revenue_property")
        if (before := getattr(old, field)) != (after := getattr(new, field))
    ]


def needed_version(old: SchemaVer, changes: list[Change]) -> SchemaVer:
    """The least version that these changes to `old` may have."""
    match max((change.kind for change in changes), default=None):
        case None:
            return old
        case ChangeKind.ADDITION:
            return old.next_addition()
        case ChangeKind.REVISION:
            return old.next_revision()
        case ChangeKind.BREAKING:
            return old.next_model()


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


class _Comparison:
    """Two documents, each the home of its own references."""

    def __init__(self, old: JsonSchema, new: JsonSchema) -> None:
        self._old = old
        self._new = new
        self._open: set[tuple[str | None, str | None]] = set()

    def of(self, old: Any, new: Any, path: str) -> Iterator[Change]:
        references = (_reference(old), _reference(new))
        if references in self._open:
            return
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        # Equal texts may still refer to definitions that differ.
        if old == new and not _holds_reference(old):
            return
        if references != (None, None):
            self._open.add(references)
        yield from self._types(old, new, path)
        yield from _values(old, new, path)
        yield from self._properties(old, new, path)
        yield from self._additional(old, new, path)
        yield from self._items(old, new, path)
        yield from self._alternatives(old, new, path)
        yield from _bounds(old, new, path)
        yield from _others(old, new, path)
        self._open.discard(references)

    @staticmethod
    def _types(old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
        before, after = _types(old), _types(new)
        if before == after:
            return
        if before is None or (after is not None and not _covers(after, before)):
            yield Change(ChangeKind.BREAKING, path, f"the type was {_listed(before)} and is {_listed(after)}")
        else:
            yield Change(ChangeKind.REVISION, path, f"the type is wider: {_listed(after)}")

    def _properties(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
        before: JsonSchema = old.get("properties", {})
        after: JsonSchema = new.get("properties", {})
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() - after.keys()):
            yield Change(ChangeKind.BREAKING, f"{path}/{name}", "the property was removed")
        for name in sorted(after.keys() - before.keys()):
            kind = ChangeKind.BREAKING if name in is_required else ChangeKind.ADDITION
            need = "a required" if name in is_required else "an optional"
            yield Change(kind, f"{path}/{name}", f"{need} property was added")
        for name in sorted((is_required - was_required) & (before.keys() | (is_required - after.keys()))):
            yield Change(ChangeKind.BREAKING, f"{path}/{name}", "the property became required")
        for name in sorted((was_required - is_required) & after.keys()):
            yield Change(ChangeKind.REVISION, f"{path}/{name}", "the property is no longer required")
        for name in sorted(before.keys() & after.keys()):
            yield from self.of(before[name], after[name], f"{path}/{name}")

    def _additional(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        yield from self._nested(before, after, f"{path}/*", "other properties")

    def _items(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
        yield from self._nested(old.get("items", True), new.get("items", True), f"{path}/*", "items")

    def _nested(self, before: Any, after: Any, path: str, what: str) -> Iterator[Change]:
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.of(before, after, path)
        elif after is True or before is False:
            if before is not after:
                yield Change(ChangeKind.REVISION, path, f"{what} are less restricted")
        elif before is not after:
            yield Change(ChangeKind.BREAKING, path, f"{what} are more restricted")

    def _alternatives(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
        before, after = list(old.get("anyOf", ())), list(new.get("anyOf", ()))
        if not before or not after:
            if before:
                yield Change(ChangeKind.REVISION, path, "a choice of forms is no longer asked for")
            elif after:
                yield Change(ChangeKind.BREAKING, path, "a choice of forms is asked for")
            return
        unmatched = list(after)
        for alternative in before:
            # The form it became: the one that differs least.
            became = min(unmatched, key=lambda other: self._distance(alternative, other), default=None)
            if became is None or self._distance(alternative, became) >= _UNRELATED:
                yield Change(ChangeKind.BREAKING, path, "one of its forms was removed")
                continue
            unmatched.remove(became)
            yield from self.of(alternative, became, path)
        for _ in unmatched:
            yield Change(ChangeKind.REVISION, path, "another form is accepted")

    def _distance(self, old: Any, new: Any) -> int:
        before, after = _resolved(old, self._old), _resolved(new, self._new)
        if _types(before) != _types(after):
            return _UNRELATED
        return sum(change.kind for change in self.of(old, new, ""))


_UNRELATED = 10_000


def _reference(schema: Any) -> str | None:
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return reference if isinstance(reference, str) else None


def _resolved(schema: Any, document: JsonSchema) -> JsonSchema:
    """A schema with its local reference, if any, replaced by what it stands for; `true` is the schema of anything."""
    seen: set[str] = set()
    while (reference := _reference(schema)) is not None and reference not in seen:
        seen.add(reference)
        target: Any = document
        for part in reference.removeprefix("#").split("/")[1:]:
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, Mapping) else {}
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    if isinstance(schema, Mapping):
        return schema
    return {"not": {}} if schema is False else {}


def _holds_reference(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "$ref" in value or any(map(_holds_reference, value.values()))
    return isinstance(value, list) and any(map(_holds_reference, value))


def _types(schema: JsonSchema) -> frozenset[str] | None:
    given = schema.get("type")
    return None if given is None else frozenset([given] if isinstance(given, str) else given)


def _covers(wider: frozenset[str], narrower: frozenset[str]) -> bool:
    return all(name in wider or (name == "integer" and "number" in wider) for name in narrower)


def _listed(types: frozenset[str] | None) -> str:
    return "anything" if types is None else " or ".join(sorted(types))


def _values(old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
    before, after = _enumerated(old), _enumerated(new)
    if before == after:
        return
    if after is None:
        yield Change(ChangeKind.REVISION, path, "its values are no longer a closed list")
    elif before is None:
        yield Change(ChangeKind.BREAKING, path, "its values became a closed list")
    elif gone := [value for value in before if value not in after]:
        yield Change(ChangeKind.BREAKING, path, f"no longer accepted: {', '.join(map(str, gone[:5]))}")
    elif [value for value in after if value not in before]:
        yield Change(ChangeKind.REVISION, path, "more values are accepted")


def _enumerated(schema: JsonSchema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if values is not None else None


def _bounds(old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
    for bound, sign in _BOUNDS.items():
        before, after = old.get(bound), new.get(bound)
        if before == after:
            continue
        if after is None or (before is not None and (after - before) * sign < 0):
            yield Change(ChangeKind.REVISION, path, f"{bound} is looser")
        else:
            yield Change(ChangeKind.BREAKING, path, f"{bound} is tighter: {after}")


def _others(old: JsonSchema, new: JsonSchema, path: str) -> Iterator[Change]:
    for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _HANDLED - _BOUNDS.keys()):
        if keyword.startswith("x-") or old.get(keyword) == new.get(keyword):
            continue
        if keyword not in new:
            yield Change(ChangeKind.REVISION, path, f"{keyword} is no longer asked for")
        else:
            yield Change(ChangeKind.BREAKING, path, f"{keyword} {'changed' if keyword in old else 'is asked for'}")
