"""Finds where an INSERT ends and its data begins. A hint only: the engine itself parses the head that will run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    rb"""(?P<skip>[\s\0]+|--[^\n]*(?:\n|\Z)|\#[!\ ][^\n]*(?:\n|\Z)|/\*.*?\*/)
    |(?P<quoted>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<dot>\.)|(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_NAMES_A_TABLE: Final = (b"INTO", b"TABLE", b".")
_NOT_INLINE: Final = (b"SELECT", b"WITH", b"INFILE")
_AFTER_FORMAT: Final = re.compile(rb"[ \t\f]*(?:\r?\n)?")
_AFTER_VALUES: Final = re.compile(rb"\s*")


@dataclass(frozen=True, slots=True)
class InlineInsert:
    """An INSERT whose data follows its text.

    Args:
        head: the statement without FORMAT or VALUES.
        input_format: of the data.
        data_at: offset of the data's first byte.
    """

    head: bytes
    input_format: str
    data_at: int


def is_insert(text: bytes) -> bool:
    """Whether the first word is INSERT."""
    for token in _TOKEN.finditer(text):
        if token.lastgroup != "skip":
            return token.lastgroup == "word" and token.group().upper() == b"INSERT"
    return False


def split_insert(text: bytes) -> InlineInsert | None:
    """The parts of `INSERT … FORMAT x data` and `INSERT … VALUES data`; None when no data follows the text."""
    if not is_insert(text):
        return None
    depth = 0
    before = b""
    format_at: int | None = None
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token.group().upper()
        if kind == "skip":
            continue
        if format_at is not None:
            if kind != "word":
                return None
            after = _AFTER_FORMAT.match(text, token.end())
            end = after.end() if after else token.end()
            return InlineInsert(text[:format_at], token.group().decode(), end)
        if kind in ("open", "close"):
            depth += 1 if kind == "open" else -1
        elif kind == "word" and depth == 0 and before not in _NAMES_A_TABLE:
            if word in _NOT_INLINE:
                return None
            if word == b"FORMAT":
                format_at = token.start()
            elif word == b"VALUES":
                after = _AFTER_VALUES.match(text, token.end())
                return InlineInsert(text[: token.start()], "Values", after.end() if after else token.end())
        before = word
    return None
