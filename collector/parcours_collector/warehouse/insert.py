"""One insert of ready-made JSON lines into one table, and what became of it.

The settings that exactly-once rests on are pinned here and sent with every insert; nothing is inherited from a server's
profile. An outcome is a value: stored, not now, or refused for its content. It knows nothing of the log or of batches.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from parcours_collector.errors import CollectorError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

INSERT_SETTINGS: Mapping[str, str | int] = MappingProxyType(
    {
        # The answer means stored: no queue of the server in between, and errors come as a status, after the end.
        "async_insert": 0,
        "wait_end_of_query": 1,
        # A batch that is sent again is the same insert, in the table and in the views that read from it.
        "insert_deduplicate": 1,
        "deduplicate_insert": "enable",
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        # One batch is one block: it is stored whole or not at all, and its token does not depend on how it was split.
        "input_format_parallel_parsing": 0,
        "max_insert_threads": 1,
        "max_insert_block_size": 1_048_576,
        "min_insert_block_size_rows": 1_048_576,
        "min_insert_block_size_bytes": 268_435_456,
        # Late imports may span many months; the sender's clock was checked before.
        "max_partitions_per_insert_block": 0,
        # Rows are what intake wrote, to the letter: what does not fit is an error, never a default or a loss.
        "input_format_skip_unknown_fields": 0,
        "input_format_null_as_default": 0,
        "input_format_allow_errors_num": 0,
        "input_format_allow_errors_ratio": 0,
        "input_format_defaults_for_omitted_fields": 1,
        "input_format_json_read_objects_as_strings": 1,
        "date_time_input_format": "best_effort",
        # A view that fails fails the insert, which is then sent again with the same token.
        "materialized_views_ignore_errors": 0,
    }
)

_SINCE: Mapping[str, tuple[int, int]] = MappingProxyType({"deduplicate_insert": (26, 2)})
"""Settings that older servers do not know, with the release that brought them."""

DATA_CODES = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        25,  # CANNOT_PARSE_ESCAPE_SEQUENCE
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        128,  # TOO_LARGE_ARRAY_SIZE
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        131,  # TOO_LARGE_STRING_SIZE
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        376,  # CANNOT_PARSE_UUID
        407,  # DECIMAL_OVERFLOW
        441,  # CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
        467,  # CANNOT_PARSE_BOOL
        632,  # UNEXPECTED_DATA_AFTER_PARSED_VALUE
    }
)
"""ClickHouse's error codes that say that a row is wrong. Every other code is about the server, and passes."""

_NOT_MIGRATED = "Its tables are not those of this version: run `parcours migrate`."
_REACHABLE = "Check PARCOURS_CLICKHOUSE_URL, and that ClickHouse runs."
_NOT_ALLOWED = "Check the user and the password in PARCOURS_CLICKHOUSE_URL, and that the user may insert."
_REMEDIES: Mapping[int, str] = MappingProxyType(
    {
        16: _NOT_MIGRATED,  # NO_SUCH_COLUMN_IN_TABLE
        60: _NOT_MIGRATED,  # UNKNOWN_TABLE
        81: _NOT_MIGRATED,  # UNKNOWN_DATABASE
        115: "It does not know a setting that inserts need: upgrade ClickHouse.",
        164: "It is read-only for this user: give it the right to insert.",
        192: _NOT_ALLOWED,  # UNKNOWN_USER
        194: _NOT_ALLOWED,  # REQUIRED_PASSWORD
        241: "It is short of memory: give it more, or lower delivery.max_batch_rows.",
        243: "Its disk is full: make room.",
        252: "It has too many parts and merges them first: this passes; if it does not, look at its merges.",
        497: _NOT_ALLOWED,  # ACCESS_DENIED
        516: _NOT_ALLOWED,  # AUTHENTICATION_FAILED
    }
)
_UNKNOWN_FIELD = "Unknown field found"


@dataclass(frozen=True, slots=True)
class Inserted:
    """The rows are stored, now or by an earlier attempt with the same token."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """ClickHouse cannot take the rows at this moment, or it is not known whether it did: send the same again.

    `reason` and `remedy` may be logged: they hold nothing of the rows.
    """

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """At least one of the rows cannot be stored; none was. `field` is the column that could not be read, if known."""

    code: int
    name: str
    field: str = ""


InsertOutcome = Inserted | Unavailable | Refused


class Inserter:
    """Inserts through one client, made by `connect` when first needed, so that ClickHouse may come later than we do."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncClient]], *, timeout_seconds: float = 60.0) -> None:
        self._connect = connect
        self._timeout_seconds = timeout_seconds
        self._connecting = asyncio.Lock()
        self._client: AsyncClient | None = None
        self._settings: Mapping[str, str | int] = INSERT_SETTINGS
        self._compressed = ("", b"")

    async def insert(self, table: str, lines: bytes, token: str) -> InsertOutcome:
        """Insert JSON lines as one block, at most once for one token.

        Args:
            table: Name of the table, one of ours.
            lines: One JSON object a line; the same bytes for the same token.
            token: Names this insert to ClickHouse, which ignores a second one of the same name.
        """
        held = self._compressed
        if held[0] != token:
            # In a variable of this call: another insert may begin while this one waits.
            held = self._compressed = (token, await asyncio.to_thread(zstd.compress, lines, 1))
        try:
            async with asyncio.timeout(self._timeout_seconds):
                client = await self._connected()
                await client.raw_insert(
                    table,
                    insert_block=held[1],
                    settings={**self._settings, "insert_deduplication_token": token},
                    fmt="JSONEachRow",
                    compression="zstd",
                )
        except TimeoutError:
            await self.close()
            return Unavailable(f"no answer within {self._timeout_seconds:g} s")
        except CollectorError as error:
            if isinstance(error.__cause__, Error) and error.__cause__.code is not None:
                return _outcome(error.__cause__)
            return Unavailable(error.message.rstrip("."), error.what_to_do)
        except ClickHouseError as error:
            outcome = _outcome(error)
            if isinstance(outcome, Unavailable):
                await self.close()  # whoever answers next may be another server
            return outcome
        self._compressed = ("", b"")
        return Inserted()

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
                self._settings = _known_to(self._client.server_version or "")
            return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None


def _known_to(server_version: str) -> Mapping[str, str | int]:
    release = tuple(int(part) for part in server_version.split(".")[:2])
    return {name: value for name, value in INSERT_SETTINGS.items() if _SINCE.get(name, release) <= release}


def _outcome(error: ClickHouseError) -> Unavailable | Refused:
    if not isinstance(error, Error) or error.code is None:
        return Unavailable(f"it gives no answer ({type(error).__name__})", _REACHABLE)
    code, name = error.code, error.name or "?"
    if code in DATA_CODES:
        text = str(error)
        if _UNKNOWN_FIELD in text:  # intake writes the fields, not the sender: the table is of another version
            return Unavailable(f"error {code} {name}: the table lacks a column", _NOT_MIGRATED)
        _, _, after = text.partition("(while reading the value of key ")
        field = after.partition(")")[0]
        return Refused(code, name, field if field.isidentifier() else "")
    return Unavailable(f"error {code} {name}", _REMEDIES.get(code, ""))
