"""What is done to a log's folder before it is written again: the torn end of the last segment is cut.

Only the last segment can have one: a segment is begun after the one before it was synced, or cut. Damage further up is
left to the reader, which goes past it.
"""

from parcours_collector.wal.disk import Disk
from parcours_collector.wal.quarantine import Quarantine
from parcours_collector.wal.record import HEADER_BYTES, Damage, Mended, Record, claimed_bytes
from parcours_collector.wal.scanning import scan
from parcours_collector.wal.segments import Segment, Segments, read_bytes


def recover(segments: Segments, quarantine: Quarantine, disk: Disk) -> int:
    """Cut the torn end of the last segment; return the highest sequence or segment number in use."""
    newest = 0
    while last := segments.all()[-1:]:
        segment = last[0]
        newest = max(newest, segment.number)
        end = 0
        torn: Damage | None = None
        content = read_bytes(segment, 0, segment.size_bytes)
        for found in scan(content, segment=segment.number, after_sequence=segment.number - 1):
            match found:
                case Damage():
                    torn = found
                case Record():
                    torn, end, newest = None, found.end.offset, max(newest, found.sequence)
                case Mended(record, _):
                    torn, end, newest = None, record.end.offset, max(newest, record.sequence)
        if torn is not None and _was_whole(content, torn.offset):
            quarantine.keep(torn)
        elif torn is not None:
            quarantine.keep_torn(segment.number, end, content[end:])
        if torn is not None or segment.size_bytes == 0:
            disk.cut(segment.path, end)
        if end:
            segments.put(Segment(segment.number, segment.path, end, segment.written_at))
            break
        segments.forget(segment.number)
    return newest


def _was_whole(content: bytes, at: int) -> bool:
    """Whether a record lies there whole but for wrong bytes: it was written to its end, and may have been acknowledged.

    Blocks that a crash kept from being written read as zeros, which no line of JSON holds.
    """
    size = claimed_bytes(content, at)
    return size is not None and at + size <= len(content) and b"\0" not in content[at + HEADER_BYTES : at + size]
