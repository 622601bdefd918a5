"""What the guard hands on: a statement it has read and found harmless."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.Enum):
    """Who asks."""

    OWNER = "default"
    ANALYST = "analyst"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, safe to run as it is.

    Args:
        sql: the text to run.
        kind: the engine's name for it, such as `SelectWithUnionQuery`.
        output_format: the format its FORMAT clause names, if any.
    """

    sql: str
    kind: str
    output_format: str | None = None

    @property
    def is_select(self) -> bool:
        """Whether its result can be pulled block by block."""
        return self.kind == "SelectWithUnionQuery"
