"""Time zones in the header of Native blocks.

To a writer of protocol version 0, which chDB always is, a column of type `DateTime('Europe/Paris')` is `DateTime`: its
zone is lost, and clients show its instants in the server's. A server writes the full name to the clients of today.
Only the type name of such a column is changed, never a value. Knows the Native format's frame, and nothing of requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_BARE: Final = b"\x08DateTime"
_WIDTH_BYTES: Final = 4
_KEPT_STATEMENTS: Final = 1024


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result, as DESCRIBE names it."""

    name: str
    type_name: str

    @property
    def is_date_time(self) -> bool:
        """Whether the engine calls it DateTime in the block, with or without a zone of its own."""
        return self.type_name == "DateTime" or self.loses_its_zone

    @property
    def loses_its_zone(self) -> bool:
        """Whether the engine leaves the zone out of the block. Nested types, and DateTime64, keep theirs."""
        return self.type_name.startswith("DateTime(")


class Undated:
    """The statements whose results had no DateTime column when they were described last.

    To describe a statement is to analyse it once more, which is half the time of many a question. So these are not
    described again, unless `may_lose_a_zone` says of a block that its columns have changed since. Whoever was doubted
    once is described always: its values may imitate a header again.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, bool] = {}

    def __contains__(self, sql: str) -> bool:
        """Whether it was noted so."""
        return self._kept.get(_digest(sql), False)

    def note(self, sql: str, columns: Sequence[Column]) -> None:
        """Remember what a statement's columns are; none say nothing."""
        if not columns or any(column.is_date_time for column in columns):
            self._kept.pop(_digest(sql), None)
        else:
            self._keep(_digest(sql), self._kept.get(_digest(sql), True))

    def doubt(self, sql: str) -> None:
        """Describe it always, from now on."""
        self._keep(_digest(sql), False)

    def _keep(self, digest: bytes, is_undated: bool) -> None:
        self._kept.pop(digest, None)
        self._kept[digest] = is_undated
        if len(self._kept) > _KEPT_STATEMENTS:
            del self._kept[next(iter(self._kept))]


def _digest(sql: str) -> bytes:
    """What stands for a statement, which may be a megabyte long."""
    return hashlib.blake2b(sql.encode(), digest_size=16).digest()


def may_lose_a_zone(block: bytes) -> bool:
    """Whether a Native block may have a column whose zone was left out. Never False where there is one."""
    return _BARE in block


def with_zones(block: bytes, columns: Sequence[Column]) -> bytes:
    """One Native block, its DateTime columns under their full type names.

    A column's header is found by its name and type, and held for it only if the next column's name, or the block's
    end, stands where the values end. Where values imitate all of that, the block comes back as it was.

    Args:
        block: exactly one block, of protocol version 0.
        columns: all of its columns, in order.
    """
    count, at = _read_varint(block, 0)
    rows, at = _read_varint(block, at)
    if count != len(columns):
        return block
    width = rows * _WIDTH_BYTES
    pieces: list[bytes] = []
    cut, known = 0, True
    for number, column in enumerate(columns):
        if not column.loses_its_zone:
            known = False
            continue
        header = _text(column.name) + _BARE
        following = _text(columns[number + 1].name) if number + 1 < count else None
        found = [end for end in _ends(block, header, at, only_there=known) if _goes_on(block, end + width, following)]
        if len(found) != 1:
            return block
        end = found[0]
        pieces += (block[cut : end - len(_BARE)], _text(column.type_name))
        cut, at, known = end, end + width, True
    return b"".join((*pieces, block[cut:]))


def _ends(block: bytes, header: bytes, start: int, *, only_there: bool) -> Iterator[int]:
    if only_there:
        if block.startswith(header, start):
            yield start + len(header)
        return
    at = block.find(header, start)
    while at >= 0:
        yield at + len(header)
        at = block.find(header, at + 1)


def _goes_on(block: bytes, at: int, following: bytes | None) -> bool:
    return at == len(block) if following is None else block.startswith(following, at)


def _text(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
