"""An example of each touchpoint, made from its schema: for documentation and for trying things out."""

from collections.abc import Mapping
from typing import Any

from parcours_schemas.plan import ANNOTATION, JsonSchema

EXAMPLE_ID = "019ab1c2-3d4e-7f60-8a1b-2c3d4e5f6071"
EXAMPLE_TIME = "2026-11-21T10:00:00.000Z"

_OPTIONAL_SHOWN = 4
_KNOWN: Mapping[str, object] = {
    "product_id": "tv-55",
    "name": "Television 55 inches",
    "category": "televisions",
    "price": "799.00",
    "total": "799.00",
    "revenue": "799.00",
    "currency": "EUR",
    "quantity": 1,
    "order_id": "order-1001",
    "receipt_id": "receipt-1001",
    "store_id": "paris-04",
    "coupon": "TV50",
    "network": "linkedin",
    "engine": "google",
    "query": "television 55 inches",
    "score": 5,
    "rating": 5,
    "url": "https://shop.example/tv-55",
    "path": "/tv-55",
}


def example_event(schema: JsonSchema) -> dict[str, Any]:
    """A valid event of a touchpoint: its required properties and a few more.

    Args:
        schema: a document of the catalogue's export or of a tracking plan.
    """
    declared = schema[ANNOTATION]
    return {
        "id": EXAMPLE_ID,
        "name": declared["name"],
        "schema": declared.get("version", "1-0-0"),
        "occurred_at": EXAMPLE_TIME,
        "channel": declared["channel"],
        "ids": {"anonymous_id": "a-81f3", "user_id": "u-42"},
        "properties": _properties(schema, schema),
    }


def _properties(schema: JsonSchema, document: JsonSchema) -> dict[str, Any]:
    described: JsonSchema = schema.get("properties", {})
    required = list(schema.get("required", ()))
    for choice in schema.get("anyOf", ())[:1]:
        required += choice.get("required", ())
    known = [name for name in described if name in _KNOWN and name not in required]
    names = [*required, *known[:_OPTIONAL_SHOWN]]
    properties = {name: _value(name, described.get(name, {}), document) for name in names}
    if "currency" in described and any(name in schema.get("dependentSchemas", {}) for name in names):
        properties["currency"] = _KNOWN["currency"]
    return properties


def _value(name: str, schema: JsonSchema, document: JsonSchema) -> object:
    if "$ref" in schema:
        schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
    if name in _KNOWN:
        return _KNOWN[name]
    if "anyOf" in schema:
        return _value(name, schema["anyOf"][0], document)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return [_value(name, schema.get("items", {}), document)]
        case "object":
            return _properties(schema, document)
        case "string" if schema.get("format") == "date-time":
            return EXAMPLE_TIME
        case "string" if schema.get("format") == "date":
            return EXAMPLE_TIME[:10]
        case "string" if "pattern" in schema:
            return "10.00"
        case _:
            return f"{name.removesuffix('_id')}-1"
