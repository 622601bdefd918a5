"""The journal of a spool: what was emitted last, one write an event, safe from any end of the process.

A record is in the operating system when `append` returns, so that `kill -9` cannot take it back; only a power cut can,
unless each is forced to the disk. It knows numbers, instants and bytes, neither touchpoints nor SQLite.
"""

import errno
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# No UTF-8 text holds its first byte: behind damage the next record is found by it.
_MARK = b"\xffPJ\n"
_CRC_BYTES = 4
_HEAD = struct.Struct("<IQQq")
_HEAD_AT = len(_MARK) + _CRC_BYTES
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
        before = self._descriptor
        self._descriptor, self.size_bytes = successor._descriptor, successor.size_bytes
        os.close(before)

    def close(self) -> None:
        """Let go of the file. In a forked child this leaves the parent's journal as it is."""
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def _write(self, data: bytes) -> None:
        # Taken before it is written: a signal handler that emits meanwhile writes behind it.
        start = self.size_bytes
        end = self.size_bytes = start + len(data)
        try:
            _write_all(self._descriptor, data, start)
        except BaseException:
            # The next record overwrites what was cut short; readers skip it when there is one behind it already.
            if self.size_bytes == end:
                self.size_bytes = start
            raise


class JournalContents(NamedTuple):
    """What a journal held: the events that are not settled, in order, and how many of its bytes are unreadable.

    It is damaged when they are more than a last record that was cut short.
    """

    records: tuple[Record, ...]
    unreadable_bytes: int
    is_damaged: bool


def read_journal(path: Path) -> JournalContents:
    """Return what a journal holds, with what follows any damage; nothing when there is none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalContents((), 0, is_damaged=False)
    records: list[Record] = []
    settled = at = unreadable_bytes = 0
    is_damaged = False
    while at < len(data):
        end = _end_of_record(data, at)
        if end is None or end > len(data):
            following = data.find(_MARK, at + 1)
            is_damaged = is_damaged or following >= 0 or (end is None and data.startswith(_MARK, at))
            following = following if following >= 0 else len(data)
            unreadable_bytes += following - at
            at = following
            continue
        _, number, at_ms, offset_ns = _HEAD.unpack_from(data, at + _HEAD_AT)
        wire = data[at + _HEAD_AT + _HEAD.size : end]
        if wire:
            records.append(Record(number, at_ms, wire, None if offset_ns == _KEEP_TIME else offset_ns))
        else:
            settled = max(settled, number)
        at = end
    left = sorted((record for record in records if record.number > settled), key=lambda record: record.number)
    return JournalContents(tuple(left), unreadable_bytes, is_damaged)


def _end_of_record(data: bytes, at: int) -> int | None:
    """Return where a record ends, past the data when it is cut short; None when there is no whole one."""
    body_at = at + _HEAD_AT
    if not data.startswith(_MARK, at):
        return None
    if body_at + _HEAD.size > len(data):
        return body_at + _HEAD.size
    end: int = body_at + _HEAD.size + int(_HEAD.unpack_from(data, body_at)[0])
    crc = int.from_bytes(data[at + len(_MARK) : body_at], "little")
    return end if end > len(data) or _crc32(data[body_at:end]) == crc else None


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    written = os.pwrite(descriptor, data, at)
    while written < len(data):
        more = os.pwrite(descriptor, data[written:], at + written)
        if not more:
            raise OSError(errno.ENOSPC, "the disk took only a part of a record")
        written += more


def _encoded(number: int, at_ms: int, wire: bytes, clock_offset_ns: int | None) -> bytes:
    offset_ns = _KEEP_TIME if clock_offset_ns is None else clock_offset_ns
    body = _HEAD.pack(len(wire), number, at_ms, offset_ns) + wire
    return _MARK + _crc32(body).to_bytes(_CRC_BYTES, "little") + body
