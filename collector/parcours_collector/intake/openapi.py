"""The doors as an OpenAPI 3.1 document: what each takes, what it answers, and with which limits.

The envelope is the one that touchpoints are checked against; the rest is said here and held to the collector by tests.
"""

from functools import cache
from typing import Any

import orjson

from parcours_collector.settings import HttpSettings
from parcours_schemas.envelope import MAX_EVENT_BYTES
from parcours_schemas.export import envelope_schema
from parcours_schemas.reject import REMEDIES, RejectCode
from parcours_schemas.version import __version__

_ERRORS = {
    400: "The body cannot be read as what it says it is.",
    401: "No write key, an unknown one, or a revoked one.",
    403: "The key is good, but not for this page or this door.",
    413: "The body is over a limit, as sent or once decompressed.",
    415: "A compression or media type that is not read.",
    429: "The source has used its quota: `Retry-After` says when to come back.",
    503: "Nothing was accepted: send the same later. `Retry-After` says when.",
}
_WAITING = (429, 503)


@cache
def _envelope() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of a touchpoint, and those that it refers to, with references as OpenAPI has them."""
    text = orjson.dumps(envelope_schema()).replace(b"#/$defs/", b"#/components/schemas/")
    schema: dict[str, Any] = orjson.loads(text)
    schema.pop("$schema", None)
    schema.pop("$id", None)
    return schema, schema.pop("$defs", {})


def openapi_document(limits: HttpSettings) -> bytes:
    """Return the document as JSON, with the limits of this collector in it."""
    touchpoint, others = _envelope()
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Parcours collector",
            "version": __version__,
            "description": "A 200 means that every touchpoint of the request is on disk, accepted or as a dead letter.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"write_key": []}],
        "paths": {
            "/v1/touchpoints": {"post": _post_touchpoints(limits)},
            "/v1/dead-letters": {"post": _post_dead_letters(limits)},
            "/v1/source": {"get": _get("Whose key this is", _ref("Source"), errors=(401, 403))},
            "/livez": {"get": _get("Whether the process runs", _ref("Status"), is_open=True)},
            "/readyz": {"get": _get("Whether touchpoints can be kept", _ref("Status"), is_open=True, not_ready=True)},
        },
        "components": {
            "securitySchemes": {"write_key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Touchpoint": touchpoint, **others, **_OWN_SCHEMAS},
        },
    }
    return orjson.dumps(document)


def _post_touchpoints(limits: HttpSettings) -> dict[str, Any]:
    events = {"type": "array", "items": _ref("Touchpoint"), "maxItems": limits.max_batch_events}
    batch = {
        "type": "object",
        "required": ["touchpoints"],
        "properties": {"touchpoints": events, "sent_at": {"type": ["string", "null"], "format": "date-time"}},
        "additionalProperties": False,
    }
    return {
        "operationId": "post_touchpoints",
        "summary": "Send touchpoints: each is accepted, a duplicate, or rejected by itself.",
        "description": f"At most {limits.max_body_bytes} bytes as sent, {limits.max_inflated_bytes} once decompressed "
        f"(gzip or zstd), and {MAX_EVENT_BYTES} a touchpoint.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [events, batch]}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "responses": {"200": _answer("What became of each touchpoint.", _ref("Receipt")), **_errors(*_ERRORS)},
    }


def _post_dead_letters(limits: HttpSettings) -> dict[str, Any]:
    letters = {"type": "array", "items": {"type": "object"}, "maxItems": limits.max_batch_events}
    return {
        "operationId": "post_dead_letters",
        "summary": "Keep what a source could not make a touchpoint of, such as rows of an import.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": letters}}},
        "responses": {"200": _answer("What became of each letter.", _ref("LettersReceipt")), **_errors(*_ERRORS)},
    }


def _get(
    summary: str,
    schema: dict[str, Any],
    *,
    errors: tuple[int, ...] = (),
    is_open: bool = False,
    not_ready: bool = False,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": _answer(f"{summary}.", schema), **_errors(*errors)},
    }
    if is_open:
        operation["security"] = []
    if not_ready:
        operation["responses"]["503"] = _answer("Not now.", schema)
    return operation


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _errors(*statuses: int) -> dict[str, Any]:
    answers = {}
    for status in statuses:
        answers[str(status)] = _answer(_ERRORS[status], _ref("Error"))
        if status in _WAITING:
            answers[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return answers


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_COUNT = {"type": "integer", "minimum": 0}
_REJECTION = {
    "type": "object",
    "required": ["index", "code", "path", "detail"],
    "properties": {
        "index": _COUNT,
        "id": {"type": ["string", "null"]},
        "code": {
            "enum": [str(code) for code in RejectCode],
            "description": "; ".join(f"{c}: {REMEDIES[c]}" for c in RejectCode),
        },
        "path": {"type": "string", "description": "A JSON pointer into the touchpoint."},
        "detail": {"type": "string", "description": "What is wrong, without the value."},
    },
}
_OWN_SCHEMAS: dict[str, Any] = {
    "Rejection": _REJECTION,
    "Receipt": {
        "type": "object",
        "description": "accepted + duplicate + the number of rejected = the touchpoints sent.",
        "required": ["accepted", "duplicate", "rejected"],
        "properties": {
            "accepted": _COUNT,
            "duplicate": _COUNT,
            "rejected": {"type": "array", "items": _ref("Rejection")},
            "warnings": {"type": "array", "items": _ref("Rejection")},
        },
    },
    "LettersReceipt": {
        "type": "object",
        "required": ["kept", "rejected"],
        "properties": {"kept": _COUNT, "rejected": {"type": "array", "items": _ref("Rejection")}},
    },
    "Source": {
        "type": "object",
        "required": ["source", "project"],
        "properties": {"source": {"type": "string"}, "project": {"type": "string"}},
    },
    "Status": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
    "Error": {
        "type": "object",
        "required": ["error", "message", "hint"],
        "properties": {key: {"type": "string"} for key in ("error", "message", "hint")},
    },
}
