"""A multipart form: how clients send long parameters, and tables along with a query (ClickHouse's external data)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from aiohttp import BodyPartReader, web

from parcours_collector.warehouse.embedded.engine import identifier
from parcours_collector.warehouse.embedded.errors import bad_arguments

_HELD_IN_MEMORY_BYTES: Final = 8 << 20
_PIECE_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a form.

    Args:
        fields: name and text, to be read as if they stood in the URL.
        tables: data of the tables sent along, by name; rewound.
        files: closes the tables' temporary files.
    """

    fields: tuple[tuple[str, str], ...] = ()
    tables: Mapping[str, IO[bytes]] = field(default_factory=dict)
    files: ExitStack = field(default_factory=ExitStack)


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table sent along with a query, as a temporary table of its session.

    Args:
        name: of the table.
        create: the statement that makes it, for the guard to judge.
        insert: the head of the statement that fills it.
        input_format: of `data`.
        data: its rows.
    """

    name: str
    create: str
    insert: str
    input_format: str
    data: IO[bytes]


def is_form(http: web.Request) -> bool:
    """Whether the body is a form rather than a statement."""
    return http.content_type == "multipart/form-data" and http.body_exists


async def read_form(http: web.Request, folder: Path, max_field_bytes: int) -> Form:
    """Read all parts: fields into memory under a bound, tables over 8 MiB into nameless files of a private folder.

    Raises:
        EngineError: 36, it is not a form, or a field is too long.
    """
    fields: list[tuple[str, str]] = []
    tables: dict[str, IO[bytes]] = {}
    with ExitStack() as opened:
        try:
            async for part in await http.multipart():
                if not isinstance(part, BodyPartReader) or part.name is None:
                    raise bad_arguments("a form must have named parts, not nested ones")
                if part.filename is None:
                    fields.append((part.name, await _text(part, max_field_bytes)))
                else:
                    held = opened.enter_context(tempfile.SpooledTemporaryFile(_HELD_IN_MEMORY_BYTES, dir=str(folder)))
                    while piece := await part.read_chunk(_PIECE_BYTES):
                        held.write(piece)
                    held.seek(0)
                    tables[part.name] = held
        except (ValueError, AssertionError) as error:
            raise bad_arguments(f"the body is not a multipart form ({error}): send it again") from None
        files = opened.pop_all()
    return Form(tuple(fields), tables, files)


async def _text(part: BodyPartReader, max_bytes: int) -> str:
    text = bytearray()
    while piece := await part.read_chunk(_PIECE_BYTES):
        text += piece
        if len(text) > max_bytes:
            raise bad_arguments(f"field {part.name!r} of the form is over {max_bytes} bytes: send the data with INSERT")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise bad_arguments(f"field {part.name!r} of the form is not UTF-8") from None


def external_tables(form: Form, described: Mapping[str, str]) -> list[ExternalTable]:
    """What to make of the tables sent along.

    Args:
        form: the parts.
        described: `<table>_structure`, `<table>_types` and `<table>_format` of the request.

    Raises:
        EngineError: 36, a table is not described.
    """
    tables = []
    for name, data in form.tables.items():
        if not _NAME.fullmatch(name):
            raise bad_arguments(f"{name[:64]!r} cannot name a table sent along: use letters, digits and underscores")
        structure = described.get(f"{name}_structure")
        types = described.get(f"{name}_types")
        if structure is None and types is None:
            raise bad_arguments(f"table {name!r} is sent along without {name}_structure or {name}_types: give one")
        if structure is None:
            structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate((types or "").split(","), 1))
        tables.append(
            ExternalTable(
                name=name,
                create=f"CREATE TEMPORARY TABLE {identifier(name)} ({structure}) ENGINE = Memory",
                insert=f"INSERT INTO {identifier(name)} ",
                input_format=described.get(f"{name}_format", "TabSeparated"),
                data=data,
            )
        )
    return tables
