"""Versions of a schema: `MODEL-REVISION-ADDITION`, after SchemaVer.

- MODEL: data of the old version cannot be read as the new one; a collector knows one model of a touchpoint.
- REVISION: some data may differ in meaning or bounds; nothing that was valid becomes invalid.
- ADDITION: something optional was added.

It knows nothing of JSON Schema: see `compatibility` for what a change asks for.
"""

import re
from functools import lru_cache
from typing import NamedTuple, Self

from parcours_schemas.errors import InvalidVersion

_PATTERN = re.compile(r"([1-9][0-9]{0,3})-(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,3})", re.ASCII)


class SchemaVer(NamedTuple):
    """A version; they compare in order."""

    model: int
    revision: int
    addition: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1-0-2`.

        Raises:
            InvalidVersion: the text is not three numbers of up to four digits, the first from 1.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise InvalidVersion("a schema version is MODEL-REVISION-ADDITION, e.g. 1-0-0")
        return cls(int(match[1]), int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.model}-{self.revision}-{self.addition}"

    def next_model(self) -> Self:
        """The version for a change that breaks."""
        return type(self)(self.model + 1, 0, 0)

    def next_revision(self) -> Self:
        """The version for a change that loosens or re-words."""
        return type(self)(self.model, self.revision + 1, 0)

    def next_addition(self) -> Self:
        """The version for something optional that was added."""
        return type(self)(self.model, self.revision, self.addition + 1)


@lru_cache(maxsize=1024)
def model_of(text: str) -> int | None:
    """The model number of a version on the wire, or None when the text is not a version. Cheap: remembered."""
    match = _PATTERN.fullmatch(text)
    return int(match[1]) if match else None
