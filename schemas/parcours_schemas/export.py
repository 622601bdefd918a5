"""The catalogue as JSON Schema 2020-12, for those who do not write Python: one document a touchpoint, and the envelope.

A document has the form of a tracking plan's. It describes the wire, where unknown properties pass. Equal code gives
equal bytes, so that the exported files can be kept beside the code and compared.
"""

from dataclasses import asdict
from typing import Any

import orjson
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema

from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.envelope import WIRE
from parcours_schemas.plan import ANNOTATION, DIALECT, JsonSchema
from parcours_schemas.touchpoint import Touchpoint


class _WireJsonSchema(GenerateJsonSchema):
    """Without the titles that only repeat a property's name."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        return False


def touchpoint_schema(touchpoint: type[Touchpoint]) -> JsonSchema:
    """The document of one touchpoint: usable as it is as a file of a tracking plan."""
    declaration = touchpoint.__touchpoint__
    schema = touchpoint.model_json_schema(schema_generator=_WireJsonSchema)
    _open(schema)
    return {
        "$schema": DIALECT,
        "$id": f"urn:parcours:touchpoint:{declaration.name}:{declaration.version}",
        ANNOTATION: asdict(declaration),
        **schema,
    }


def envelope_schema() -> JsonSchema:
    """The document of the envelope."""
    schema = WIRE.json_schema(schema_generator=_WireJsonSchema)
    return {"$schema": DIALECT, "$id": "urn:parcours:envelope", **schema}


def export_catalogue() -> dict[str, bytes]:
    """Every document by file name: `envelope.json`, and `NAME.json` for each touchpoint of the catalogue."""
    documents = {f"{name}.json": touchpoint_schema(touchpoint) for name, touchpoint in CATALOGUE.items()}
    documents["envelope.json"] = envelope_schema()
    return {filename: encode_document(schema) for filename, schema in sorted(documents.items())}


def encode_document(schema: JsonSchema) -> bytes:
    """A document as it is written: indented, keys in order, ending in a newline."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _open(schema: Any) -> None:
    """Let unknown properties pass, at every depth: typed classes refuse them, the wire does not."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
        for inner in schema.values():
            _open(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _open(inner)
