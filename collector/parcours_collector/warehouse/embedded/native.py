"""The part of chDB that is used, typed. The only module that imports chdb."""

# ruff: noqa: D102, A002 -- the methods and their arguments are chDB's own, documented there

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

from parcours_collector.warehouse.embedded.errors import EngineError


class Chunk(Protocol):
    """A result, or a block of one."""

    def bytes(self) -> bytes: ...
    def rows_read(self) -> int: ...
    def storage_rows_read(self) -> int: ...
    def storage_bytes_read(self) -> int: ...
    def rows_written(self) -> int: ...
    def bytes_written(self) -> int: ...
    def elapsed(self) -> float: ...


class StreamingResult(Protocol):
    """A running SELECT."""

    def fetch(self) -> Chunk | None: ...
    def cancel(self) -> None: ...


class InsertResult(Protocol):
    """What an INSERT has written."""

    rows_written: int
    bytes_written: int
    elapsed: float


class StreamingInserter(Protocol):
    """A running INSERT."""

    def append(self, data: bytes) -> None: ...
    def finish(self) -> InsertResult: ...
    def cancel(self) -> None: ...


class NativeConnection(Protocol):
    """A session."""

    def query(self, query: str, format: str = ..., params: dict[str, str] | None = ...) -> Chunk: ...
    def send_query(self, query: str, format: str = ..., params: dict[str, str] | None = ...) -> StreamingResult: ...
    def send_insert(self, query: str, format: str = ...) -> StreamingInserter: ...
    def close(self) -> None: ...


def connect(source: str) -> NativeConnection:
    """Open a session; the first one opens the engine."""
    import chdb

    return cast("NativeConnection", chdb.connect(source))  # type: ignore[no-untyped-call]  # chdb has no annotations here


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn whatever chDB raises into an EngineError."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:  # noqa: BLE001 -- chDB raises bare RuntimeError and its own ChdbError alike
        raise EngineError.parse(str(error)) from None
