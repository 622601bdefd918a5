"""Rows out of a CSV or NDJSON file, plain, gzip or zstd, one at a time, each with the line it begins on.

A row that cannot be read is handed out as such and costs only itself: after a quote that is never closed, reading goes
on with the next line. Memory is bounded by one row. It knows nothing of what a row means.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, TypeAlias, cast

from parcours_collector.importing.csv_rows import Record, csv_records, csv_rows
from parcours_collector.importing.errors import UnusableFile
from parcours_collector.importing.mapping import Csv
from parcours_collector.importing.ndjson_rows import ndjson_rows
from parcours_collector.importing.row import Row, UnreadableRow

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_NDJSON_SUFFIXES = frozenset({".ndjson", ".jsonl"})
_CSV_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})

Format: TypeAlias = Literal["csv", "ndjson"]


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
            self._rows = ndjson_rows(plain)
        else:
            # A byte that is not of the encoding stays visible in its row, and costs no other.
            text = closing.enter_context(io.TextIOWrapper(plain, layout.encoding, "surrogateescape", newline=""))
            records = csv_records(text, layout)
            self.header = layout.columns or self._read_header(records)
            self._rows = csv_rows(records, self.header)

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

    def _read_header(self, records: Iterator[Record | UnreadableRow]) -> tuple[str, ...]:
        try:
            first = next(records, None)
        except (EOFError, zlib.error, ZstdError, OSError) as error:
            raise self._damaged(error, 0) from error
        match first:
            case None:
                raise UnusableFile(f"{self._file} is empty.", remedy="Give a file with a header line and rows.")
            case UnreadableRow(detail=detail):
                raise UnusableFile(f"The header line of {self._file} cannot be read: {detail}.", remedy="Correct it.")
            case Record(fields=fields):
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
