"""Rows out of files as they come: line numbers, compressions, encodings, and damage that costs only itself."""

import csv
import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.importing.errors import UnusableFile
from parcours_collector.importing.mapping import Csv
from parcours_collector.importing.row import MAX_ROW_CHARS, Row, UnreadableRow
from parcours_collector.importing.rows import RowFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def read(file: Path, layout: Csv = Csv()) -> list[Row | UnreadableRow]:  # noqa: B008 - immutable
    with RowFile.open(file, None, layout) as rows:
        return list(rows)


def lines(rows: list[Row | UnreadableRow]) -> list[tuple[int, bool]]:
    """Line and whether the row can be read."""
    return [(row.line, isinstance(row, Row)) for row in rows]


def write(folder: Path, content: bytes, name: str = "rows.csv") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def test_a_row_knows_its_first_line_whatever_newlines_its_fields_hold(tmp_path: Path) -> None:
    rows = read(write(tmp_path, b'user,note\r\nu-1,"one\ntwo\r\nthree"\r\n\r\nu-2,plain\r\n'))
    assert rows == [
        Row(2, {"user": "u-1", "note": "one\ntwo\r\nthree"}),
        Row(6, {"user": "u-2", "note": "plain"}),
    ]


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
def test_compression_is_told_by_content_and_a_byte_order_mark_is_no_part_of_a_name(
    tmp_path: Path, compress: "type[bytes]", bom: bytes
) -> None:
    assert read(write(tmp_path, compress(bom + "user,city\nu-1,Évry\n".encode()))) == [
        Row(2, {"user": "u-1", "city": "Évry"})
    ]
    ndjson = compress(bom + b'{"user": "u-1"}\n\n{"user": 2}')
    assert read(write(tmp_path, ndjson, "rows.jsonl.gz")) == [Row(1, {"user": "u-1"}), Row(3, {"user": 2})]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    good = b"u-1,fine\n" * 5
    rows = read(write(tmp_path, b"user,note\n" + good + b'u-2,"open\n' + good))
    assert lines(rows) == [(line, line != 7) for line in range(2, 13)]
    bad = rows[5]
    assert isinstance(bad, UnreadableRow)
    assert bad.text == 'u-2,"open'
    assert "quote" in bad.detail


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"u-2", "fewer fields"),
        (b"u-2,a,b", "more fields"),
        (b'u-2,"a"b', "quotes do not match"),
        (b"u-2,\x00", "NUL"),
        (b"u-2,\xff", "encoding"),
        (b"u-2," + b"x" * MAX_ROW_CHARS, "longer than"),
        (b"u-2," + b"x" * (3 * MAX_ROW_CHARS), "longer than"),
    ],
    ids=["fewer", "more", "quotes", "nul", "encoding", "long", "longer"],
)
def test_a_damaged_line_is_handed_out_with_its_number_and_costs_no_other(
    tmp_path: Path, line: bytes, detail: str
) -> None:
    rows = read(write(tmp_path, b"user,note\nu-1,a\n" + line + b"\nu-3,c\n"))
    assert lines(rows) == [(2, True), (3, False), (4, True)]
    bad = rows[1]
    assert isinstance(bad, UnreadableRow)
    assert detail in bad.detail
    assert bad.text.startswith("u-2")
    bad.text.encode()


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"{broken", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"a": "\xff"}', "not JSON"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "too deep"),
        (b'{"a":' + b"[" * 250 + b"]" * 250 + b"}", "too deep"),
        (b'{"a": "' + b"x" * (2 * MAX_ROW_CHARS) + b'"}', "longer than"),
    ],
)
def test_a_damaged_line_of_ndjson_costs_no_other(tmp_path: Path, line: bytes, detail: str) -> None:
    rows = read(write(tmp_path, b'{"a": 1}\n' + line + b'\n{"a": 3}\n', "rows.ndjson"))
    assert lines(rows) == [(1, True), (2, False), (3, True)]
    bad = rows[1]
    assert isinstance(bad, UnreadableRow)
    assert detail in bad.detail


def test_a_file_cut_short_hands_out_what_came_before(tmp_path: Path) -> None:
    whole = gzip.compress(b"user,note\n" + b"".join(b"u-%d,%d\n" % (n, n * 7919) for n in range(5000)))
    seen = []
    with RowFile.open(write(tmp_path, whole[: len(whole) // 2]), None, Csv()) as rows:
        with pytest.raises(UnusableFile, match="ends in the middle of its compression after line"):
            seen.extend(rows)
        assert rows.bytes_read <= rows.size_bytes == len(whole) // 2
    assert seen[0] == Row(2, {"user": "u-0", "note": "0"})


def test_files_without_a_header_and_with_blanks_between_columns_are_read_by_the_map(tmp_path: Path) -> None:
    layout = Csv(delimiter=" ", skip_initial_space=True, quote="", columns=("customer", "day", "count"))
    rows = read(write(tmp_path, b' 00001 19970101  1\n 00002 19970112 "2"\n', "cdnow.txt"), layout)
    assert rows == [
        Row(1, {"customer": "00001", "day": "19970101", "count": "1"}),
        Row(2, {"customer": "00002", "day": "19970112", "count": '"2"'}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", b"", "is empty"),
        ("rows.bin", b"a,b\n", "does not say its format"),
        ("rows.csv", b'"a,b\n1,2\n', "header line"),
        ("rows.csv", b"\x1f\x8b and no gzip at all", "is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_remedy(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(UnusableFile, match=said) as refused:
        read(write(tmp_path, content, name))
    assert refused.value.what_to_do


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_what_a_csv_writer_wrote_is_read_back_with_the_lines_it_stands_on(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str]]
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(("a", "b"))
    starts = []
    for row in written:
        before = text.getvalue().replace("\r\n", "\n").replace("\r", "\n")
        starts.append(before.count("\n") + 1)
        writer.writerow(row)
    file = write(tmp_path_factory.mktemp("csv"), text.getvalue().encode())
    assert read(file) == [Row(line, {"a": a, "b": b}) for line, (a, b) in zip(starts, written, strict=True)]
