"""No clear e-mail address or phone number at rest, wherever in an event it stands.

What is found is replaced by its keyed hash with its kind in front (`email_sha256:…`), so that equal addresses stay
equal. Found are: e-mail addresses inside any text (in URLs too, percent-encoded or not) and inside names of
properties; whatever stands under a property that plainly means an e-mail address or a phone number; phone numbers
written in E.164. It errs on the side of hiding: what merely looks like an address is hidden too.
"""

import re
from typing import TypeAlias
from urllib.parse import unquote

from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers.hashing import hash_identifier, keyed_hash
from parcours_schemas.identifiers.kinds import HASHED_KINDS
from parcours_schemas.identifiers.placeholders import is_placeholder

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

# A percent sign may itself be percent-encoded, any number of times: an address in a URL in a URL.
_PERCENT = r"%(?:25)*"
_AT = rf"(?:@|{_PERCENT}40)"
_DOT = rf"(?:\.|{_PERCENT}2[eE])"
_DOMAIN = rf"(?:[^\W_][\w-]*{_DOT})+[^\W_][\w-]+"
# Characters that end the part before the @ in URLs, markup and lists: encoded, then plain.
_ENCODED_DELIMITER = rf"{_PERCENT}(?:3[aAbBcCdDeEfF]|2[0236789cCfF]|0[aAdD9]|5[bBdD])"
_LOCAL = rf"(?:[^\s@%=&?/#:;,<>()\[\]\"]|(?!{_ENCODED_DELIMITER}|{_AT}){_PERCENT}[0-9a-fA-F]{{2}})"
# Every run of characters is consumed once, whether an address or not: linear in the length of the text. A single
# odd character before the @ is an address too.
_TEXT = re.compile(
    rf"(?P<email>(?:{_LOCAL}++|{_ENCODED_DELIMITER}|\S){_AT}{_DOMAIN})"
    rf"|(?P<phone>(?:\+|{_PERCENT}2[bB])[1-9][0-9]{{6,14}}(?![0-9]))"
    rf"|{_ENCODED_DELIMITER}|{_LOCAL}++"
)
_EMAIL_KEY = re.compile(r"e[-_ .]?mail(?:[-_ .]?addr(?:ess)?)?")
_PHONE_KEY = re.compile(
    r"(?:.*(?:phone|mobile|msisdn)|(?:.*[-_ .])?(?:tel|cell|gsm))(?:[-_ .]?(?:number|num|no|nr|e164))?", re.DOTALL
)
_HASHED = re.compile(r"(?:(?:email|phone)_sha256:)?[0-9a-f]{64}", re.ASCII)
_MIN_PHONE_DIGITS = 6

_MARKS = (b"@", b"%40", b"%25", b"%2b", b"\\u00", b"mail", b"phone", b"mobile", b"msisdn")
_SHORT_KEYS = re.compile(rb"(?:tel|cell|gsm)(?:[-_ .]?(?:number|num|no|nr|e164))?\"")
_PLUS = re.compile(rb"\+[1-9][0-9]{6}")


def may_hold_clear_identifiers(raw: bytes) -> bool:
    """Whether `redact_clear_identifiers` could find anything in this JSON text. A few scans, no parsing.

    False is certain; True may be a false alarm.
    """
    low = raw.lower()
    return (
        any(mark in low for mark in _MARKS)
        or (b"+" in low and _PLUS.search(low) is not None)
        or _SHORT_KEYS.search(low) is not None
    )


def redact_clear_identifiers(value: JsonValue, key: bytes, *, region: str | None = None) -> JsonValue:
    """The same JSON value with every clear e-mail address and phone number replaced by its keyed hash.

    Values without any are returned as they are; others are copied. Idempotent.

    Args:
        value: what `orjson.loads` gives, at most as deep as it allows.
        key: the project's key, not empty.
        region: country of national phone numbers; see `normalise`.
    """
    return _Redaction(key, region).value(value)


class _Redaction:
    """One walk over a value, with one key."""

    __slots__ = ("_key", "_region")

    def __init__(self, key: bytes, region: str | None) -> None:
        self._key = key
        self._region = region

    def value(self, value: JsonValue, kind: str | None = None) -> JsonValue:
        """Redact a value; `kind` is what its property's name says it is, down to the leaves."""
        match value:
            case str():
                return self._text(value) if kind is None else self._named(kind, value)
            case dict():
                return {self._text(name): self.value(inner, _kind_of(name) or kind) for name, inner in value.items()}
            case list():
                return [self.value(inner, kind) for inner in value]
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
        if kind == "phone" and sum(map(str.isdecimal, text)) < _MIN_PHONE_DIGITS:
            return as_given if original is not None else self._text(text)
        return self._hash(kind, text)

    def _text(self, text: str) -> str:
        """Redact the addresses and numbers inside a text."""
        if "@" not in text and "%" not in text and "+" not in text:
            return text
        return _TEXT.sub(self._found, text)

    def _found(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind is None:
            return match[0]
        decoded = match[0]
        while (once_more := unquote(decoded)) != decoded:
            decoded = once_more
        return self._hash(kind, decoded)

    def _hash(self, kind: str, text: str) -> str:
        try:
            kept_as, digest = hash_identifier(kind, text, self._key, region=self._region)
        except InvalidIdentifier:
            # Not the identifier its name promises; it may still be one in some other form, so it is hidden as it is.
            kept_as, digest = HASHED_KINDS[kind], keyed_hash(text.strip(), self._key)
        return f"{kept_as}:{digest}"


def _kind_of(name: str) -> str | None:
    low = name.lower()
    if _EMAIL_KEY.fullmatch(low):
        return "email"
    return "phone" if _PHONE_KEY.fullmatch(low) else None
