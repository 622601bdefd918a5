"""A second reading of a statement: the engine's own text of its tree, searched for names that must not be called.

`tree` walks the JSON form of the tree; should that form leave out a corner of the grammar, the canonical text still
shows it.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    |(?P<open>\()|(?P<dot>\.)|\s+|.""",
    re.DOTALL | re.VERBOSE,
)
_NAMES_A_TABLE: Final = frozenset(
    {"into", "table", "exists", "to", "view", "dictionary", "projection", "index", "replace", "."}
)


def called_names(text: str) -> frozenset[str]:
    """Every name before a bracket, in lower case, without quotes, except where the grammar has a table's name."""
    found: set[str] = set()
    before, last = "", ""
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "name":
            before, last = last, token.group().strip('`"').lower()
        elif token.lastgroup == "open":
            if last and before not in _NAMES_A_TABLE:
                found.add(last)
            before, last = "", ""
        elif token.lastgroup == "dot":
            before, last = "", "."
        elif not token.group().isspace():
            before, last = "", ""
    return frozenset(found)
