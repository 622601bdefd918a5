"""A batch: one range of the log as the bytes ClickHouse will be sent, a part for each table.

The same range gives the same bytes and the same tokens, in this process or the next: the order is the log's, and a
token is a hash of the table, the range and the bytes. It knows neither files nor ClickHouse.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from parcours_collector.wal.record import Position, Record, RecordKind

TABLES: Mapping[RecordKind, str] = MappingProxyType(
    {RecordKind.TOUCHPOINTS: "touchpoints", RecordKind.DEAD_LETTERS: "dead_letters"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows for one table: `lines` is NDJSON of `rows` rows, `origin` says where they come from, for the token."""

    table: str
    lines: bytes
    rows: int
    origin: str

    @property
    def token(self) -> str:
        """What ClickHouse knows this insert by. Made of the bytes too: it ignores those behind a known token."""
        digest = hashlib.sha256(f"{self.table}\n{self.origin}\n".encode())
        digest.update(self.lines)
        return f"v1:{digest.hexdigest()}"

    def halves(self) -> "tuple[Part, Part]":
        """Return the first and the second half of the rows, of which there are two or more, as parts of their own."""
        lines = [line + b"\n" for line in self.lines.removesuffix(b"\n").split(b"\n")]
        middle = len(lines) // 2
        return (
            Part(self.table, b"".join(lines[:middle]), middle, f"{self.origin}/0"),
            Part(self.table, b"".join(lines[middle:]), len(lines) - middle, f"{self.origin}/1"),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What lies between two positions of the log; `parts` has at most one part a table, and none for no rows."""

    start: Position
    end: Position
    parts: tuple[Part, ...]
    appended_at_us: int

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)


def make_batch(start: Position, end: Position, records: Sequence[Record]) -> Batch:
    """Join the records of a range into a batch."""
    parts = []
    for kind, table in TABLES.items():
        of_kind = [record for record in records if record.kind is kind]
        if lines := b"".join([record.payload for record in of_kind]):
            parts.append(Part(table, lines, sum([record.lines for record in of_kind]), f"{start}-{end}"))
    return Batch(start, end, tuple(parts), records[0].appended_at_us if records else 0)
