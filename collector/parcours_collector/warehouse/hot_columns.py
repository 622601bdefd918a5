"""Hot columns: properties that have a column of their own in `touchpoints`, read without parsing any JSON.

A column is computed from the properties of one touchpoint when a row is stored, and when a part is read that was stored
before: an answer never depends on whether it was filled. It never fails an insert: a value that is not of its type is
null, or '' in a column of text, where no value is '' too: aggregate functions such as `windowFunnel` skip a row for a
condition that is null, and most conditions are about texts. Names enter statements as text, so they are checked to be
letters, digits and underscores.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from clickhouse_connect.driver.client import Client

from parcours_collector.errors import OperatorError
from parcours_collector.warehouse.sql import read_sql

MARK = "    /* hot columns */\n"
"""Where a view shows them."""

_TOUCHPOINT = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_MOST_NAME_CHARS = 64


class InvalidColumn(OperatorError):
    """What was asked for cannot be a hot column."""

    tag = "invalid_column"
    remedy = "Write it as NAME.PROPERTY, such as product_viewed.brand; `parcours columns list` shows those there are."


class ColumnKind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WORD = "word"
    INTEGER = "integer"
    NUMBER = "number"
    AMOUNT = "amount"
    BOOLEAN = "boolean"
    TIME = "time"


_TYPES = {
    ColumnKind.TEXT: "String",
    ColumnKind.WORD: "LowCardinality(String)",
    ColumnKind.INTEGER: "Nullable(Int64)",
    ColumnKind.NUMBER: "Nullable(Float64)",
    ColumnKind.AMOUNT: "Nullable(Decimal(18, 4))",
    ColumnKind.BOOLEAN: "Nullable(Bool)",
    ColumnKind.TIME: "Nullable(DateTime64(3, 'UTC'))",
}
_READINGS = {
    ColumnKind.TEXT: "JSONExtract(properties, '{0}', 'String')",
    ColumnKind.WORD: "JSONExtract(properties, '{0}', 'String')",
    ColumnKind.INTEGER: "JSONExtract(properties, '{0}', 'Nullable(Int64)')",
    ColumnKind.NUMBER: "JSONExtract(properties, '{0}', 'Nullable(Float64)')",
    ColumnKind.AMOUNT: "toDecimal64OrNull(JSON_VALUE(properties, '$.{0}'), 4)",
    ColumnKind.BOOLEAN: "JSONExtract(properties, '{0}', 'Nullable(Bool)')",
    # Best effort reads a time out of "1": a day has ten characters at least.
    ColumnKind.TIME: "if(length(JSONExtractString(properties, '{0}')) < 10, NULL, "
    "parseDateTime64BestEffortOrNull(JSONExtractString(properties, '{0}'), 3, 'UTC'))",
}


@dataclass(frozen=True, slots=True)
class HotColumn:
    """A property of one touchpoint as a column."""

    touchpoint: str
    key: str
    kind: ColumnKind

    @classmethod
    def parse(cls, path: str, kind: ColumnKind = ColumnKind.TEXT) -> Self:
        """Read `NAME.PROPERTY`.

        Raises:
            InvalidColumn: It is not that, or holds other characters than a column may.
        """
        touchpoint, _, property_ = path.partition(".")
        if max(len(touchpoint), len(property_)) > _MOST_NAME_CHARS or not _TOUCHPOINT.fullmatch(touchpoint):
            raise InvalidColumn(f"{path[:80]!r} does not begin with the name of a touchpoint and a dot.")
        if not _PROPERTY.fullmatch(property_):
            raise InvalidColumn(
                "A hot column's property is of the top level: a letter, then letters, digits and underscores."
            )
        return cls(touchpoint, property_, kind)

    @property
    def name(self) -> str:
        """Of the column: `product_viewed__brand`. No touchpoint's name holds two underscores in a row."""
        return f"{self.touchpoint}__{self.key}"

    @property
    def add(self) -> str:
        """The statement that makes it, unless it is there."""
        reading = _READINGS[self.kind].format(self.key)
        none = "''" if self.kind in {ColumnKind.TEXT, ColumnKind.WORD} else "NULL"
        return (
            f"ALTER TABLE parcours.touchpoints ADD COLUMN IF NOT EXISTS `{self.name}` {_TYPES[self.kind]} "
            f"MATERIALIZED if(name = '{self.touchpoint}', {reading}, {none}) CODEC(ZSTD(1)) "
            f"COMMENT 'properties.{self.key} of {self.touchpoint}'"
        )

    @property
    def fill(self) -> str:
        """The statement that stores it in parts that were stored before; it goes on in the background."""
        return f"ALTER TABLE parcours.touchpoints MATERIALIZE COLUMN `{self.name}` SETTINGS mutations_sync = 0"

    @property
    def drop(self) -> str:
        """The statement that removes it, if it is there."""
        return f"ALTER TABLE parcours.touchpoints DROP COLUMN IF EXISTS `{self.name}` SETTINGS mutations_sync = 2"


@dataclass(frozen=True, slots=True)
class RecordedColumn:
    """What the database has recorded of a column, and when."""

    column: HotColumn
    is_wanted: bool
    updated_at: datetime


def recorded_columns(client: Client) -> tuple[RecordedColumn, ...]:
    """Return every column that there is or was, in order of name; names are checked again."""
    return tuple(
        RecordedColumn(HotColumn.parse(f"{touchpoint}.{property_}", ColumnKind(kind)), bool(is_wanted), updated_at)
        for touchpoint, property_, kind, is_wanted, updated_at in client.query(read_sql("columns/recorded")).result_rows
    )


def record_column(client: Client, column: HotColumn, *, is_wanted: bool) -> None:
    """Write down that a column is wanted, or not any more."""
    client.command(
        read_sql("columns/record"),
        parameters={
            "touchpoint": column.touchpoint,
            "property": column.key,
            "kind": column.kind.value,
            "is_wanted": is_wanted,
        },
    )


def with_columns(view: str, columns: tuple[HotColumn, ...]) -> str:
    """Return a view's text with the columns in the place of its mark."""
    return view.replace(MARK, "".join(f"    `{column.name}`,\n" for column in columns))
