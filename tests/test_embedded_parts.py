"""The small parts of the shell by themselves: compression, the cut of an INSERT, formats, errors, zones."""

import gzip
import zlib

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.warehouse.embedded import formats
from parcours_collector.warehouse.embedded.compression import ENCODINGS, Decompressor, accepted, compressor
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.guard.split import split_insert
from parcours_collector.warehouse.embedded.zones import Column, Undated, may_lose_a_zone, with_zones

PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}


@given(data=st.lists(st.binary(max_size=200), max_size=5), encoding=st.sampled_from(ENCODINGS), cut=st.integers(1, 40))
def test_what_is_compressed_in_pieces_is_decompressed_in_pieces(data: list[bytes], encoding: str, cut: int) -> None:
    packing = compressor(encoding)
    packed = b"".join(packing.compress(piece) for piece in data) + packing.flush()
    unpacking = Decompressor(encoding)
    out = b"".join(piece for at in range(0, len(packed), cut) for piece in unpacking.feed(packed[at : at + cut]))
    unpacking.finish()
    assert out == b"".join(data)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_comes_out_in_bounded_pieces(encoding: str) -> None:
    bomb = PACK[encoding](bytes(100 << 20))
    assert max(len(piece) for piece in Decompressor(encoding).feed(bomb)) <= 1 << 20


def test_accept_encoding_is_read_as_http_means_it() -> None:
    assert accepted("gzip, deflate") == "gzip"
    assert accepted("zstd;q=0, gzip;q=0.1") == "gzip"
    assert accepted("br, identity") is None
    assert accepted("") is None


@pytest.mark.parametrize(
    ("text", "head", "input_format", "data"),
    [
        (b"INSERT INTO t VALUES (1)", b"INSERT INTO t ", "Values", b"(1)"),
        (b"insert into t(a) values(1)", b"insert into t(a) ", "Values", b"(1)"),
        (b"INSERT INTO values VALUES (1)", b"INSERT INTO values ", "Values", b"(1)"),
        (b"INSERT INTO db.format FORMAT CSV\n1", b"INSERT INTO db.format ", "CSV", b"1"),
        (b"INSERT INTO `FORMAT x` FORMAT CSV  \r\n1", b"INSERT INTO `FORMAT x` ", "CSV", b"1"),
        (
            b"/* VALUES */ INSERT INTO t -- FORMAT\n FORMAT TSV\n\n",
            b"/* VALUES */ INSERT INTO t -- FORMAT\n ",
            "TSV",
            b"\n",
        ),
        (
            b"INSERT INTO t SETTINGS a = 'VALUES' FORMAT Native\n\x00",
            b"INSERT INTO t SETTINGS a = 'VALUES' ",
            "Native",
            b"\x00",
        ),
    ],
)
def test_an_insert_is_cut_where_its_data_begins(text: bytes, head: bytes, input_format: str, data: bytes) -> None:
    cut = split_insert(text)
    assert cut is not None
    assert (cut.head, cut.input_format, text[cut.data_at :]) == (head, input_format, data)


@pytest.mark.parametrize(
    "text",
    [b"SELECT 1", b"INSERT INTO t SELECT 1 FORMAT Null", b"INSERT INTO t", b"", b"INSERT INTO t WITH 1 AS x SELECT x"],
)
def test_an_insert_without_data_is_a_statement(text: bytes) -> None:
    assert split_insert(text) is None


@given(st.text())
def test_any_engine_text_becomes_an_error(text: str) -> None:
    error = EngineError.parse(text)
    assert 400 <= error.http_status < 600
    assert error.text("1").endswith("(version 1)\n")


def test_headers_of_later_blocks_are_cut_by_their_lines() -> None:
    assert formats.without_header("CSVWithNames", b'"a","b\nc"\n1,2\n') == b"1,2\n"
    assert formats.without_header("TSVWithNamesAndTypes", b"a\nUInt8\n1\n") == b"1\n"
    assert formats.without_header("TSV", b"a\n") == b"a\n"


PARIS = "DateTime('Europe/Paris')"
INSTANT = b"\x01\x02\x03\x04"


def named(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def block(*columns: tuple[str, str, bytes], rows: int = 1) -> bytes:
    """A Native block, of names, types and values."""
    return bytes([len(columns), rows]) + b"".join(named(name) + named(kind) + data for name, kind, data in columns)


def test_a_blocks_datetime_columns_are_given_their_zones() -> None:
    columns = (Column("a", PARIS), Column("b", "String"), Column("b", "DateTime('Asia/Tokyo')"), Column("c", "UInt8"))
    text = ("b", "String", named("\x01b\x08DateTime"))
    bare = block(("a", "DateTime", INSTANT), text, ("b", "DateTime", INSTANT), ("c", "UInt8", b"\7"))
    full = block(("a", PARIS, INSTANT), text, ("b", "DateTime('Asia/Tokyo')", INSTANT), ("c", "UInt8", b"\7"))
    assert with_zones(bare, columns) == full
    assert with_zones(full, columns) == full
    assert with_zones(bare, columns[:3]) == bare


def test_values_that_imitate_a_header_change_nothing() -> None:
    fake = "\x01a\x08DateTime" + "\x01" * 4 + "\x01z"
    columns = (Column("s", "String"), Column("a", PARIS), Column("z", "UInt8"))
    imitated = block(("s", "String", named(fake)), ("a", "DateTime", INSTANT), ("z", "UInt8", b"\7"))
    assert with_zones(imitated, columns) == imitated
    last = block(("s", "String", named(fake)), ("a", "DateTime", INSTANT))
    assert with_zones(last, columns[:2]) == block(("s", "String", named(fake)), ("a", PARIS, INSTANT))


def test_what_had_no_datetime_column_is_not_described_again() -> None:
    undated = Undated()
    for kinds in (["DateTime"], ["String", PARIS], []):
        undated.note("SELECT 1", [Column("a", kind) for kind in kinds])
        assert "SELECT 1" not in undated
    plain = [Column("a", "DateTime64(3, 'UTC')"), Column("b", "Nullable(DateTime)"), Column("c", "String")]
    for number in range(1025):
        undated.note(f"SELECT {number}", plain)
    assert ["SELECT 0" in undated, "SELECT 1" in undated, "SELECT 1024" in undated] == [False, True, True]
    undated.note("SELECT 1", [Column("a", PARIS)])
    assert "SELECT 1" not in undated
    undated.doubt("SELECT 2")
    undated.note("SELECT 2", plain)
    assert "SELECT 2" not in undated, "its values imitated a header, and may again"
    assert may_lose_a_zone(block(("b", "UInt8", b"\7"), ("a", "DateTime", INSTANT)))
    assert not may_lose_a_zone(block(("a", PARIS, INSTANT), ("b", "DateTime64(3)", INSTANT * 2)))


@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=9), zone=st.sampled_from(("Europe/Paris", "UTC")))
def test_no_value_is_ever_changed_with_a_zone(texts: list[str], zone: str) -> None:
    values = b"".join(bytes([len(text.encode())]) + text.encode() for text in texts)
    kind = f"DateTime('{zone}')"
    rows = len(texts)
    bare = block(("s", "String", values), ("at", "DateTime", INSTANT * rows), rows=rows)
    full = block(("s", "String", values), ("at", kind, INSTANT * rows), rows=rows)
    assert with_zones(bare, (Column("s", "String"), Column("at", kind))) == full
