"""The secrets that hash a project's e-mail addresses and phone numbers, as they are rotated.

The newest makes the hash by which a person is known from now on. Former ones that are still in use add their hash to
each touchpoint as a second value, so that whoever comes again is joined to what was known of them. Retired ones make no
hash that is kept; they only serve to know the forgotten again.
"""

import secrets
from dataclasses import dataclass
from typing import Self

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class IdentifierKeys:
    """Keys of one project, the newest first; there is always one in use."""

    in_use: tuple[bytes, ...]
    retired: tuple[bytes, ...] = ()

    @classmethod
    def new(cls) -> Self:
        """Return the first key of a project."""
        return cls((secrets.token_bytes(_KEY_BYTES),))

    @classmethod
    def of_row(cls, held: str | dict[str, list[str]]) -> Self:
        """Return the keys as the registry's file holds them: hexadecimal; one alone before it was ever rotated."""
        if isinstance(held, str):
            return cls((bytes.fromhex(held),))
        in_use, retired = (tuple(bytes.fromhex(key) for key in held[name]) for name in ("in_use", "retired"))
        if not in_use:
            raise ValueError("no key is in use")
        return cls(in_use, retired)

    def as_row(self) -> str | dict[str, list[str]]:
        """Return them for the registry's file."""
        if len(self.in_use) == 1 and not self.retired:
            return self.in_use[0].hex()
        return {"in_use": [key.hex() for key in self.in_use], "retired": [key.hex() for key in self.retired]}

    @property
    def newest(self) -> bytes:
        """The key whose hashes people are known by from now on."""
        return self.in_use[0]

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every key there ever was, the newest first."""
        return self.in_use + self.retired

    def rotated(self, keep: int) -> Self:
        """Return them with a new key in front; so many former ones stay in use, the others are retired."""
        return self.kept(keep, (secrets.token_bytes(_KEY_BYTES), *self.in_use))

    def kept(self, keep: int, in_use: tuple[bytes, ...] | None = None) -> Self:
        """Return them with so many former keys in use."""
        held = self.in_use if in_use is None else in_use
        return type(self)(held[: keep + 1], held[keep + 1 :] + self.retired)
