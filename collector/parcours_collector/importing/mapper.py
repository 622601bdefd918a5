"""From a row to a touchpoint as JSON, by the map: the same row gives the same bytes.

It checks what only the map can know (times, types, tables of values); whether the touchpoint is valid is the
collector's to say.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from parcours_collector.importing.identity import Occurrences, content_key, event_id, natural_key
from parcours_collector.importing.mapping import IMPORT_KEY, Choice, Consent, Mapping, Value
from parcours_collector.importing.row import Row, UnreadableRow
from parcours_collector.importing.values import Problem, as_text, column_path, read_as, read_time
from parcours_schemas.reject import RejectCode

_TYPE_NAMES = {
    "string": "one text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false (or yes, no, 1, 0)",
    "money": "an amount such as 799.00, with at most 4 decimals",
    "json": "JSON",
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row that is a touchpoint: `event` is its JSON."""

    line: int
    event: bytes


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A row that is none, and why."""

    line: int
    payload: object
    problem: Problem

    def as_letter(self) -> bytes:
        """Return what the collector is told to keep of it."""
        return orjson.dumps(
            {
                "payload": self.payload,
                "code": RejectCode.UNMAPPED_ROW,
                "path": self.problem.path,
                "detail": self.problem.detail,
                "line": self.line,
                "origin": "import",
            }
        )


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that the map leaves out."""

    line: int


Outcome: TypeAlias = Mapped | Unmapped | Skipped

_ReadPart: TypeAlias = Callable[[Row], Any]
"""From a row to a value, None for nothing, or a Problem."""


class Mapper:
    """A map, ready to be applied to the rows of one file in their order."""

    def __init__(self, mapping: Mapping, occurrences: Occurrences) -> None:
        self._mapping = mapping
        self._occurrences = occurrences
        self._empty = frozenset(mapping.row.empty)
        self._name = self._choice(mapping.name)
        self._channel = None if mapping.channel is None else self._choice(mapping.channel)
        self._time = self._occurred_at(mapping)
        self._properties = {name: self._value(part) for name, part in mapping.properties.items()}
        self._currencies = [part for part in mapping.properties.values() if part.currency is not None]
        self._context = {tuple(name.split(".")): self._value(part) for name, part in mapping.context.items()}
        self._consent = {name: self._agreed(part) for name, part in mapping.consent.items()}

    def map(self, row: Row | UnreadableRow) -> Outcome:
        """Return what becomes of a row."""
        if isinstance(row, UnreadableRow):
            return Unmapped(row.line, row.text, Problem("", row.detail))
        if any(self._held(row, column) is None for column in self._mapping.row.skip_if_empty):
            return Skipped(row.line)
        event = self._event(row)
        if isinstance(event, Problem):
            return Unmapped(row.line, row.values, event)
        return Mapped(row.line, orjson.dumps(event))

    def _event(self, row: Row) -> dict[str, object] | Problem:
        occurred_at = self._time(row)
        if isinstance(occurred_at, Problem):
            return occurred_at
        id_ = self._id(row, occurred_at)
        if isinstance(id_, Problem):
            return id_
        event: dict[str, object] = {
            "id": id_,
            "occurred_at": f"{occurred_at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
        }
        parts: tuple[tuple[str, Any], ...] = (
            ("name", self._name(row)),
            ("channel", None if self._channel is None else self._channel(row)),
            ("ids", self._ids(row)),
            ("properties", self._properties_of(row)),
            ("context", self._context_of(row)),
            ("consent", _all_of(row, self._consent.items())),
        )
        for part, value in parts:
            if isinstance(value, Problem):
                return value
            if value:
                event[part] = value
        return event

    def _id(self, row: Row, occurred_at: datetime) -> str | Problem:
        columns = self._mapping.row.id
        if not columns:
            key = content_key(row.values)
            return event_id(self._mapping.dataset, key, self._occurrences.next(key), occurred_at)
        own = []
        for column in columns:
            text = as_text(self._held(row, column))
            if text is None:
                return Problem(column_path(column), "the row's own id (row.id of the map) is empty or no one text")
            own.append(text)
        return event_id(self._mapping.dataset, natural_key(own), 0, occurred_at)

    def _ids(self, row: Row) -> dict[str, list[str]] | Problem:
        ids: dict[str, list[str]] = {}
        for kind, columns in self._mapping.ids.items():
            for column in columns:
                held = self._held(row, column)
                if held is None:
                    continue
                text = as_text(held)
                if text is None:
                    return _not_a(column, "string")
                ids.setdefault(kind, []).append(text)
        return ids

    def _properties_of(self, row: Row) -> dict[str, object] | Problem:
        properties = _all_of(row, self._properties.items())
        if isinstance(properties, dict):
            for part in self._currencies:
                if part.column is None or self._held(row, part.column) is not None:
                    properties.setdefault("currency", part.currency)
        return properties

    def _context_of(self, row: Row) -> dict[str, object] | Problem:
        context: dict[str, object] = {}
        for path, read in self._context.items():
            value = read(row)
            if isinstance(value, Problem):
                return value
            if value is not None:
                inner = context
                for name in path[:-1]:
                    inner = inner.setdefault(name, {})  # type: ignore[assignment] # the map sees to it: no value holds values
                inner[path[-1]] = value
        context[IMPORT_KEY] = {"dataset": self._mapping.dataset, "line": row.line}
        return context

    def _held(self, row: Row, column: str) -> object:
        """Return what stands in a column; None when nothing does. In NDJSON `a.b` reads b inside a."""
        held = row.values.get(column)
        if held is None and column not in row.values and "." in column:
            inner: object = row.values
            for name in column.split("."):
                inner = inner.get(name) if isinstance(inner, dict) else None
            held = inner
        return None if isinstance(held, str) and held in self._empty else held

    def _choice(self, choice: Choice) -> _ReadPart:
        column = choice.column
        if column is None:
            return lambda _row: choice.constant

        def read(row: Row) -> str | Problem | None:
            text = as_text(self._held(row, column))
            if text is None:
                return choice.otherwise or Problem(column_path(column), "this is empty, and the map needs it")
            if choice.values is None:
                return text
            return (
                choice.values.get(text)
                or choice.otherwise
                or Problem(column_path(column), "this is not in the map's table of values, and it has no otherwise")
            )

        return read

    def _occurred_at(self, mapping: Mapping) -> _ReadPart:
        column = mapping.occurred_at.column
        parse = read_time(mapping.occurred_at)

        def read(row: Row) -> datetime | Problem:
            held = self._held(row, column)
            at = "this is empty, and a touchpoint needs its time" if held is None else parse(held)
            return Problem(column_path(column), at) if isinstance(at, str) else at

        return read

    def _value(self, part: Value) -> _ReadPart:
        column = part.column
        if column is None:
            return lambda _row: part.constant
        parse = read_as(part.type)

        def read(row: Row) -> object:
            held = self._held(row, column)
            if held is None:
                return None
            if part.values is not None:
                chosen = part.values.get(as_text(held) or "")
                return (
                    Problem(column_path(column), "this is not in the map's table of values")
                    if chosen is None
                    else chosen
                )
            value = parse(held)
            return _not_a(column, part.type) if value is None else value

        return read

    def _agreed(self, part: Consent) -> _ReadPart:
        return self._value(Value(constant=part.constant, column=part.column, type="boolean"))


def _all_of(row: Row, parts: Iterable[tuple[str, _ReadPart]]) -> dict[str, object] | Problem:
    found: dict[str, object] = {}
    for name, read in parts:
        value = read(row)
        if isinstance(value, Problem):
            return value
        if value is not None:
            found[name] = value
    return found


def _not_a(column: str, kind: str) -> Problem:
    return Problem(column_path(column), f"this is not {_TYPE_NAMES[kind]}")
