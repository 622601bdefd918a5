"""The journal of a spool: what was emitted last, one write an event, safe from any end of the process.

A record is in the operating system when `append` returns, so that `kill -9` cannot take it back; only a power cut can,
unless each is forced to the disk. It knows numbers, instants and bytes, neither touchpoints nor SQLite.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_CRC_BYTES = 4
_HEAD = struct.Struct("<IQQq")
_KEEP_TIME = -(1 << 63)
_crc32 = zlib.crc32


class Record(NamedTuple):
    """One event: its number in the process, the wall clock at emission (ms since 1970), and what `Outgoing` holds."""

    number: int
    at_ms: int
    wire: bytes
    clock_offset_ns: int | None


class Journal:
    """Append events, and say up to which number they are settled. Not thread-safe: the queue's lock guards it.

    Args:
        path: The file; what it held is replaced.
        to_disk: Force each record to the disk before `append` returns.

    Raises:
        OSError: From any method: the disk is full, failing or read-only. What was there before stays readable.
    """

    def __init__(self, path: Path, *, to_disk: bool) -> None:
        self._path = path
        self._to_disk = to_disk
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.size_bytes = 0

    def append(self, number: int, at_ms: int, wire: bytes, clock_offset_ns: int | None) -> None:
        """Write one event. Numbers rise."""
        self._write(_encoded(number, at_ms, wire, clock_offset_ns))
        if self._to_disk:
            os.fdatasync(self._descriptor)

    def settle(self, upto: int) -> None:
        """Say that events up to this number need no keeping here any more."""
        self._write(_encoded(upto, 0, b"", None))

    def clear(self) -> None:
        """Forget everything."""
        os.ftruncate(self._descriptor, 0)
        self.size_bytes = 0

    def rewrite(self, records: Iterable[Record]) -> None:
        """Hold exactly these events from now on; a crash leaves either what was there or this."""
        successor = Journal(self._path.with_suffix(".rewritten"), to_disk=False)
        try:
            successor._write(b"".join([_encoded(*record) for record in records]))
            if self._to_disk:
                os.fdatasync(successor._descriptor)
            successor._path.replace(self._path)
        except OSError:
            successor.close()
            raise
        self.close()
        self._descriptor, self.size_bytes = successor._descriptor, successor.size_bytes

    def close(self) -> None:
        """Let go of the file. In a forked child this leaves the parent's journal as it is."""
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        # At our own offset: a record that was cut short by a full disk is overwritten by the next.
        written = os.pwrite(self._descriptor, data, self.size_bytes)
        while written < len(data):
            more = os.pwrite(self._descriptor, data[written:], self.size_bytes + written)
            if not more:
                raise OSError("the disk took only a part of a record")
            written += more
        self.size_bytes += written


class JournalContents(NamedTuple):
    """What a journal held: the events that are not settled, in order, and how many bytes at its end are unreadable."""

    records: tuple[Record, ...]
    unreadable_bytes: int


def read_journal(path: Path) -> JournalContents:
    """Return what a journal holds, up to the first record that is damaged or was cut short; nothing when there is none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalContents((), 0)
    records: list[Record] = []
    settled = 0
    at = 0
    first_body = _CRC_BYTES + _HEAD.size
    while at + first_body <= len(data):
        length, number, at_ms, offset_ns = _HEAD.unpack_from(data, at + _CRC_BYTES)
        end = at + first_body + length
        if end > len(data) or _crc32(data[at + _CRC_BYTES : end]) != int.from_bytes(
            data[at : at + _CRC_BYTES], "little"
        ):
            break
        if length:
            wire = data[at + first_body : end]
            records.append(Record(number, at_ms, wire, None if offset_ns == _KEEP_TIME else offset_ns))
        else:
            settled = max(settled, number)
        at = end
    return JournalContents(tuple(record for record in records if record.number > settled), len(data) - at)


def _encoded(number: int, at_ms: int, wire: bytes, clock_offset_ns: int | None) -> bytes:
    offset_ns = _KEEP_TIME if clock_offset_ns is None else clock_offset_ns
    body = _HEAD.pack(len(wire), number, at_ms, offset_ns) + wire
    return _crc32(body).to_bytes(_CRC_BYTES, "little") + body
