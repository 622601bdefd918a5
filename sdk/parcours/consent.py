"""Which purpose a person must have agreed to before a touchpoint is emitted at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

RequiredConsent: TypeAlias = str | Mapping[str, str | None]
"""A purpose for every touchpoint; or by name of a touchpoint, else by channel, else under `*`; None needs none."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A touchpoint that its person has not agreed to.

    Attributes:
        purpose: That is missing.
        refused: The person said no, rather than nothing.
    """

    purpose: str
    refused: bool


class ConsentGate:
    """Let through what is agreed to. Thread-safe.

    Args:
        required: See `RequiredConsent`; None lets everything through.
    """

    def __init__(self, required: RequiredConsent | None) -> None:
        self._required = {"*": required} if isinstance(required, str) else dict(required or {})

    def check(self, name: str, channel: str | None, consent: Mapping[str, bool] | None) -> Withheld | None:
        """Return what is missing, or None. Only True is consent."""
        required = self._required
        if not required:
            return None
        purpose = required[name] if name in required else required.get(channel or "*", required.get("*"))
        if purpose is None:
            return None
        said = (consent or {}).get(purpose)
        return None if said is True else Withheld(purpose, refused=said is False)
