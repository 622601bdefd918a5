"""The SQL of the warehouse, read from the files beside this module.

A file holds one statement, or several that end with a semicolon at the end of a line. Values never enter the text: they
are server-side parameters.
"""

import re
from functools import cache
from importlib.resources import files

_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)


@cache
def read_sql(name: str) -> str:
    """Return the text of `NAME.sql`, a path below this folder such as `stitching/labels_next`."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def statements(text: str) -> tuple[str, ...]:
    """Return the statements of a file, each with the comments that stand before it."""
    return tuple(part.strip() for part in _STATEMENT_END.split(text) if _is_statement(part))


def migration_names() -> tuple[str, ...]:
    """Return the migrations in the order of their numbers, such as `0001_create_touchpoints`."""
    return tuple(sorted(file.name.removesuffix(".sql") for file in files(__name__).joinpath("migrations").iterdir()))


def _is_statement(part: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("--") for line in part.splitlines())
