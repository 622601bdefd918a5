"""Identifiers: the one form of each kind, their hash, what is no identifier at all, and what must never be at rest.

An identifier is a (kind, value). Kinds are an open set of snake_case names; those of `IdentifierKind` are known by
everyone. E-mail addresses and phone numbers are kept as keyed hashes only. No I/O, no settings: the key is given.
"""

from parcours_schemas.identifiers.hashing import hash_identifier, hash_ids
from parcours_schemas.identifiers.kinds import HASHED_KINDS, IdentifierKind
from parcours_schemas.identifiers.look import may_hold_clear_identifiers
from parcours_schemas.identifiers.normalisation import normalise
from parcours_schemas.identifiers.placeholders import is_placeholder
from parcours_schemas.identifiers.redaction import redact_clear_identifiers

__all__ = [
    "HASHED_KINDS",
    "IdentifierKind",
    "hash_identifier",
    "hash_ids",
    "is_placeholder",
    "may_hold_clear_identifiers",
    "normalise",
    "redact_clear_identifiers",
]
