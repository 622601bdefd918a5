"""The mapping file: which column of a row becomes which part of a touchpoint. TOML, checked before anything is read.

It says what is wrong by key, with the near names. It opens no file of rows and sends nothing.
"""

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from parcours_collector.importing.errors import InvalidMap
from parcours_schemas.currencies import CURRENCIES
from parcours_schemas.envelope import MAX_ID_KINDS, Name

IMPORT_KEY = "import"
"""The part of `context` that says which dataset and line a touchpoint came from."""

Column = Annotated[str, Field(strict=True, min_length=1)]
ValueType = Literal["string", "integer", "number", "boolean", "money", "json"]


def _as_table(given: object) -> object:
    return {"column": given} if isinstance(given, str) else given


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str) else given


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(_Part):
    """A name: the same for every row, or from a column, if need be through a table of values."""

    constant: Name | None = None
    column: Column | None = None
    values: dict[str, Name] | None = None
    otherwise: Name | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        _constant_or_column(self.constant, self.column)
        return self


class Time(_Part):
    """When it happened: `iso`, `unix_seconds`, `unix_milliseconds`, or a pattern of strptime such as `%d/%m/%Y %H:%M`.

    `timezone` is that of times that name no offset. Of an hour that a clock change repeats, the first is meant.
    """

    column: Column
    format: str = "iso"
    timezone: str | None = None

    @field_validator("format")
    @classmethod
    def _is_a_format(cls, value: str) -> str:
        if value not in {"iso", "unix_seconds", "unix_milliseconds"} and "%" not in value:
            raise ValueError(
                "write iso, unix_seconds, unix_milliseconds or a strptime pattern such as %Y-%m-%d %H:%M:%S"
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"no such time zone{_near(value, available_timezones())}") from None
        return value


class Value(_Part):
    """A property or a part of the context: a constant, or a column read as a type."""

    constant: str | int | float | bool | None = None
    column: Column | None = None
    type: ValueType = "string"
    currency: str | None = None
    values: dict[str, str | int | float | bool] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.currency is not None and self.type != "money":
            raise ValueError('only a column of type = "money" has a currency')
        if self.currency is not None and self.currency not in CURRENCIES:
            raise ValueError("currency must be an active ISO 4217 code, e.g. EUR")
        _constant_or_column(self.constant, self.column)
        return self


class Consent(_Part):
    """A choice of the person: the same for every row, or from a column of true and false."""

    constant: Annotated[bool, Field(strict=True)] | None = None
    column: Column | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        _constant_or_column(self.constant, self.column)
        return self


class RowRules(_Part):
    """What a row is: the columns that identify it, the texts that mean nothing, and which rows to leave out."""

    id: Annotated[tuple[Column, ...], BeforeValidator(_as_list)] = ()
    skip_if_empty: Annotated[tuple[Column, ...], BeforeValidator(_as_list)] = ()
    empty: tuple[str, ...] = ("",)


class Csv(_Part):
    """How a CSV file is written; `columns` names them when the file has no header line."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    encoding: str = "utf-8-sig"
    skip_initial_space: bool = False
    columns: Annotated[tuple[Column, ...], Field(min_length=1)] | None = None

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ascii_read = bytes(range(128)).decode(value)
        except (LookupError, ValueError):
            ascii_read = ""
        if ascii_read != bytes(range(128)).decode("ascii"):
            raise ValueError("must be an encoding that contains ASCII, e.g. utf-8, cp1252 or latin-1")
        return "utf-8-sig" if value.lower().replace("_", "-") in {"utf-8", "utf8"} else value


class Mapping(_Part):
    """A whole mapping file."""

    dataset: Annotated[str, Field(strict=True, min_length=1, max_length=128)]
    format: Literal["csv", "ndjson"] | None = None
    name: Choice
    occurred_at: Annotated[Time, BeforeValidator(_as_table)]
    channel: Choice | None = None
    ids: dict[Name, Annotated[tuple[Column, ...], BeforeValidator(_as_list)]] = Field({}, max_length=MAX_ID_KINDS)
    properties: dict[str, Annotated[Value, BeforeValidator(_as_table)]] = {}
    context: dict[str, Annotated[Value, BeforeValidator(_as_table)]] = {}
    consent: dict[Name, Annotated[Consent, BeforeValidator(_as_table)]] = {}
    row: RowRules = RowRules()
    csv: Csv = Csv()

    @model_validator(mode="after")
    def _context_is_a_tree(self) -> Self:
        paths = {tuple(name.split(".")) for name in self.context}
        for path in paths:
            if path[0] == IMPORT_KEY:
                raise ValueError(
                    f"context.{IMPORT_KEY} is where the import writes the dataset and the line: choose another"
                )
            if "" in path or any(path[:length] in paths for length in range(1, len(path))):
                raise ValueError(f"context.{'.'.join(path)} cannot be both a value and hold values")
        return self

    @property
    def columns(self) -> dict[str, str]:
        """Every column that the map reads, with the first key that names it."""
        found: dict[str, str] = {}

        def note(column: str | None, key: str) -> None:
            if column is not None:
                found.setdefault(column, key)

        note(self.name.column, "name.column")
        note(self.occurred_at.column, "occurred_at.column")
        note(None if self.channel is None else self.channel.column, "channel.column")
        for group in ("properties", "context", "consent"):
            for name, part in getattr(self, group).items():
                note(part.column, f"{group}.{name}")
        for kind, columns in self.ids.items():
            for column in columns:
                note(column, f"ids.{kind}")
        for key in ("id", "skip_if_empty"):
            for column in getattr(self.row, key):
                note(column, f"row.{key}")
        return found


def read_mapping(file: Path) -> Mapping:
    """Return the map that a TOML file holds.

    Raises:
        InvalidMap: It cannot be read, or a key is unknown, missing or wrong; the message names the key.
    """
    try:
        return Mapping.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidMap(f"The map {file} cannot be read: {error.strerror}.", remedy="Correct --map.") from error
    except ValidationError as error:
        raise InvalidMap(f"{file}: {_first_problem(error)}") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise InvalidMap(f"{file} is not TOML in UTF-8: {error}.") from None


def check_columns(mapping: Mapping, header: tuple[str, ...]) -> None:
    """Raise InvalidMap when the map reads a column that the header lacks, or the header names one twice."""
    for column, key in mapping.columns.items():
        if column not in header:
            near = _near(column, header)
            raise InvalidMap(
                f"{key} reads the column '{column}', which the file does not have{near}.",
                remedy=f"Its columns are: {', '.join(header)}." if not near else "Correct the mapping file.",
            )
        if header.count(column) > 1:
            raise InvalidMap(
                f"{key} reads the column '{column}', which the file has {header.count(column)} times.",
                remedy="Give the columns other names with csv.columns, or in the file.",
            )


_TABLES: dict[str, type[_Part]] = {
    "name": Choice,
    "occurred_at": Time,
    "channel": Choice,
    "properties": Value,
    "context": Value,
    "consent": Consent,
    "row": RowRules,
    "csv": Csv,
}


def _constant_or_column(constant: object, column: str | None) -> None:
    if (constant is None) == (column is None):
        raise ValueError('give either constant = … or column = "…"')


def _first_problem(error: ValidationError) -> str:
    # A misspelt key is also a missing one: the first says more.
    problem = min(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    loc = tuple(str(part) for part in problem["loc"])
    key = ".".join(loc)
    if problem["type"] == "extra_forbidden":
        known = Mapping if len(loc) == 1 else _TABLES[loc[0]]
        near = _near(loc[-1], known.model_fields)
        return f"'{key}' is no key of a map{near or '; known here: ' + ', '.join(known.model_fields)}."
    if problem["type"] == "missing":
        return f"'{key}' is missing."
    if problem["type"] in {"model_type", "model_attributes_type"}:
        return f'\'{key}\' must be a table: {{ constant = "…" }} or {{ column = "…" }}.'
    message = problem["msg"].removeprefix("Value error, ")
    return f"'{key}': {message}." if key else f"{message}."


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
