"""The id of an imported touchpoint: made of the row, so that the same row is the same touchpoint whenever it is sent.

UUIDv7 in its layout: the milliseconds of the row's time, then 74 bits of SHA-256 over the dataset, the row's own id or
else all of its content, and, for content, how many rows exactly like it stood before in the file. The name of the file
and the order of rows and columns play no part.
"""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

import orjson

from parcours_collector.importing.values import EPOCH

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_LOW_62 = (1 << 62) - 1
_CACHE_KIB = 16 * 1024


def event_id(dataset: str, key: bytes, occurrence: int, occurred_at: datetime) -> str:
    """Return the id of a touchpoint.

    Args:
        dataset: The name space.
        key: What identifies the row, from `natural_key` or `content_key`.
        occurrence: 0 for the first such row, 1 for the next, …
        occurred_at: Aware, not before 1970.
    """
    milliseconds = (occurred_at - EPOCH) // timedelta(milliseconds=1)
    digest = hashlib.sha256(orjson.dumps([dataset, occurrence]) + key).digest()
    bits = int.from_bytes(digest[:10], "big")
    value = milliseconds << 80 | _VERSION | (bits >> 68 & 0xFFF) << 64 | _VARIANT | bits & _LOW_62
    return str(UUID(int=value))


def natural_key(values: Sequence[str]) -> bytes:
    """Return the key of a row that has ids of its own."""
    return b"id" + orjson.dumps(values)


def content_key(values: Mapping[str, object]) -> bytes:
    """Return the key of a row that is known by all it holds, in whatever order its columns stand."""
    return b"row" + orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


class Occurrences:
    """Counts equal keys; what does not fit in 16 MiB goes to a temporary file of its own. A context manager."""

    def __init__(self) -> None:
        # An empty name is SQLite's for a private database that spills to disk and is gone when closed.
        self._held = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._held.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._held.execute("PRAGMA journal_mode = OFF")
        self._held.execute("PRAGMA synchronous = OFF")
        self._held.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID")
        self._held.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._held.close()

    def next(self, key: bytes) -> int:
        """Return how many times this key came before."""
        digest = hashlib.blake2b(key, digest_size=16).digest()
        [(times,)] = self._held.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1 RETURNING times",
            (digest,),
        ).fetchall()
        return int(times) - 1
