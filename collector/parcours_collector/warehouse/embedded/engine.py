"""The engine: chDB opened on one folder, and connections to it.

Every method blocks and releases the GIL; callers run them in threads. Knows nothing of HTTP.
"""

from __future__ import annotations

import os
import queue
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from parcours_collector.warehouse.embedded import native
from parcours_collector.warehouse.embedded.access import write_configuration
from parcours_collector.warehouse.embedded.folder import DataFolder
from parcours_collector.warehouse.embedded.native import engine_errors
from parcours_collector.warehouse.embedded.options import Limits

_ENGINE_FOLDER: Final = "clickhouse"
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KILL: Final = "KILL QUERY WHERE substringIndex(Settings['log_comment'], '\\n', 1) = {name:String} ASYNC"


@dataclass(frozen=True, slots=True)
class Result:
    """One whole result.

    Args:
        data: bytes in the requested format.
        result_rows: rows in it.
        read_rows: rows read from storage.
        read_bytes: bytes read from storage.
        written_rows: rows written, materialized views included.
        written_bytes: bytes written.
        elapsed_seconds: as the engine measured it.
    """

    data: bytes = b""
    result_rows: int = 0
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_seconds: float = 0.0


def _has_tables(engine_path: Path) -> bool:
    """Whether the database `default` has tables on disk."""
    try:
        statement = (engine_path / "metadata" / "default.sql").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    uuid = _UUID.search(statement)
    return uuid is None or any((engine_path / "store" / uuid[0][:3] / uuid[0]).glob("*.sql"))


def quote(text: str) -> str:
    """A ClickHouse string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A quoted ClickHouse identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def escape_parameter(value: str) -> str:
    """A text as the value of a `String` query parameter (escaped as in TSV)."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


class Stream:
    """A running SELECT whose blocks are pulled one at a time: nobody reads, nothing is computed ahead.

    Attributes:
        first: The first block or None, fetched with the start, since analysis may fail as late as there.
        result_rows: Rows fetched so far.
    """

    def __init__(self, native_stream: native.StreamingResult) -> None:
        self._stream = native_stream
        self.result_rows = 0
        self.first = self.fetch()

    def fetch(self) -> bytes | None:
        """The next block in the requested format, None at the end.

        Raises:
            EngineError: the query failed or was cancelled.
        """
        with engine_errors():
            chunk = self._stream.fetch()
        if chunk is None:
            return None
        self.result_rows += chunk.rows_read()
        return bytes(chunk.bytes())

    def cancel(self) -> None:
        """Stop the query; harmless at its end."""
        with engine_errors():
            self._stream.cancel()


class Insert:
    """A running INSERT that is fed bytes; nothing is acknowledged before `finish`."""

    def __init__(self, native_inserter: native.StreamingInserter) -> None:
        self._inserter = native_inserter

    def append(self, data: bytes) -> None:
        """Hand over a piece of the body, wherever it is cut.

        Raises:
            EngineError: a row cannot be read.
        """
        with engine_errors():
            self._inserter.append(data)

    def finish(self) -> Result:
        """Commit; after it returns the rows survive `kill -9`.

        Raises:
            EngineError: a row cannot be read or stored.
        """
        with engine_errors():
            done = self._inserter.finish()
        return Result(written_rows=done.rows_written, written_bytes=done.bytes_written, elapsed_seconds=done.elapsed)

    def cancel(self) -> None:
        """Give up without committing."""
        with engine_errors():
            self._inserter.cancel()


class Connection:
    """One session of the engine: settings, current database and temporary tables live as long as it does."""

    def __init__(self, native_connection: native.NativeConnection) -> None:
        self._native = native_connection

    def query(self, sql: str, output_format: str = "TabSeparated", params: Mapping[str, str] | None = None) -> Result:
        """Run one statement and hold its whole result.

        Raises:
            EngineError: as the engine reports it.
        """
        with engine_errors():
            done = self._native.query(sql, output_format, params=dict(params or {}))
        return Result(
            data=bytes(done.bytes()),
            result_rows=done.rows_read(),
            read_rows=done.storage_rows_read(),
            read_bytes=done.storage_bytes_read(),
            written_rows=done.rows_written(),
            written_bytes=done.bytes_written(),
            elapsed_seconds=done.elapsed(),
        )

    def stream(self, sql: str, output_format: str, params: Mapping[str, str] | None = None) -> Stream:
        """Start a SELECT whose blocks are pulled.

        Raises:
            EngineError: as the engine reports it.
        """
        with engine_errors():
            return Stream(self._native.send_query(sql, output_format, params=dict(params or {})))

    def insert(self, statement: str, input_format: str) -> Insert:
        """Start an INSERT without its FORMAT clause, to be fed.

        Raises:
            EngineError: as the engine reports it.
        """
        with engine_errors():
            return Insert(self._native.send_insert(statement, input_format))

    def apply(self, settings: Mapping[str, str]) -> None:
        """Change settings of this session.

        Raises:
            EngineError: an unknown setting, an unreadable value, or one that must not be changed.
        """
        if settings:
            self.query("SET " + ", ".join(f"{identifier(name)} = {quote(value)}" for name, value in settings.items()))

    def use(self, database: str) -> None:
        """Change the current database.

        Raises:
            EngineError: there is no such database.
        """
        self.query(f"USE {identifier(database)}")

    def close(self) -> None:
        """End the session; its temporary tables are gone."""
        self._native.close()


class Engine:
    """chDB on one data folder, opened once a process; connections are cheap (half a millisecond)."""

    def __init__(self, folder: DataFolder, limits: Limits) -> None:
        self._configuration = write_configuration(folder.private, limits)
        os.environ["TZ"] = "UTC"  # the engine takes its time zone from here only
        # Relative names: a folder may hold characters that chDB's connection string cannot carry.
        os.chdir(folder.path)
        self._source = f"{_ENGINE_FOLDER}?config-file={self._configuration.relative_to(folder.path)}"
        self._keeper = self.connect()
        self._own_default_database(folder)
        self.version = self._keeper.query("SELECT version()").data.decode().strip()
        self.timezone = self._keeper.query("SELECT timezone()").data.decode().strip()
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()

    def connect(self) -> Connection:
        """A new session with the engine's defaults."""
        with engine_errors():
            return Connection(native.connect(self._source))

    def ask(self, sql: str, params: Mapping[str, str] | None = None) -> str:
        """Run a statement of the shell's own on a clean session and return its text.

        Raises:
            EngineError: as the engine reports it.
        """
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self.connect()
        try:
            return connection.query(sql, "TSVRaw", params).data.decode()
        finally:
            self._idle.put(connection)

    def kill(self, name: str) -> None:
        """Cancel the queries that carry this name as the first line of `log_comment`; none is no error."""
        self.ask(_KILL, {"name": escape_parameter(name)})

    def close(self) -> None:
        """Close the shell's own sessions; the engine ends with the last session."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                break
        self._keeper.close()

    def _own_default_database(self, folder: DataFolder) -> None:
        # chDB lays `default` over the host's file system (SELECT * FROM '/etc/passwd'); ours is an ordinary database.
        # One without tables has no folder that could be attached again: it is made anew.
        if _has_tables(folder.engine_path):
            self._keeper.query("DETACH DATABASE default")
            self._keeper.query("ATTACH DATABASE default")
        else:
            self._keeper.query("DROP DATABASE default")
            self._keeper.query("CREATE DATABASE default ENGINE = Atomic")

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
