"""Rows out of a CSV or NDJSON file, plain, gzip or zstd, one at a time, each with the line it begins on.

A row that cannot be read is handed out as such and costs only itself: after a quote that is never closed, reading goes
on with the next line. Memory is bounded by one row. It knows nothing of what a row means.
"""

import csv
import gzip
import io
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, TypeAlias, cast

import orjson

from parcours_collector.importing.errors import UnusableFile
from parcours_collector.importing.mapping import Csv

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

MAX_ROW_CHARS = 256 * 1024
"""A row of a file, in characters (NDJSON: bytes): four times the largest touchpoint."""
MAX_ROW_DEPTH = 200
"""Objects and lists inside one another that are certain to be writable again; deeper ones are tried."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_NDJSON_SUFFIXES = frozenset({".ndjson", ".jsonl"})
_CSV_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})

Format: TypeAlias = Literal["csv", "ndjson"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file: values by column; those of a CSV are texts, those of NDJSON any JSON."""

    line: int
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that is none: its first line as text, and what is wrong with it."""

    line: int
    text: str
    detail: str


class RowFile:
    """A file of rows, open; iterate over it once. A context manager."""

    def __init__(self, file: Path, form: Format, layout: Csv, raw: BinaryIO, closing: ExitStack) -> None:
        self.size_bytes = file.stat().st_size
        self._file = file
        self._raw = raw
        self._closing = closing
        self._rows: Iterator[Row | UnreadableRow]
        plain = closing.enter_context(_decompressed(raw))
        if form == "ndjson":
            self.header: tuple[str, ...] | None = None
            self._rows = _ndjson_rows(plain)
        else:
            # A byte that is not of the encoding stays visible in its row, and costs no other.
            text = closing.enter_context(io.TextIOWrapper(plain, layout.encoding, "surrogateescape", newline=""))
            records = _csv_records(_Lines(text), layout)
            self.header = layout.columns or self._read_header(records)
            self._rows = _csv_rows(records, self.header)

    @classmethod
    def open(cls, file: Path, form: Format | None, layout: Csv) -> Self:
        """Open a file; without a format its name tells it.

        Raises:
            UnusableFile: It is not there, cannot be read, or its name says nothing.
        """
        with ExitStack() as closing:
            try:
                raw = closing.enter_context(file.open("rb"))
            except OSError as error:
                raise UnusableFile(f"{file} cannot be read: {error.strerror}.", remedy="Correct its name.") from error
            opened = cls(file, form or format_of(file), layout, raw, closing)
            opened._closing = closing.pop_all()  # from here on it stays open
            return opened

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.close()

    @property
    def bytes_read(self) -> int:
        """How far the file is read, of `size_bytes`."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[Row | UnreadableRow]:
        """Yield every row in order.

        Raises:
            UnusableFile: The file ends in the middle, or its compression is damaged; all before it was handed out.
        """
        line = 0
        try:
            for row in self._rows:
                line = row.line
                yield row
        except (EOFError, zlib.error, ZstdError, OSError) as error:
            raise self._damaged(error, line) from error

    def _read_header(self, records: "Iterator[_Record | UnreadableRow]") -> tuple[str, ...]:
        try:
            first = next(records, None)
        except (EOFError, zlib.error, ZstdError, OSError) as error:
            raise self._damaged(error, 0) from error
        match first:
            case None:
                raise UnusableFile(f"{self._file} is empty.", remedy="Give a file with a header line and rows.")
            case UnreadableRow(detail=detail):
                raise UnusableFile(f"The header line of {self._file} cannot be read: {detail}.", remedy="Correct it.")
            case _Record(fields=fields):
                return tuple(fields)

    def _damaged(self, error: Exception, line: int) -> UnusableFile:
        how = "ends in the middle of its compression" if isinstance(error, EOFError) else "is damaged"
        after = f" after line {line}" if line else ""
        return UnusableFile(
            f"{self._file} {how}{after}.", remedy="Get the whole file and import it again: nothing is doubled."
        )


def format_of(file: Path) -> Format:
    """Return the format that a file's name tells; raise UnusableFile when it tells none."""
    for suffix in reversed(file.suffixes):
        if suffix.lower() in _NDJSON_SUFFIXES:
            return "ndjson"
        if suffix.lower() in _CSV_SUFFIXES:
            return "csv"
    raise UnusableFile(
        f"The name of {file} does not say its format.", remedy='Set format = "csv" or "ndjson" in the map.'
    )


def _decompressed(raw: BinaryIO) -> BinaryIO:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(_GZIP_MAGIC):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    if magic == _ZSTD_MAGIC:
        return cast("BinaryIO", ZstdFile(raw))
    return raw


@dataclass(frozen=True, slots=True)
class _Record:
    """The fields of a record, with its lines as they stand in the file."""

    line: int
    fields: list[str]
    text: str


class _RowTooLong(Exception):
    """Passes through csv.reader, which knows no values."""


class _Lines:
    """The lines of a text, numbered, with those of the record under way, which can be given back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[tuple[int, str, bool]] = deque()
        self._number = 0
        self._taken: list[tuple[int, str, bool]] = []
        self._taken_chars = 0

    def begin(self) -> None:
        """Begin a record."""
        self._taken = []
        self._taken_chars = 0

    @property
    def first(self) -> tuple[int, str]:
        """Number and text of the record's first line."""
        number, text, _ = self._taken[0]
        return number, text

    @property
    def taken(self) -> str:
        """The record's lines."""
        return "".join([text for _, text, _ in self._taken])

    def give_back_all_but_first(self) -> None:
        """Have the record's other lines read again."""
        self._again.extendleft(reversed(self._taken[1:]))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        self._taken.append(line)
        _, text, whole = line
        self._taken_chars += len(text)
        if not whole or self._taken_chars > MAX_ROW_CHARS:
            raise _RowTooLong
        return text

    def _read(self) -> tuple[int, str, bool]:
        text = self._text.readline(MAX_ROW_CHARS + 1)
        if not text:
            raise StopIteration
        self._number += 1
        if len(text) <= MAX_ROW_CHARS or text[-1] in "\r\n":
            return self._number, text, True
        while rest := self._text.readline(MAX_ROW_CHARS):
            if rest[-1] in "\r\n":
                break
        return self._number, text, False


def _csv_records(lines: _Lines, layout: Csv) -> Iterator[_Record | UnreadableRow]:
    # The limit is of the whole process, and ours is on the row.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_CHARS + 1))
    reader = csv.reader(
        lines,
        delimiter=layout.delimiter,
        quotechar=layout.quote or None,
        quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        skipinitialspace=layout.skip_initial_space,
        strict=True,
    )
    while True:
        lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RowTooLong) as error:
            number, text = lines.first
            lines.give_back_all_but_first()
            yield UnreadableRow(number, _shown(text), _what(error))
            continue
        if fields:
            number, _ = lines.first
            text = lines.taken
            problem = _unclean(text)
            yield _Record(number, fields, text) if problem is None else UnreadableRow(number, _shown(text), problem)


def _csv_rows(records: Iterator[_Record | UnreadableRow], header: tuple[str, ...]) -> Iterator[Row | UnreadableRow]:
    for record in records:
        if isinstance(record, UnreadableRow):
            yield record
            continue
        if len(record.fields) == len(header):
            yield Row(record.line, dict(zip(header, record.fields, strict=True)))
        else:
            how = "fewer" if len(record.fields) < len(header) else "more"
            yield UnreadableRow(record.line, _shown(record.text), f"the row has {how} fields than the header")


def _ndjson_rows(lines: BinaryIO) -> Iterator[Row | UnreadableRow]:
    number = 0
    while line := lines.readline(MAX_ROW_CHARS + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > MAX_ROW_CHARS and not line.endswith(b"\n"):
            while (rest := lines.readline(MAX_ROW_CHARS)) and not rest.endswith(b"\n"):
                pass
            yield UnreadableRow(number, line.decode("utf-8", "replace"), _what(_RowTooLong()))
        elif line.strip():
            yield _ndjson_row(number, line)


def _ndjson_row(number: int, line: bytes) -> Row | UnreadableRow:
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError:
        return UnreadableRow(number, line.decode("utf-8", "replace"), "the line is not JSON in UTF-8")
    if not isinstance(values, dict):
        return UnreadableRow(number, line.decode("utf-8", "replace"), "the line is not a JSON object")
    if line.count(b"{") + line.count(b"[") > MAX_ROW_DEPTH:
        try:
            orjson.dumps(values)
        except TypeError:  # deeper than can be written, though not than can be read
            return UnreadableRow(number, line.decode("utf-8", "replace"), "the line is nested too deep")
    return Row(number, values)


def _unclean(text: str) -> str | None:
    if "\0" in text:
        return "the row holds a NUL byte: the file is damaged, or is in another encoding"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "the row is not in the encoding of the map (csv.encoding)"
    return None


def _what(error: Exception) -> str:
    if isinstance(error, _RowTooLong):
        return f"the row is longer than {MAX_ROW_CHARS} characters, or a quote is not closed"
    return "the row's quotes do not match: one is not closed, or something follows a closing one"


def _shown(text: str) -> str:
    return text.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
