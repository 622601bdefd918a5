"""Output and input formats: which are safe, which can be sent block by block, and their media types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_FORMAT: Final = "TabSeparated"

_REFUSED: Final = frozenset(
    # Formats that read a schema or a template from the host's disk, or fetch one from a host.
    {
        "template",
        "templateignorespaces",
        "capnproto",
        "protobuf",
        "protobufsingle",
        "protobuflist",
        "protobufconfluent",
        "avroconfluent",
        "mysqldump",
        "mysqlwire",
        "postgresqlwire",
        "odbcdriver2",
        "npy",
        "one",
        "form",
        "hiveText".lower(),
    }
)

_BLOCKWISE: Final = frozenset(
    name.lower()
    for name in (
        "Native",
        "TabSeparated",
        "TSV",
        "TabSeparatedRaw",
        "TSVRaw",
        "Raw",
        "CSV",
        "JSONEachRow",
        "JSONLines",
        "NDJSON",
        "JSONStringsEachRow",
        "JSONCompactEachRow",
        "JSONCompactStringsEachRow",
        "RowBinary",
        "TSKV",
        "LineAsString",
        "RawBLOB",
        "MsgPack",
    )
)
"""Formats whose blocks, joined, are the whole result: no header, no frame, no separator between rows of two blocks."""


@dataclass(frozen=True, slots=True)
class _Header:
    lines: int
    quoted: bool = False


_HEADED: Final = {
    **{
        f"{base}withnames": _Header(1)
        for base in ("tabseparated", "tsv", "tabseparatedraw", "tsvraw", "raw", "jsoncompacteachrow")
    },
    **{
        f"{base}withnamesandtypes": _Header(2)
        for base in ("tabseparated", "tsv", "tabseparatedraw", "tsvraw", "raw", "jsoncompacteachrow")
    },
    "csvwithnames": _Header(1, quoted=True),
    "csvwithnamesandtypes": _Header(2, quoted=True),
}
"""Formats that repeat a header of so many lines before every block of the engine's stream."""

_TYPES: Final = (
    ("json", "application/json; charset=UTF-8"),
    ("ndjson", "application/x-ndjson; charset=UTF-8"),
    ("csv", "text/csv; charset=UTF-8; header=absent"),
    ("tabseparated", "text/tab-separated-values; charset=UTF-8"),
    ("tsv", "text/tab-separated-values; charset=UTF-8"),
    ("xml", "application/xml; charset=UTF-8"),
    ("native", "application/octet-stream"),
    ("rowbinary", "application/octet-stream"),
    ("parquet", "application/octet-stream"),
    ("arrow", "application/octet-stream"),
    ("orc", "application/octet-stream"),
    ("avro", "application/octet-stream"),
)


def refused(name: str) -> bool:
    """Whether a format can reach beyond the bytes of the request."""
    return name.lower() in _REFUSED


def blockwise(name: str) -> bool:
    """Whether a result in this format can be sent a block at a time."""
    return name.lower() in _BLOCKWISE or name.lower() in _HEADED


def has_header(name: str) -> bool:
    """Whether even an empty result has bytes in this format."""
    return name.lower() in _HEADED


def without_header(name: str, block: bytes) -> bytes:
    """A block after the first, without the header that the engine repeats."""
    header = _HEADED.get(name.lower())
    if header is None:
        return block
    at = 0
    for _ in range(header.lines):
        at = _end_of_line(block, at, quoted=header.quoted)
    return block[at:]


def content_type(name: str) -> str:
    """The media type a ClickHouse server gives for the format."""
    lowered = name.lower()
    if lowered.endswith("eachrow") or lowered in ("jsonlines", "ndjson"):
        return _TYPES[1][1]
    return next((kind for prefix, kind in _TYPES if lowered.startswith(prefix)), "text/plain; charset=UTF-8")


def _end_of_line(block: bytes, at: int, *, quoted: bool) -> int:
    while True:
        end = block.find(b"\n", at) + 1
        if end == 0:
            return len(block)
        # A quoted name may hold a line break: the line ends where its quotes are balanced.
        if not quoted or block.count(b'"', 0, end) % 2 == 0:
            return end
        at = end
