"""Lines of an NDJSON file as rows; a line that is no JSON object costs only itself."""

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from parcours_collector.importing.row import MAX_ROW_CHARS, TOO_LONG, Row, UnreadableRow
from parcours_collector.importing.values import is_writable

FEW_BRACKETS = 100
"""A line with fewer cannot be too deep, and is not tried."""


def ndjson_rows(lines: BinaryIO) -> Iterator[Row | UnreadableRow]:
    """Yield the lines of a file as rows; blank lines are none."""
    number = 0
    while line := lines.readline(MAX_ROW_CHARS + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > MAX_ROW_CHARS and not line.endswith(b"\n"):
            while (rest := lines.readline(MAX_ROW_CHARS)) and not rest.endswith(b"\n"):
                pass
            yield _unreadable(number, line, TOO_LONG)
        elif line.strip():
            yield _ndjson_row(number, line)


def _ndjson_row(number: int, line: bytes) -> Row | UnreadableRow:
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _unreadable(number, line, "the line is not JSON in UTF-8")
    if not isinstance(values, dict):
        return _unreadable(number, line, "the line is not a JSON object")
    if line.count(b"{") + line.count(b"[") > FEW_BRACKETS and not is_writable(values):
        return _unreadable(number, line, "the line is nested too deep")
    return Row(number, values)


def _unreadable(number: int, line: bytes, detail: str) -> UnreadableRow:
    return UnreadableRow(number, line.decode("utf-8", "replace"), detail)
