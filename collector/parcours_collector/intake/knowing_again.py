"""How somebody who was forgotten is known again: under every key there ever was, wherever they are named."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.parsing import BrokenLine
from parcours_collector.intake.steps import Circumstances
from parcours_collector.intake.suppression import Suppressions
from parcours_schemas.identifiers import HASHED_KINDS, hash_ids, redact_clear_identifiers
from parcours_schemas.identifiers.disguises import undisguised
from parcours_schemas.validation import Accepted

MOST_WORDS: Final = 10_000
"""In one refused event: looking each up takes some µs."""
_LEAST_WORD_CHARS: Final = 6
"""A shorter word in a longer text means nobody; as a text of its own it is looked up all the same."""
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\Z)', re.DOTALL)
_BETWEEN_FIELDS: Final = re.compile(r"[,;|\t\r\n]")
_WORD: Final = re.compile(r"[\w.@+~-]+")
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")


def ids_to_know_again(at_rest: Mapping[str, object], accepted: Accepted, around: Circumstances) -> Mapping[str, object]:
    """Return the identifiers by which somebody forgotten is known: those at rest, and what retired keys would make."""
    keys = around.identifier_keys
    if not keys.retired or HASHED_KINDS.keys().isdisjoint(accepted.ids):
        return at_rest
    return hash_ids(accepted.ids, keys.newest, around.phone_region, former_keys=keys.all[1:])


def names_somebody_forgotten(
    value: object, suppressions: Suppressions | None, project: str, keys: IdentifierKeys, phone_region: str | None
) -> bool | None:
    """Whether somebody forgotten is named anywhere in what was refused; None where it is too long to be looked through.

    Args:
        value: Any JSON value, or a BrokenLine.
        suppressions: Who was forgotten; None for nobody.
        project: Of the source.
        keys: Of the project: clear identifiers are looked up as each would have hashed them.
        phone_region: Country of national phone numbers.
    """
    if suppressions is None or not suppressions.count:
        return False
    sent: Any = value.text if isinstance(value, BrokenLine) else value
    words: dict[str, None] = {}
    for version in (sent, *(redact_clear_identifiers(sent, key, region=phone_region) for key in keys.all)):
        for text in _texts(version):
            for word in _words(text):
                words[word] = None
            if len(words) > MOST_WORDS:
                return None
    return suppressions.names(words, project, keys.all)


def _texts(value: object) -> Iterator[str]:
    """Every text in a value of any depth, names and whole numbers too."""
    unfinished = [value]
    while unfinished:
        match unfinished.pop():
            case str() as text:
                yield text
            case bool():
                pass
            case int() as number:
                yield str(number)
            case dict() as inner:
                yield from inner
                unfinished.extend(inner.values())
            case list() as inner:
                unfinished.extend(inner)


def _words(text: str) -> Iterator[str]:
    """Whatever in a text may be an identifier: all of it, what stands in quotes, fields of a table, words."""
    yield text
    for quoted in _QUOTED.finditer(text):
        yield _unescaped(quoted[1])
    plain = undisguised(text)
    for field in _BETWEEN_FIELDS.split(plain):
        yield field.strip(" \"'")
    for found in _WORD.finditer(plain):
        word = found[0]
        if len(word) >= _LEAST_WORD_CHARS:
            yield word
            yield word.strip(".@+~-")
            if _HASH.fullmatch(word):
                yield word.lower()


def _unescaped(text: str) -> str:
    try:
        return str(orjson.loads(f'"{text}"'))
    except orjson.JSONDecodeError:
        return text
