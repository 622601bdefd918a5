"""A team's own touchpoints: JSON Schema 2020-12 files, one a touchpoint, each with an `x-parcours` annotation.

    {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
     "x-parcours": {"name": "test_drive_taken", "stage": "consideration", "need": "decide", "channel": "store"},
     "properties": {"model": {"type": "string"}}, "required": ["model"]}

Documents come as bytes: reading the folder belongs to the caller. The `plans` extra compiles them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Required

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from parcours_schemas.envelope import Name
from parcours_schemas.errors import InvalidPlan, InvalidVersion, MissingExtra
from parcours_schemas.known import Check, KnownTouchpoint, known_catalogue
from parcours_schemas.money import revenue_of
from parcours_schemas.refusal import Violation, pointer, shown_name, violation_of
from parcours_schemas.touchpoint import Declaration, Valence
from parcours_schemas.unknown import FindUnknown, closed, unknown_property
from parcours_schemas.versions import SchemaVer

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

ANNOTATION = "x-parcours"
"""Where a document declares its touchpoint."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"

JsonSchema = dict[str, Any]


@with_config(ConfigDict(extra="forbid"))
class _Annotation(TypedDict, total=False):
    name: Required[Name]
    stage: Required[Name]
    need: Required[Name]
    channel: Required[Name]
    valence: Valence
    version: Annotated[str, Field(strict=True)]
    conversion: Annotated[bool, Field(strict=True)]
    revenue_property: Annotated[str, Field(strict=True)] | None


_ANNOTATION: TypeAdapter[_Annotation] = TypeAdapter(_Annotation)


class TrackingPlan:
    """A team's own touchpoints, compiled. Immutable; equal documents give an equal plan."""

    __slots__ = ("_known", "_schemas")

    def __init__(self, known: Mapping[str, KnownTouchpoint], schemas: Mapping[str, JsonSchema]) -> None:
        self._known = MappingProxyType(dict(known))
        self._schemas = MappingProxyType(dict(schemas))

    @classmethod
    def from_documents(cls, documents: Mapping[str, bytes]) -> "TrackingPlan":
        """Compile the documents of a plan.

        Args:
            documents: file name to content, JSON in UTF-8.

        Raises:
            InvalidPlan: a document cannot be used; the message names the file and what to do.
            MissingExtra: there are documents and the library of the `plans` extra is not installed.
        """
        known: dict[str, KnownTouchpoint] = {}
        schemas: dict[str, JsonSchema] = {}
        file_of: dict[str, str] = {}
        for filename, content in sorted(documents.items()):
            schema, declaration = read_document(filename, content)
            name = declaration.name
            if name in known_catalogue():
                raise InvalidPlan(filename, f"{name} is a touchpoint of the catalogue: give yours another name")
            if name in file_of:
                raise InvalidPlan(filename, f"{name} is already declared by {file_of[name]}: keep one of them")
            file_of[name] = filename
            schemas[name] = schema
            known[name] = KnownTouchpoint(
                declaration,
                SchemaVer.parse(declaration.version).model,
                _with_revenue(declaration, compile_document(filename, schema)),
                _compile_find_unknown(filename, schema),
            )
        return cls(known, schemas)

    def get(self, name: str) -> KnownTouchpoint | None:
        """The touchpoint of this name, if the plan has it."""
        return self._known.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Its touchpoints, by file name."""
        return tuple(self._known)

    @property
    def declarations(self) -> Mapping[str, Declaration]:
        """What each touchpoint declares."""
        return MappingProxyType({name: known.declaration for name, known in self._known.items()})

    @property
    def schemas(self) -> Mapping[str, JsonSchema]:
        """The JSON Schema of each touchpoint, as given."""
        return self._schemas


def read_document(filename: str, content: bytes) -> tuple[JsonSchema, Declaration]:
    """A document of a plan or of an exported catalogue: its schema and what it declares. Compiles nothing.

    Raises:
        InvalidPlan: it is not such a document.
    """
    try:
        schema = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidPlan(filename, f"this is not JSON in UTF-8 ({error})") from None
    if not isinstance(schema, dict):
        raise InvalidPlan(filename, "a JSON Schema of a touchpoint is an object")
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        raise InvalidPlan(filename, f"its $schema must be {DIALECT}")
    if schema.get("type") != "object":
        raise InvalidPlan(filename, 'properties are an object: put "type": "object" at the top')
    return schema, _declaration(filename, schema)


def _declaration(filename: str, schema: JsonSchema) -> Declaration:
    if ANNOTATION not in schema:
        raise InvalidPlan(
            filename, f'it declares no touchpoint: add "{ANNOTATION}" with name, stage, need and channel at the top'
        )
    try:
        found = _ANNOTATION.validate_python(schema[ANNOTATION])
        version = found.get("version", "1-0-0")
        SchemaVer.parse(version)
    except ValidationError as error:
        violation = violation_of(error)
        raise InvalidPlan(filename, f"{ANNOTATION}{violation.path}: {violation.detail}") from None
    except InvalidVersion as error:
        raise InvalidPlan(filename, f"{ANNOTATION}/version: {error}") from None
    revenue_property = found.get("revenue_property")
    if revenue_property is not None and revenue_property not in schema.get("properties", {}):
        raise InvalidPlan(filename, f"{ANNOTATION}/revenue_property: {revenue_property} is not one of its properties")
    return Declaration(
        found["name"],
        found["channel"],
        found["stage"],
        found["need"],
        str(found.get("valence", Valence.NEUTRAL)),
        version,
        found.get("conversion", False),
        revenue_property,
    )


def compile_document(filename: str, schema: JsonSchema) -> Callable[[dict[str, Any]], Violation | None]:
    """The check of a document's properties, compiled.

    Raises:
        InvalidPlan: it is no JSON Schema, or needs another document.
        MissingExtra: the library of the `plans` extra is not installed.
    """
    validator = _validator(filename, schema)

    def check(properties: dict[str, Any]) -> Violation | None:
        if validator.is_valid(properties):
            return None
        errors = list(validator.iter_errors(properties))
        first = errors[0]
        path = list(first.instance_path)
        match first.kind.name:
            case "required":
                path.append(str(first.kind.value))
                what = "required and missing"
            case "additionalProperties" | "unevaluatedProperties":
                path.append(str(first.kind.value[0]))
                what = "not a property of this touchpoint"
            case "propertyNames":
                what = "one of its properties has a name that the schema does not allow"
            case _:
                what = first.message
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        name = shown_name(str(path[-1])) if path else "properties"
        return Violation(pointer(*path), f"{name}: {what}{more}; its schema is in the tracking plan")

    return check


def _with_revenue(declaration: Declaration, check: Check) -> Check:
    """The same check, and besides that what is declared as revenue is an amount, whatever the schema lets pass."""
    if declaration.revenue_property is None:
        return check
    revenue_property = declaration.revenue_property

    def check_both(properties: dict[str, Any]) -> Violation | None:
        violation = check(properties)
        if violation is not None:
            return violation
        try:
            revenue_of(declaration, properties)
        except PydanticCustomError as error:
            name = "total" if properties.get(revenue_property) is None else revenue_property
            return Violation(pointer(name), f"{shown_name(name)}: {error.message()}")
        return None

    return check_both


def _compile_find_unknown(filename: str, schema: JsonSchema) -> FindUnknown:
    validator = _validator(filename, closed(schema))
    names = tuple(schema.get("properties", ()))

    def find(properties: dict[str, Any]) -> Violation | None:
        if validator.is_valid(properties):
            return None
        # They are valid as such: what the closed document refuses is unknown, and nothing else.
        found = [
            (error.instance_path, name) for error in validator.iter_errors(properties) for name in error.kind.value
        ]
        path, name = found[0]
        return unknown_property(path, name, () if path else names, len(found) - 1)

    return find


def _validator(filename: str, schema: JsonSchema) -> "Draft202012Validator":
    try:
        import jsonschema_rs
    except ImportError:
        raise MissingExtra("a tracking plan needs its validator: install parcours[plans]") from None
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            # Patterns run on untrusted text: an engine without backtracking, whose time is linear.
            pattern_options=jsonschema_rs.RegexOptions(),
            # No reference to the network or to a file of this machine is ever followed.
            offline=True,
            mask="it",
        )
    except jsonschema_rs.ValidationError as error:
        what = str(error).partition("\n")[0]
        if error.kind.name == "$ref":
            what = f"{what}; a plan reads no other document: move what is shared into its own $defs"
        raise InvalidPlan(filename, f"this is no JSON Schema of 2020-12 that can be used: {what}") from None
