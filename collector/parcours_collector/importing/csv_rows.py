"""Records of a CSV text, each with the line it begins on, however its quotes and newlines stand.

A record that cannot be read costs its first line only: what follows that line is read again. Memory is bounded by
MAX_ROW_CHARS, a quote that is never closed included.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from parcours_collector.importing.mapping import Csv
from parcours_collector.importing.row import MAX_ROW_CHARS, TOO_LONG, Row, UnreadableRow


@dataclass(frozen=True, slots=True)
class Record:
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


def csv_records(text: io.TextIOWrapper, layout: Csv) -> Iterator[Record | UnreadableRow]:
    """Yield the records of a text, the header line included; blank lines are none."""
    lines = _Lines(text)
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
            number, first = lines.first
            lines.give_back_all_but_first()
            yield UnreadableRow(number, _shown(first), _what(error))
            continue
        if fields:
            number, _ = lines.first
            taken = lines.taken
            problem = _unclean(taken)
            yield Record(number, fields, taken) if problem is None else UnreadableRow(number, _shown(taken), problem)


def csv_rows(records: Iterator[Record | UnreadableRow], header: tuple[str, ...]) -> Iterator[Row | UnreadableRow]:
    """Yield the records after the header as rows."""
    for record in records:
        if isinstance(record, UnreadableRow):
            yield record
            continue
        if len(record.fields) == len(header):
            yield Row(record.line, dict(zip(header, record.fields, strict=True)))
        else:
            how = "fewer" if len(record.fields) < len(header) else "more"
            yield UnreadableRow(record.line, _shown(record.text), f"the row has {how} fields than the header")


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
        return f"{TOO_LONG}, or a quote is not closed"
    return "the row's quotes do not match: one is not closed, or something follows a closing one"


def _shown(text: str) -> str:
    return text.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
