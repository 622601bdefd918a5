"""A row as it comes out of a file, or what stands there instead."""

from dataclasses import dataclass

MAX_ROW_CHARS = 256 * 1024
"""A row of a file, in characters (NDJSON: bytes): four times the largest touchpoint."""
TOO_LONG = f"the row is longer than {MAX_ROW_CHARS} characters"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file: values by column; those of a CSV are texts, those of NDJSON any JSON."""

    line: int
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that is none: its first line as text, and what is wrong with it."""

    line: int
    text: str
    detail: str
