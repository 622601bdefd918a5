"""One wrong byte of a record, found and put right by its CRC: a flipped bit on the disk costs nothing.

A CRC is linear: the difference between the one that stands there and the one of what stands there depends on the place
and the value of the wrong byte only. It is stepped back byte by byte until it is that of a single byte. Where more than
one byte could be meant, or what comes out is not the text that a record holds, nothing is mended.
"""

import zlib
from typing import Final

from parcours_collector.wal.record import CHECKED_FROM, HEADER_BYTES, MAGIC, Record, claimed_bytes, record_at

_LARGEST_BYTES: Final = 4 << 20
"""A larger record takes seconds, and its one wrong byte could be several."""
_CRC_FROM: Final = len(MAGIC)
_CONTROL: Final = bytes(byte for byte in range(0x20) if byte != 0x0A)


def mended(span: bytes, *, segment: int, base: int) -> Record | None:
    """Return the record that `span` begins with, but for one wrong byte; None when it is not that.

    Args:
        span: From where the record should begin to where the next valid one does, or to the end of the segment.
        segment: Number of the segment, for the record's `end`.
        base: Offset of the span in the segment.
    """
    for end in _possible_ends(span):
        whole = span[:end]
        for candidate in _candidates(whole):
            record = record_at(candidate, 0, segment=segment, base=base)
            if record is not None and len(candidate) == record.end.offset - base and _is_text(record):
                return record
    return None


def _possible_ends(span: bytes) -> list[int]:
    """Where the record may end: where its header says, where the next one seems to begin, at the end of the span."""
    ends = [len(span)]
    claimed = claimed_bytes(MAGIC + span[_CRC_FROM:], 0)
    if claimed is not None and claimed < len(span):
        ends.insert(0, claimed)
    following = span.find(MAGIC, HEADER_BYTES)
    if following > 0 and following not in ends:
        ends.insert(1, following)
    return [end for end in ends if HEADER_BYTES <= end <= _LARGEST_BYTES]


def _candidates(whole: bytes) -> list[bytes]:
    """Return what `whole` may have been: its magic right, or its CRC, or the one byte that its CRC points at."""
    checked = whole[CHECKED_FROM:]
    stored = int.from_bytes(whole[_CRC_FROM:CHECKED_FROM], "little")
    actual = zlib.crc32(checked)
    difference = stored ^ actual
    if not difference:
        return [MAGIC + whole[_CRC_FROM:]]
    if not whole.startswith(MAGIC):
        return []
    if any(difference == difference & 0xFF << shift for shift in (0, 8, 16, 24)):
        return [MAGIC + actual.to_bytes(4, "little") + checked]
    places = _wrong_bytes(difference, len(checked))
    if len(places) != 1:
        return []
    (at, wrong_by) = places[0]
    return [whole[: CHECKED_FROM + at] + bytes([checked[at] ^ wrong_by]) + checked[at + 1 :]]


def _wrong_bytes(difference: int, length: int) -> list[tuple[int, int]]:
    """Return every place and every change of one byte there that makes this difference of CRCs."""
    found = []
    for at in range(length - 1, -1, -1):
        wrong_by = _OF_ONE_BYTE.get(difference)
        if wrong_by:
            found.append((at, wrong_by))
        last = _BY_TOP_BYTE[difference >> 24]
        difference = (difference ^ _TABLE[last]) << 8 & 0xFFFFFFFF | last
    return found


def _is_text(record: Record) -> bool:
    """Whether a record holds the lines that it counts, and no byte that JSON would have escaped."""
    payload = record.payload
    if payload.count(b"\n") != record.lines or payload.translate(None, _CONTROL) != payload:
        return False
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _table() -> tuple[int, ...]:
    # What zlib makes of one byte, without the constants that it begins and ends with.
    of_zero = zlib.crc32(b"\0")
    return tuple(zlib.crc32(bytes([byte])) ^ of_zero for byte in range(256))


_TABLE: Final = _table()
_OF_ONE_BYTE: Final = {difference: byte for byte, difference in enumerate(_TABLE)}
_BY_TOP_BYTE: Final = {difference >> 24: byte for byte, difference in enumerate(_TABLE)}
