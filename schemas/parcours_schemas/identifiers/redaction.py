r"""No clear e-mail address or phone number at rest, wherever in an event it stands.

What is found is replaced by its keyed hash with its kind in front (`email_sha256:…`), so that equal addresses stay
equal. Found are: e-mail addresses inside any text and inside names of properties; phone numbers with their
international prefix (`+` or `00`), with or without separators; whatever holds enough digits under a property that
means a phone number (`naming`), or behind such a name inside a text (`tel=0612345678`), or in its column of a table.
Percent-encoding, JSON's escapes, HTML's entities and full-width characters hide nothing (`disguises`). It errs on the
side of hiding: what merely looks like an address is hidden too.
"""

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers.disguises import undisguised
from parcours_schemas.identifiers.hashing import hash_identifier, keyed_hash
from parcours_schemas.identifiers.kinds import HASHED_KINDS
from parcours_schemas.identifiers.naming import kind_named
from parcours_schemas.identifiers.placeholders import is_placeholder
from parcours_schemas.identifiers.shapes import (
    ADDRESS,
    ANY_NUMBER,
    ENCODED_AT,
    NAME_STEMS,
    NAMED_NUMBER,
    NUMBER,
    international,
    is_phone_number,
)

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

_HASHED = re.compile(r"(?:(?:email|phone)_sha256:)?[0-9a-f]{64}", re.ASCII)
_HASHES = re.compile(r"((?:email|phone)_sha256:[0-9a-f]{64})", re.ASCII)
_NO_NUMBER = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    re.ASCII,
)
"""A date, a time or a UUID: no phone number, whatever it stands under."""
_DIGITS_IN_NAME = re.compile(r"[0-9]{6,}", re.ASCII)
_ENCODED_PERCENT = re.compile(r"%(?:25)+(?=[0-9a-fA-F]{2})")
_COLUMNS = re.compile(r"[,;\t|]")
_MIN_PHONE_DIGITS = 6
_MAX_PASSES = 4
"""Over one text: what a redaction uncovers is redacted too."""
_MAX_PARSED_NUMBERS = 100
"""In one value. Reading a national number takes 50 µs; further ones are hashed as they are written."""


def redact_clear_identifiers(value: JsonValue, key: bytes, *, region: str | None = None) -> JsonValue:
    """The same JSON value with every clear e-mail address and phone number replaced by its keyed hash.

    The value given is left as it is. Idempotent. Linear in its size.

    Args:
        value: what `orjson.loads` gives, at most as deep as it allows.
        key: the project's key, not empty.
        region: country of national phone numbers; see `normalise`.
    """
    return _Redaction(key, region).value(value)


class _Redaction:
    """One walk over a value, with one key."""

    __slots__ = ("_key", "_parsed_numbers", "_region")

    def __init__(self, key: bytes, region: str | None) -> None:
        self._key = key
        self._region = region
        self._parsed_numbers = 0

    def value(self, whole: JsonValue) -> JsonValue:
        """Redact a value of any depth: a refused event may be nested deeper than Python calls may be."""
        if not isinstance(whole, dict | list):
            return self._leaf(whole, None)
        copied = _shallow_copy(whole)
        # Containers that still hold what was sent, each with the kind that a name above it gives to what is inside.
        unfinished: list[tuple[dict[str, JsonValue] | list[JsonValue], str | None]] = [(copied, None)]
        while unfinished:
            container, kind = unfinished.pop()
            if isinstance(container, dict):
                held = list(container.items())
                container.clear()
                for name, inner in held:
                    kind_inside = _outer_kind(name) or kind
                    container[self._name(name, kind_inside)] = self._taken_on(inner, kind_inside, unfinished)
            else:
                container[:] = [self._taken_on(inner, kind, unfinished) for inner in container]
        return copied

    def _taken_on(
        self,
        inner: JsonValue,
        kind: str | None,
        unfinished: list[tuple[dict[str, JsonValue] | list[JsonValue], str | None]],
    ) -> JsonValue:
        if not isinstance(inner, dict | list):
            return self._leaf(inner, kind)
        copied = _shallow_copy(inner)
        unfinished.append((copied, kind))
        return copied

    def _name(self, name: str, kind: str | None) -> str:
        """Redact the name of a property, which may be an address or a number itself."""
        if not (name.isascii() and name.isidentifier()):
            name = self._text(name)
        if kind != "phone":
            return name
        return _outside_hashes(name, lambda part: _DIGITS_IN_NAME.sub(lambda run: self._number(run[0]), part))

    def _leaf(self, value: str | int | float | bool | None, kind: str | None) -> JsonValue:
        match value:
            case str():
                return self._text(value) if kind is None else self._named(kind, value)
            case bool() | None:
                return value
            case _:
                # A phone number sent as a number.
                return self._named(kind, str(value), value) if kind == "phone" else value

    def _named(self, kind: str, text: str, original: int | float | None = None) -> JsonValue:
        """Redact what stands under a property that means an e-mail address or a phone number."""
        as_given = text if original is None else original
        if is_placeholder(text) or _HASHED.fullmatch(text):
            return as_given
        if kind == "email":
            return self._hash(kind, text)
        if _NO_NUMBER.fullmatch(text):
            return as_given
        if _digits(_HASHES.sub("", text)) < _MIN_PHONE_DIGITS:
            return as_given if original is not None else self._text(text)
        return self._number(text)

    def _text(self, text: str) -> str:
        """Redact the addresses and numbers inside a text."""
        for _ in range(_MAX_PASSES):
            redacted = _outside_hashes(text, self._part)
            if redacted == text:
                plain = undisguised(text)
                if plain == text:
                    return text
                redacted = _outside_hashes(plain, self._part)
                if redacted == plain:
                    return text  # as it was written: nothing was hidden in it
            text = redacted
        return text

    def _part(self, text: str) -> str:
        """Redact a text without hashes in it, once."""
        if "@" in text or ("%" in text and ENCODED_AT.search(text)):
            text = ADDRESS.sub(self._address_found, text)
        if "+" in text or "00" in text or "%" in text:
            text = _outside_hashes(text, lambda part: NUMBER.sub(self._number_found, part))
        low = text.lower()
        if any(word in low for word in NAME_STEMS):
            text = _outside_hashes(text, lambda part: NAMED_NUMBER.sub(self._named_number_found, part))
        return self._table(text) if "\n" in text else text

    def _address_found(self, match: re.Match[str]) -> str:
        return match[0] if match["email"] is None else self._hash("email", _decoded(match[0]))

    def _number_found(self, match: re.Match[str]) -> str:
        number = _decoded(match[0])
        return self._number(number) if is_phone_number(number) else match[0]

    def _named_number_found(self, match: re.Match[str]) -> str:
        if match["linked"]:
            linked = _decoded(match["linked"])
            return match[0].removesuffix(match["linked"]) + self._number(f"+{linked.lstrip('+')}")
        if kind_named(match["name"]) != "phone":
            return match[0]
        return match[0].removesuffix(match["numbers"]) + ANY_NUMBER.sub(self._any_number_found, match["numbers"])

    def _any_number_found(self, match: re.Match[str]) -> str:
        number = _decoded(match[0])
        if _digits(number) < _MIN_PHONE_DIGITS or _NO_NUMBER.fullmatch(number):
            return match[0]
        return self._number(number)

    def _table(self, text: str) -> str:
        """Redact the columns of numbers in lines under a line of names."""
        head, *lines = text.split("\n")
        names = [cell.strip(' "\r') for cell in _COLUMNS.split(head)]
        columns = [column for column, name in enumerate(names) if kind_named(name) == "phone"]
        if not columns or len(names) == 1:
            return text
        return "\n".join([head, *(self._table_line(line, columns) for line in lines)])

    def _table_line(self, line: str, columns: list[int]) -> str:
        cells = re.split(r"([,;\t|])", line)
        for column in columns:
            if 2 * column < len(cells):
                cells[2 * column] = _outside_hashes(
                    cells[2 * column], lambda part: ANY_NUMBER.sub(self._any_number_found, part)
                )
        return "".join(cells)

    def _number(self, text: str) -> str:
        return self._hash("phone", international(text) or text)

    def _hash(self, kind: str, text: str) -> str:
        if kind == "phone" and not text.startswith("+"):
            self._parsed_numbers += 1
            if self._parsed_numbers > _MAX_PARSED_NUMBERS:
                return f"{HASHED_KINDS[kind]}:{keyed_hash(text.strip(), self._key)}"
        try:
            kept_as, digest = hash_identifier(kind, text, self._key, region=self._region)
        except InvalidIdentifier:
            # Not the identifier its name promises; it may still be one in some other form, so it is hidden as it is.
            kept_as, digest = HASHED_KINDS[kind], keyed_hash(text.strip(), self._key)
        return f"{kept_as}:{digest}"


def _outside_hashes(text: str, redacted: Callable[[str], str]) -> str:
    """The text with every part between hashes redacted: a hash is never read again."""
    if "_sha256:" not in text:
        return redacted(text)
    parts = _HASHES.split(text)
    parts[::2] = map(redacted, parts[::2])
    return "".join(parts)


def _outer_kind(name: str) -> str | None:
    # A name that became a hash means what it meant before: nothing.
    return kind_named(_HASHES.sub("", name) if "_sha256:" in name else name)


def _shallow_copy(container: "dict[str, JsonValue] | list[JsonValue]") -> "dict[str, JsonValue] | list[JsonValue]":
    return dict(container) if isinstance(container, dict) else list(container)


def _decoded(text: str) -> str:
    """Percent-decoded, however often the percent signs were encoded themselves."""
    return unquote(_ENCODED_PERCENT.sub("%", text)) if "%" in text else text


def _digits(text: str) -> int:
    return sum(map(str.isdecimal, text))
