"""The records of bytes that may be damaged: what is whole, what one wrong byte can be mended in, and what is lost.

It reads buffers, never files.
"""

from collections.abc import Iterator

from parcours_collector.wal.mending import mended
from parcours_collector.wal.record import MAGIC, Damage, Mended, Record, record_at


def resynchronise(buffer: bytes, at: int, *, segment: int, after_sequence: int) -> int | None:
    """Return the index of the first valid record at or after `at` that is newer than `after_sequence`, or None."""
    while (at := buffer.find(MAGIC, at)) >= 0:
        record = record_at(buffer, at, segment=segment)
        if record is not None and record.sequence > after_sequence:
            return at
        at += 1
    return None


def scan(buffer: bytes, *, segment: int, base: int = 0, after_sequence: int) -> Iterator[Record | Mended | Damage]:
    """Yield every record of the rest of a segment, those that had one wrong byte too, and each damaged span, in order.

    Args:
        buffer: Bytes from `base` to the end of the segment.
        segment: Number of the segment.
        base: Offset of the buffer in the segment.
        after_sequence: Sequence of the record before `base`; a record that is not newer is not believed.
    """
    at, sequence = 0, after_sequence
    while at < len(buffer):
        record = record_at(buffer, at, segment=segment, base=base)
        if record is not None and record.sequence > sequence:
            yield record
            at, sequence = record.end.offset - base, record.sequence
            continue
        found = resynchronise(buffer, at + 1, segment=segment, after_sequence=sequence)
        end = len(buffer) if found is None else found
        put_right = mended(buffer[at:end], segment=segment, base=base + at)
        if put_right is not None and put_right.sequence > sequence:
            yield Mended(put_right, base + at)
            at, sequence = put_right.end.offset - base, put_right.sequence
            continue
        following = None if found is None else record_at(buffer, found, segment=segment)
        lost = 1 if following is None else max(1, following.sequence - sequence - 1)
        yield Damage(segment, base + at, buffer[at:end], lost)
        at = end
