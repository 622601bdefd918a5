"""Keyed hashes of the identifiers that must not be kept in clear.

A plain SHA-256 of a phone number is undone in minutes by trying all numbers; HMAC with the project's key is not,
without the key. The SDK hashes when it has the key, else the collector does before anything is written.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from parcours_schemas.identifiers.kinds import HASHED_KINDS
from parcours_schemas.identifiers.normalisation import normalise
from parcours_schemas.identifiers.placeholders import is_placeholder

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def keyed_hash(text: str, key: bytes) -> str:
    """HMAC-SHA256 of a text, in hexadecimal."""
    if not key:
        raise ValueError("the key of identifier hashes is empty: set the project's own, random and secret")
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), sha256).hex()


def hash_identifier(kind: str, value: str, key: bytes, *, region: str | None = None) -> tuple[str, str]:
    """The (kind, hexadecimal hash) under which a clear identifier is kept.

    Args:
        kind: `email` or `phone`.
        value: in clear; normalised here.
        key: the project's key, not empty.
        region: see `normalise`.

    Raises:
        InvalidIdentifier: the value cannot be normalised.
        KeyError: the kind is not one that is hashed.
    """
    return HASHED_KINDS[kind], keyed_hash(normalise(kind, value, region=region), key)


def already_hashed(kind: str, value: str) -> str | None:
    """The hexadecimal hash in a value that redaction has left under a clear kind (`email_sha256:…`), or None.

    So a dead letter, whose payload is redacted, can be replayed.
    """
    prefix = f"{HASHED_KINDS.get(kind, '')}:"
    digest = value.removeprefix(prefix)
    return digest if len(digest) != len(value) and _SHA256.fullmatch(digest) else None


def hash_ids(
    ids: Mapping[str, str | Sequence[str]], key: bytes, region: str | None = None, *, former_keys: Sequence[bytes] = ()
) -> dict[str, list[str]]:
    """The identifiers of an event with no e-mail or phone number in clear. Idempotent.

    `email` and `phone` become `email_sha256` and `phone_sha256` and join what already stands there; values are
    lists, each value once, in order of arrival. A placeholder keeps its text, under the hashed kind. Each of the former
    keys adds its own hash of a value behind that of the key.

    Raises:
        InvalidIdentifier: a value cannot be normalised.
    """
    hashed: dict[str, list[str]] = {}
    for kind, given in ids.items():
        values = [given] if isinstance(given, str) else given
        kept_as = HASHED_KINDS.get(kind, kind)
        kept = hashed.setdefault(kept_as, [])
        for value in values:
            if is_placeholder(value):
                forms = [value]
            elif kept_as == kind:
                forms = [normalise(kind, value)]
            elif (digest := already_hashed(kind, value)) is not None:
                forms = [digest]
            else:
                clear = normalise(kind, value, region=region)
                forms = [keyed_hash(clear, each) for each in (key, *former_keys)]
            kept.extend(form for form in forms if form not in kept)
    return hashed
