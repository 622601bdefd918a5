"""Reading a log back: synced records in order, past any damage, one slice of a segment at a time.

What it meets that is not a valid record goes to the quarantine once, and reading goes on behind it. Reading the same
range again gives the same records. It runs in whichever thread calls it and changes nothing but the quarantine.
"""

from parcours_collector.wal.quarantine import Quarantine
from parcours_collector.wal.record import (
    HEADER_BYTES,
    Damage,
    Mended,
    Position,
    Record,
    WalChunk,
    claimed_bytes,
    record_at,
)
from parcours_collector.wal.scanning import scan
from parcours_collector.wal.segments import Segment, Segments, read_bytes


class Reader:
    """Reads the segments of one log."""

    def __init__(self, segments: Segments, quarantine: Quarantine) -> None:
        self._segments = segments
        self._quarantine = quarantine

    def read(self, after: Position, *, max_bytes: int, upto: Position) -> WalChunk:
        """Return the records from `after` on that fit in `max_bytes`, headers counted: at least one if there is one."""
        records: list[Record] = []
        end, room = after, max_bytes
        for segment in self._segments.all():
            if segment.number < after.segment:
                continue
            if segment.number > upto.segment or (records and room <= 0):
                break
            limit = min(segment.size_bytes, upto.offset) if segment.number == upto.segment else segment.size_bytes
            offset = end.offset if segment.number == end.segment else 0
            full = False
            while offset < limit and not full:
                found, offset, full = self._slice(segment, offset, limit, room, first=not records)
                records += found
                room -= sum(HEADER_BYTES + len(record.payload) for record in found)
                end = Position(segment.number, offset)
            if full:
                break
        return WalChunk(tuple(records), end)

    def _slice(
        self, segment: Segment, offset: int, limit: int, room: int, *, first: bool
    ) -> tuple[list[Record], int, bool]:
        """Return the records of one slice, the offset behind them, and whether the next record finds no room."""
        buffer = read_bytes(segment, offset, min(limit - offset, max(room, HEADER_BYTES)))
        records: list[Record] = []
        at, number = 0, segment.number
        while record := record_at(buffer, at, segment=number, base=offset):
            records.append(record)
            at = record.end.offset - offset
        here = offset + at
        if here >= limit:
            return records, here, False
        header = read_bytes(segment, here, HEADER_BYTES)
        claimed = claimed_bytes(header, 0)
        if claimed is not None and here + claimed <= limit and at + claimed > len(buffer):
            if records or not first:
                return records, here, True
            whole = record_at(read_bytes(segment, here, claimed), 0, segment=number, base=here)
            if whole is not None:
                return [whole], whole.end.offset, False
        put_right, behind = self._pass_damage(segment, here, limit, records)
        return records + put_right, behind, False

    def _pass_damage(self, segment: Segment, here: int, limit: int, before: list[Record]) -> tuple[list[Record], int]:
        """Return the record that could be mended there, if it is one, and the offset behind the damage."""
        after_sequence = before[-1].sequence if before else self._sequence_before(segment, here)
        rest = read_bytes(segment, here, limit - here)
        for found in scan(rest, segment=segment.number, base=here, after_sequence=after_sequence):
            match found:
                case Damage():
                    self._quarantine.keep(found)
                    return [], found.offset + len(found.content)
                case Mended(record, offset):
                    self._quarantine.note_mended(segment.number, offset)
                    return [record], record.end.offset
                case Record():
                    break
        return [], here

    def _sequence_before(self, segment: Segment, offset: int) -> int:
        sequence = segment.number - 1
        for found in scan(read_bytes(segment, 0, offset), segment=segment.number, after_sequence=sequence):
            match found:
                case Record():
                    sequence = found.sequence
                case Mended(record, _):
                    sequence = record.sequence
                case Damage():
                    pass
        return sequence
