"""What a refusal says: its code, where in the event, and what is wrong and what to do.

A refusal is kept and shown to many, so it never holds a value of the event: that may be a person's. Of names it
holds only those that look like names in a program. Slow on purpose: it is not on the path of a valid event.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from parcours_schemas.reject import RejectCode

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A touchpoint that is not taken.

    Attributes:
        code: from the closed vocabulary.
        path: JSON pointer into the event, empty for the event as a whole.
        detail: what is wrong, where, and what to do; no value of the event.
    """

    code: RejectCode
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Violation:
    """Properties that break their schema.

    Attributes:
        path: JSON pointer into the properties.
        detail: what is wrong and what to do; no value.
    """

    path: str
    detail: str


def pointer(*segments: str | int) -> str:
    """A JSON pointer; names that do not look like names in a program become `*`."""
    return "".join(f"/{shown_name(str(segment)) if isinstance(segment, str) else segment}" for segment in segments)


def shown_name(name: str) -> str:
    """A name given by the sender as it may be shown, or `*`."""
    return name if _SAFE_NAME.fullmatch(name) else "*"


def near_names(name: str, known: Iterable[str]) -> str:
    """`; did you mean a or b?`, or nothing when no known name is near."""
    near = _near(name[:64], tuple(known))
    return f"; did you mean {' or '.join(near)}?" if near else ""


@lru_cache(maxsize=1024)
def _near(name: str, known: tuple[str, ...]) -> list[str]:
    return get_close_matches(name.lower().replace("-", "_").replace(" ", "_"), known, n=3, cutoff=0.75)


_WANTED = {
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number, not a text or a decimal",
    "float_type": "must be a number, not a text",
    "dict_type": "must be an object",
    "is_instance_of": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "string_pattern_mismatch": "is not written as it must be",
}


def violation_of(error: ValidationError) -> Violation:
    """The first thing wrong with the properties of a touchpoint of the catalogue."""
    errors = error.errors(include_url=False, include_input=False)
    first = errors[0]
    segments: list[str | int] = list(first["loc"])
    context: dict[str, Any] = first.get("ctx", {})
    if "property" in context:
        segments.append(str(context["property"]))
    return Violation(pointer(*segments), _detail(segments, first["type"], first["msg"], len(errors)))


def _detail(segments: Sequence[str | int], kind: str, message: str, count: int) -> str:
    name = shown_name(str(segments[-1])) if segments else "the object"
    if kind == "missing":
        what = f"{name} is required and missing"
    elif kind in _WANTED:
        what = f"{name} {_WANTED[kind]}"
    else:
        what = f"{name}: {message[:1].lower()}{message[1:]}"
    more = f" (and {count - 1} more)" if count > 1 else ""
    return what + more


_CODE_OF_FIELD = {
    "id": RejectCode.INVALID_ID,
    "name": RejectCode.INVALID_NAME,
    "schema": RejectCode.UNSUPPORTED_VERSION,
    "occurred_at": RejectCode.INVALID_TIME,
    "ids": RejectCode.INVALID_IDENTIFIER,
}
_FORM_OF_FIELD = {
    "id": "id must be a UUID of 36 characters: make a UUIDv7 once for each touchpoint",
    "name": "name must be snake_case of at most 64 characters, past tense, e.g. product_viewed",
    "schema": "schema must be MODEL-REVISION-ADDITION, e.g. 1-0-0",
    "occurred_at": "occurred_at must be RFC 3339 with an offset, e.g. 2026-11-21T10:00:00.000Z",
    "channel": "channel must be snake_case of at most 64 characters, e.g. web",
}


def envelope_refusal(error: ValidationError, fields: Iterable[str]) -> Refusal:
    """The first thing wrong with an envelope.

    Args:
        error: what its check raised.
        fields: the names that an envelope may have.
    """
    errors = error.errors(include_url=False, include_input=False)
    first = errors[0]
    field, *inner = first["loc"]
    kind = first["type"]
    code = _CODE_OF_FIELD.get(str(field), RejectCode.INVALID_ENVELOPE)
    if kind == "extra_forbidden":
        name = shown_name(str(field))
        hint = near_names(str(field), fields) or ": what is your own goes into properties or context"
        return Refusal(RejectCode.INVALID_ENVELOPE, pointer(field), f"{name} is no field of a touchpoint{hint}")
    if kind == "missing":
        return Refusal(code, pointer(field), f"{field} is required and missing")
    if not inner and field in _FORM_OF_FIELD:
        return Refusal(code, pointer(field), _FORM_OF_FIELD[str(field)])
    if field == "ids" and inner:
        return _ids_refusal(inner, {each["type"] for each in errors if each["loc"][:2] == first["loc"][:2]})
    if field == "consent" and inner:
        return Refusal(
            code, pointer(field, inner[0]), "consent is an object of snake_case purposes, each true or false"
        )
    return Refusal(code, pointer(*first["loc"]), _detail(first["loc"], kind, first["msg"], len(errors)))


def _ids_refusal(inner: Sequence[str | int], kinds: set[str]) -> Refusal:
    name, *rest = inner
    path = pointer("ids", name)
    if rest and rest[0] == "[key]":
        return Refusal(
            RejectCode.INVALID_IDENTIFIER, path, "a kind of identifier is snake_case of at most 64 characters"
        )
    shown = shown_name(str(name))
    if kinds & {"string_too_long", "too_long"}:
        return Refusal(
            RejectCode.INVALID_IDENTIFIER,
            path,
            f"{shown} has too long a value or too many: at most 512 characters and 16 values a kind",
        )
    return Refusal(
        RejectCode.INVALID_IDENTIFIER, path, f"{shown} must be a string or a list of strings: send numbers as strings"
    )
