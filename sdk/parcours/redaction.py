"""What a tracker hides of every touchpoint before it is queued: by name of the property, never by guessing at values.

A rule names a key, or the end of a path of keys: `card` is every `card` at any depth of properties and context, and
every identifier of that kind; `payment.card` only where it stands in a `payment`; `context.note` only at the top of
the context. Case does not matter, lists are looked through, the longest rule wins.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from parcours.errors import InvalidOptions
from parcours_schemas.identifiers import HASHED_KINDS, is_placeholder, redact_clear_identifiers
from parcours_schemas.identifiers.hashing import keyed_hash

RedactAction: TypeAlias = Literal["hash", "drop", "mask"]
"""`hash`: the keyed hash, equal for equal values; `drop`: leave it out; `mask`: three asterisks."""

MASK = "***"
_PARTS = ("ids", "context", "properties")
_CLEAR_KINDS = {hashed: clear for clear, hashed in HASHED_KINDS.items()}


class Redaction:
    """The rules of one tracker. Thread-safe.

    Args:
        rules: By name of a key or dotted end of a path.
        identifier_key: The project's key; needed by `hash`.
        phone_region: See `Options`.

    Raises:
        InvalidOptions: A rule is unknown, or `hash` is asked for without a key.
    """

    def __init__(
        self, rules: Mapping[str, RedactAction], identifier_key: bytes | None, phone_region: str | None
    ) -> None:
        self._key = identifier_key or b""
        self._phone_region = phone_region
        self._rules: dict[str, list[tuple[tuple[str, ...], RedactAction]]] = {}
        for name, action in rules.items():
            if action not in get_args(RedactAction):
                raise InvalidOptions("redact has a rule that is none.", remedy="Give hash, drop or mask for each key.")
            if action == "hash" and not self._key:
                raise InvalidOptions(
                    "redact asks for a hash, and there is no key to hash with.",
                    remedy="Give identifier_key=… or set PARCOURS_IDENTIFIER_KEY, or drop or mask instead.",
                )
            *inside, last = name.casefold().split(".")
            self._rules.setdefault(last, []).append((tuple(inside), action))
        for candidates in self._rules.values():
            candidates.sort(key=lambda rule: len(rule[0]), reverse=True)

    def apply(self, event: dict[str, Any]) -> None:
        """Hide in place what the rules name in a touchpoint as `json.loads` gives it."""
        for part in _PARTS:
            held = event.get(part)
            if held:
                self._walk(held, (part,))
                if not held:
                    del event[part]

    def _walk(self, held: Any, path: tuple[str, ...]) -> None:
        if isinstance(held, list):
            for inner in held:
                self._walk(inner, path)
        if not isinstance(held, dict):
            return
        for name in list(held):
            key = name.casefold()
            if path == ("ids",):
                key = _CLEAR_KINDS.get(key, key)
            action = self._action(key, path)
            if action is None:
                self._walk(held[name], (*path, key))
            elif action == "drop" or (action == "mask" and path == ("ids",)):
                # A masked identifier would make one person of all.
                del held[name]
            elif action == "mask":
                held[name] = None if held[name] is None else MASK
            elif path != ("ids",) or name not in _CLEAR_KINDS:
                held[name] = self._hashed(key, held[name])

    def _action(self, key: str, path: tuple[str, ...]) -> RedactAction | None:
        for inside, action in self._rules.get(key, ()):
            if not inside or path[-len(inside) :] == inside:
                return action
        return None

    def _hashed(self, key: str, value: Any) -> Any:
        match value:
            case None | bool():
                return value
            case dict():
                return {name: self._hashed(key, inner) for name, inner in value.items()}
            case list():
                return [self._hashed(key, inner) for inner in value]
        text = str(value)
        if is_placeholder(text):
            return value
        if key in HASHED_KINDS:
            # As the collector hashes it: equal to the identifier of the same person.
            hidden = redact_clear_identifiers({key: text}, self._key, region=self._phone_region)
            if isinstance(hidden, dict) and hidden[key] != text:
                return hidden[key]
        return keyed_hash(text, self._key)
