"""Errors as ClickHouse speaks them: a code, a name, a message, and the HTTP status its own server would choose.

Knows nothing of requests or of chDB's classes; `EngineError.parse` reads the engine's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ENGINE_TEXT: Final = re.compile(r"Code: (?P<code>\d+)\. (?P<message>.*)", re.DOTALL)
_NAME: Final = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")
_VERSION: Final = re.compile(r"\s*\(version [0-9.]+[^)]*\)")

_BAD_REQUEST: Final = frozenset(
    {6, 26, 27, 36, 38, 41, 42, 43, 46, 53, 62, 63, 69, 70, 72, 115, 117, 130, 131, 306, 376, 377, 456, 457, 472}
)
_NOT_FOUND: Final = frozenset({16, 47, 60, 81, 218, 391, 519})

HTTP_STATUS: Final[Mapping[int, int]] = MappingProxyType(
    dict.fromkeys(_BAD_REQUEST, 400)
    | dict.fromkeys(_NOT_FOUND, 404)
    | {
        48: 501,
        52: 400,
        159: 408,
        164: 500,
        192: 403,
        193: 403,
        194: 403,
        195: 403,
        202: 503,
        209: 408,
        210: 408,
        241: 500,
        372: 404,
        373: 423,
        381: 411,
        394: 500,
        497: 403,
        516: 403,
        1001: 500,
    }
)
"""HTTP status of an error code; every other code is 500, as in a ClickHouse server."""


class EngineError(Exception):
    """One error as a ClickHouse server reports it: `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`.

    Args:
        code: ClickHouse's number of the error.
        name: its symbolic name.
        message: what, where and what to do, without code and name.
    """

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message

    @property
    def http_status(self) -> int:
        """HTTP status for an answer whose first byte has not been sent yet."""
        return HTTP_STATUS.get(self.code, 500)

    def text(self, version: str) -> str:
        """The body of the answer, in the words and the order that clients parse."""
        return f"Code: {self.code}. DB::Exception: {self.message.strip()} ({self.name}) (version {version})\n"

    @classmethod
    def parse(cls, text: str) -> EngineError:
        """Read the engine's own text; text without a code becomes 1002 UNKNOWN_EXCEPTION."""
        match = _ENGINE_TEXT.search(text)
        if match is None:
            return cls(1002, "UNKNOWN_EXCEPTION", text.strip() or "the engine failed without a message")
        message = _VERSION.sub("", match["message"]).strip()
        names = _NAME.findall(message)
        name = names[-1] if names else "UNKNOWN_EXCEPTION"
        message = message.removeprefix("DB::Exception:").strip().removesuffix(f"({name})").strip()
        return cls(int(match["code"]), name, message)


def access_denied(message: str) -> EngineError:
    """497: understood, and refused for safety."""
    return EngineError(497, "ACCESS_DENIED", message)


def not_implemented(message: str) -> EngineError:
    """48: a ClickHouse server can do this, the embedded engine does not."""
    return EngineError(48, "NOT_IMPLEMENTED", message)


def bad_arguments(message: str) -> EngineError:
    """36: the request itself cannot be understood."""
    return EngineError(36, "BAD_ARGUMENTS", message)
