"""No clear e-mail address or phone number at rest, wherever in an event it stands.

What is found is replaced by its keyed hash with its kind in front (`email_sha256:…`), so that equal addresses stay
equal. Found are: e-mail addresses inside any text (in URLs too, percent-encoded or not) and inside names of
properties; whatever stands under a property that plainly means an e-mail address or a phone number; phone numbers
written in E.164, or behind such a name inside a text (`tel=0612345678`). It errs on the side of hiding: what merely
looks like an address is hidden too.
"""

import re
from functools import lru_cache
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
    rf"(?P<email>(?:{_LOCAL}++|{_ENCODED_DELIMITER}|\S)(?:{_AT}{_DOMAIN})+)"
    rf"|(?P<phone>(?:\+|{_PERCENT}2[bB])[1-9][0-9]{{6,14}}(?![0-9]))"
    rf"|{_ENCODED_DELIMITER}|{_LOCAL}++"
)
# No-break spaces stand in numbers and before colons in French.
_BLANKS = r"\s\u00a0\u202f"
_PHONE_WORD_SUFFIX = r"(?:[-_ .]?(?:number|num|no|nr|e164))?"
# A number that its name gives away inside a text: a URL's query, JSON that could not be read, a line of a form.
_NAMED_NUMBER = re.compile(
    rf"((?:phone|mobile|msisdn|(?<![^\W_])(?:tel|cell|gsm)){_PHONE_WORD_SUFFIX}"
    rf"[{_BLANKS}\"'\\]{{0,8}}(?:[:=]|{_PERCENT}3[aAdD])[{_BLANKS}\"'\\]{{0,8}})"
    rf"((?:\+|\(|{_PERCENT}2[bB8])?[0-9](?:[0-9().\-/{_BLANKS}+]|{_PERCENT}2[0-9bBdDfF]){{4,40}}[0-9])",
    # Without ASCII, letters that merely resemble these would match, which the look at the bytes does not know.
    re.IGNORECASE | re.ASCII,
)
_EMAIL_KEY = re.compile(r"e[-_ .]?mail(?:[-_ .]?addr(?:ess)?)?")
_PHONE_KEY = re.compile(r"(?:.*(?:phone|mobile|msisdn)|(?:.*[-_ .])?(?:tel|cell|gsm))" + _PHONE_WORD_SUFFIX, re.DOTALL)
_HASHED = re.compile(r"(?:(?:email|phone)_sha256:)?[0-9a-f]{64}", re.ASCII)
_HASHES = re.compile(r"(?:email|phone)_sha256:[0-9a-f]{64}", re.ASCII)
_MIN_PHONE_DIGITS = 6

_PHONE_WORDS = ("phone", "mobile", "msisdn", "tel", "cell", "gsm")
_WORDS_IN_BYTES = (b"mail", b"phone", b"mobile", b"msisdn")
_SHORT_WORDS_IN_BYTES = tuple(
    # One pattern a word: a pattern that begins with a letter is searched several times faster than a choice.
    (word, re.compile(word + rb"(?:[-_ .]?(?:number|num|no|nr|e164))?[\"'\\\s:=%\x80-\xff]"))
    for word in (b"tel", b"cell", b"gsm")
)
_PERCENT_IN_BYTES = re.compile(rb"%(?:25|40|2b)")
_PLUS_IN_BYTES = re.compile(rb"\+[1-9][0-9]{6}")


def may_hold_clear_identifiers(raw: bytes) -> bool:
    """Whether `redact_clear_identifiers` could find anything in this JSON text. A few scans, no parsing.

    False is certain; True may be a false alarm.
    """
    # Single bytes are found at the speed of memory, and most texts hold none of these.
    if b"@" in raw or (b"\\" in raw and b"\\u00" in raw):
        return True
    low = raw.lower()
    return (
        (b"%" in raw and _PERCENT_IN_BYTES.search(low) is not None)
        or (b"+" in raw and _PLUS_IN_BYTES.search(raw) is not None)
        or any(word in low for word in _WORDS_IN_BYTES)
        or any(word in low and pattern.search(low) is not None for word, pattern in _SHORT_WORDS_IN_BYTES)
    )


def redact_clear_identifiers(value: JsonValue, key: bytes, *, region: str | None = None) -> JsonValue:
    """The same JSON value with every clear e-mail address and phone number replaced by its keyed hash.

    The value given is left as it is. Idempotent.

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
                    container[name if name.isidentifier() else self._text(name)] = self._taken_on(
                        inner, _kind_of(name) or kind, unfinished
                    )
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
        if kind == "phone" and _digits(_HASHES.sub("", text)) < _MIN_PHONE_DIGITS:
            return as_given if original is not None else self._text(text)
        return self._hash(kind, text)

    def _text(self, text: str) -> str:
        """Redact the addresses and numbers inside a text."""
        low = text.lower()
        if any(word in low for word in _PHONE_WORDS):
            text = _NAMED_NUMBER.sub(self._found_by_name, text)
        if "@" not in text and "%" not in text and "+" not in text:
            return text
        return _TEXT.sub(self._found, text)

    def _found_by_name(self, match: re.Match[str]) -> str:
        number = _decoded(match[2])
        return match[1] + self._hash("phone", number) if _digits(number) >= _MIN_PHONE_DIGITS else match[0]

    def _found(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind is None:
            return match[0]
        return self._hash(kind, _decoded(match[0]))

    def _hash(self, kind: str, text: str) -> str:
        try:
            kept_as, digest = hash_identifier(kind, text, self._key, region=self._region)
        except InvalidIdentifier:
            # Not the identifier its name promises; it may still be one in some other form, so it is hidden as it is.
            kept_as, digest = HASHED_KINDS[kind], keyed_hash(text.strip(), self._key)
        return f"{kept_as}:{digest}"


def _shallow_copy(container: "dict[str, JsonValue] | list[JsonValue]") -> "dict[str, JsonValue] | list[JsonValue]":
    return dict(container) if isinstance(container, dict) else list(container)


def _decoded(text: str) -> str:
    """Percent-decoded until nothing is left to decode."""
    while (once_more := unquote(text)) != text:
        text = once_more
    return text


def _digits(text: str) -> int:
    return sum(map(str.isdecimal, text))


@lru_cache(maxsize=4096)  # the names of properties are few and come again and again
def _kind_of(name: str) -> str | None:
    low = name.lower()
    if _EMAIL_KEY.fullmatch(low):
        return "email"
    return "phone" if _PHONE_KEY.fullmatch(low) else None
