"""One record of the log: its bytes on disk, and how valid records are found in bytes that may be damaged.

    magic 4 | crc32 u32 | length u32 | kind u8 | zero 3 | lines u32 | sequence u64 | appended_at_us u64 | payload

All numbers are little-endian. The CRC covers everything after itself, so a flipped byte in a header counts as much as
one in a payload. The magic begins with a byte that is never followed by `P` in UTF-8 text, so that a reader that lost
its place finds the next record quickly. This module reads buffers, never files.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"\xf0PW1"
_CHECKED = struct.Struct("<IBxxxIQQ")
_HEADER = struct.Struct("<4sIIBxxxIQQ")
HEADER_BYTES = _HEADER.size
CHECKED_FROM = HEADER_BYTES - _CHECKED.size
MAX_PAYLOAD_BYTES = 1 << 30


class RecordKind(IntEnum):
    """Which table the lines of a record are rows of."""

    TOUCHPOINTS = 1
    DEAD_LETTERS = 2


class Position(NamedTuple):
    """A place between two records: the segment's number and the byte offset of the next record in it.

    This and `Record` are named tuples because reading makes one of each for every request.
    """

    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"


START = Position(0, 0)


class Record(NamedTuple):
    """One request's lines of one kind; `end` is the position behind it."""

    kind: RecordKind
    payload: bytes
    end: Position
    lines: int
    sequence: int
    appended_at_us: int


class Damage(NamedTuple):
    """A span of a segment that holds no valid record: `records` is how many were lost there, at most."""

    segment: int
    offset: int
    content: bytes
    records: int


class Mended(NamedTuple):
    """A record in which one byte was wrong, as it was written; `offset` is where it begins in its segment."""

    record: Record
    offset: int


@dataclass(frozen=True, slots=True)
class WalChunk:
    """Records in the order they were appended, and `end`, the position to read on from (past any damage)."""

    records: tuple[Record, ...]
    end: Position


_KINDS = {int(kind): kind for kind in RecordKind}


def encode_header(kind: RecordKind, payload: bytes, *, sequence: int, appended_at_us: int) -> bytes:
    """Return the header that makes `payload`, of at most `MAX_PAYLOAD_BYTES`, a record."""
    checked = _CHECKED.pack(len(payload), kind, payload.count(b"\n"), sequence, appended_at_us)
    crc = zlib.crc32(payload, zlib.crc32(checked))
    return MAGIC + crc.to_bytes(4, "little") + checked


def claimed_bytes(buffer: bytes, at: int) -> int | None:
    """Return how long the record at `at` says it is, header included; None when no header begins there."""
    if len(buffer) - at < HEADER_BYTES or not buffer.startswith(MAGIC, at):
        return None
    length: int = _HEADER.unpack_from(buffer, at)[2]
    return HEADER_BYTES + length if length <= MAX_PAYLOAD_BYTES else None


def record_at(buffer: bytes, at: int, *, segment: int, base: int = 0) -> Record | None:
    """Return the valid record that begins at `at` and lies in `buffer` whole, or None.

    Args:
        buffer: Bytes of the segment.
        at: Index in `buffer`.
        segment: Number of the segment, for the record's `end`.
        base: Offset of the buffer in the segment.
    """
    if len(buffer) - at < HEADER_BYTES:
        return None
    magic, crc, length, kind_number, lines, sequence, appended_at_us = _HEADER.unpack_from(buffer, at)
    begin = at + HEADER_BYTES
    end = begin + length
    if magic != MAGIC or end > len(buffer):
        return None
    if zlib.crc32(buffer[at + CHECKED_FROM : end]) != crc:
        return None
    kind = _KINDS.get(kind_number)
    if kind is None:
        return None
    return Record(kind, buffer[begin:end], Position(segment, base + end), lines, sequence, appended_at_us)
