"""Rows, mapped, in batches of bounded size, each knowing the last line it covers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from parcours_collector.importing.errors import UnusableFile
from parcours_collector.importing.mapper import Mapped, Mapper, Skipped, Unmapped
from parcours_collector.importing.row import Row, UnreadableRow

MAX_BATCH_BYTES = 2 * 1024**2
"""JSON of one batch: half of what a collector takes in one request even if nothing could be compressed."""


@dataclass(slots=True)
class MappedBatch:
    """What some rows in a row became."""

    touchpoints: list[Mapped] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    skipped: int = 0
    last_line: int = 0
    size_bytes: int = 0

    @property
    def rows(self) -> int:
        """How many rows it covers."""
        return len(self.touchpoints) + len(self.unmapped) + self.skipped


def in_batches(
    rows: Iterable[Row | UnreadableRow], mapper: Mapper, *, after_line: int, max_rows: int, limit: int | None
) -> Iterator[MappedBatch]:
    """Yield the rows after a line as batches; all rows are mapped, since like rows are counted from the first on.

    Args:
        rows: All rows of a file.
        mapper: Of this file.
        after_line: The last line that is not wanted any more; 0 for none.
        max_rows: Of one batch.
        limit: Rows of the file to read at most.

    Raises:
        UnusableFile: From `rows`, after the batch of what came before it.
    """
    batch = MappedBatch()
    try:
        for row in islice(rows, limit):
            outcome = mapper.map(row)
            if row.line <= after_line:
                continue
            match outcome:
                case Mapped(event=event):
                    batch.touchpoints.append(outcome)
                    batch.size_bytes += len(event)
                case Unmapped():
                    batch.unmapped.append(outcome)
                    batch.size_bytes += len(str(outcome.payload))
                case Skipped():
                    batch.skipped += 1
            batch.last_line = row.line
            if batch.rows >= max_rows or batch.size_bytes >= MAX_BATCH_BYTES:
                yield batch
                batch = MappedBatch()
    except UnusableFile:
        if batch.rows:
            yield batch
        raise
    if batch.rows:
        yield batch
