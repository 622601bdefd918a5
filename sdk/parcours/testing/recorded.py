"""One touchpoint as it would have gone over the wire, and whether it is the one a test means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from parcours.encoding import NotEncodable, encode

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class RecordedTouchpoint:
    """A touchpoint that was emitted, after every check, hook and redaction.

    Values are JSON: money is text, instants are RFC 3339 text in UTC.

    Attributes:
        id: Its event id.
        name: Its name, such as `order_completed`.
        channel: Where; None when it was not said.
        occurred_at: When, as on the wire.
        properties: What it says.
        ids: Who, by kind of identifier.
        context: Circumstances.
        consent: Purposes agreed to or refused.
    """

    id: str
    name: str
    channel: str | None
    occurred_at: str
    properties: Mapping[str, Json] = field(default_factory=dict)
    ids: Mapping[str, Json] = field(default_factory=dict)
    context: Mapping[str, Json] = field(default_factory=dict)
    consent: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def read(cls, wire: bytes) -> "RecordedTouchpoint":
        """Return the touchpoint that these bytes are."""
        said = orjson.loads(wire)
        parts = {part: said.get(part, {}) for part in ("properties", "ids", "context", "consent")}
        return cls(said["id"], said["name"], said.get("channel"), said["occurred_at"], **parts)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a test expects of a touchpoint besides its name: each value named must be there and equal.

    A value is compared as it is, so that `unittest.mock.ANY` and the like work, and as it would be on the wire, so that
    `Decimal("9.90")` is `"9.90"` there.
    """

    properties: Mapping[str, object]
    ids: Mapping[str, object]
    context: Mapping[str, object]
    consent: Mapping[str, object]

    def differences(self, touchpoint: RecordedTouchpoint) -> list[str]:
        """Return what differs, a line each; empty when the touchpoint is as expected."""
        return [
            line
            for part in ("properties", "ids", "context", "consent")
            for line in _differences(
                "" if part == "properties" else f"{part}.", getattr(self, part), getattr(touchpoint, part)
            )
        ]

    def __str__(self) -> str:
        said = [f"{key}={value!r}" for key, value in self.properties.items()]
        for part in ("ids", "context", "consent"):
            said += [f"{part}.{key}={value!r}" for key, value in getattr(self, part).items()]
        return ", ".join(said)


def _differences(prefix: str, expected: Mapping[str, object], actual: Mapping[str, Json]) -> list[str]:
    from difflib import get_close_matches

    lines = []
    for key, value in expected.items():
        found = actual.get(key, _ABSENT)
        if found is _ABSENT:
            near = get_close_matches(key, actual, n=1)
            hint = f"; it has {prefix}{near[0]}={actual[near[0]]!r}" if near else ""
            lines.append(f"{prefix}{key}: expected {value!r}, not there{hint}")
        elif not _equal(value, found):
            lines.append(f"{prefix}{key}: expected {value!r}, got {found!r}")
    return lines


def _equal(expected: object, actual: object) -> bool:
    if expected == actual:
        return True
    try:
        return bool(orjson.loads(encode(expected)) == actual)
    except NotEncodable:
        return False
