"""What the check of the envelope has passed before, so that a usual touchpoint costs a few look-ups instead of a check.

It is sure of what it calls plain: that would pass the whole check. Of anything else it knows nothing.
"""

from collections.abc import Mapping

from parcours.encoding import encode
from parcours_schemas.envelope import (
    MAX_CONSENT_PURPOSES,
    MAX_ID_KINDS,
    MAX_ID_VALUE_CHARS,
    Context,
)
from parcours_schemas.identifiers import HASHED_KINDS

_MOST_REMEMBERED = 4096
"""Names are few and come again and again; where they do not, each is checked each time."""
_CLEAR_KINDS = frozenset({*HASHED_KINDS, *HASHED_KINDS.values()})
_TYPED_KEYS = frozenset(Context.__annotations__)
_NESTED_KEYS = frozenset({"campaign", "device", "app"})


class Familiar:
    """Names that were checked once. Thread-safe: two threads may learn the same."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str, str | None, str | None], str] = {}
        self._names: set[str] = set()

    def head(self, name: str, version: str | None, channel: str | None) -> str | None:
        """Return these fields as JSON without braces, when all were checked before; else None."""
        return self._heads.get((name, version, channel))

    def is_plain(
        self, ids: Mapping[str, object], context: Mapping[str, object] | None, consent: Mapping[str, object] | None
    ) -> bool:
        """Whether these would pass the check, and the identifiers need no hashing. False is no verdict."""
        names = self._names
        if len(ids) > MAX_ID_KINDS:
            return False
        for kind, value in ids.items():
            if kind not in names or type(value) is not str or len(value) > MAX_ID_VALUE_CHARS:
                return False
        if context:
            for key, value in context.items():
                if key in _NESTED_KEYS:
                    # Every value a text, so those that must be one are.
                    if type(value) is not dict or not all(type(inner) is str for inner in value.values()):
                        return False
                elif type(value) is not str and key in _TYPED_KEYS:
                    return False
        if consent:
            if len(consent) > MAX_CONSENT_PURPOSES:
                return False
            for purpose, choice in consent.items():
                if purpose not in names or (choice is not True and choice is not False):
                    return False
        return True

    def learn(self, name: str, version: str | None, channel: str | None, said: Mapping[str, object]) -> str:
        """Remember names that have passed the check, those in `said` too, and return what `head` will."""
        shared = {"name": name, "schema": version, "channel": channel}
        head = encode({field: value for field, value in shared.items() if value is not None})[1:-1].decode()
        if len(self._heads) < _MOST_REMEMBERED:
            self._heads[name, version, channel] = head
        if len(self._names) < _MOST_REMEMBERED:
            for named in (said.get("ids"), said.get("consent")):
                if isinstance(named, dict):
                    # Not those whose values are normalised and hashed, each in its own way.
                    self._names |= named.keys() - _CLEAR_KINDS
        return head
