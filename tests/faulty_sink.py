"""A stand-in for ClickHouse that fails when told to: it stores an insert once for a token, and whole or not at all."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from parcours_collector.warehouse.insert import Inserted, InsertOutcome, Refused, Unavailable

AWAY = Unavailable("it gives no answer")


@dataclass(frozen=True, slots=True)
class Attempt:
    table: str
    lines: bytes
    token: str


class FaultySink:
    """Lines that hold `poison` are refused; `faults` are consumed first, one an attempt.

    A fault is "away" (nothing stored), "lost" (stored, but the answer is lost) or "crash" (the answer never comes).
    """

    def __init__(self, *, poison: bytes = b"poison") -> None:
        self.poison = poison
        self.faults: list[str] = []
        self.attempts: list[Attempt] = []
        self.stored: dict[tuple[str, str], bytes] = {}
        self.away = False
        self.crashed = asyncio.Event()
        self.on_insert: Callable[[], None] | None = None

    async def insert(self, table: str, lines: bytes, token: str) -> InsertOutcome:
        self.attempts.append(Attempt(table, lines, token))
        if self.on_insert is not None:
            self.on_insert()
        fault = self.faults.pop(0) if self.faults else ""
        if self.away or fault == "away":
            await asyncio.sleep(0)
            return AWAY
        if self.poison in lines and table == "touchpoints":
            return Refused(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", "revenue")
        self.stored.setdefault((table, token), lines)
        if fault == "lost":
            return AWAY
        if fault == "crash":
            self.crashed.set()
            await asyncio.Event().wait()
        return Inserted()

    def rows(self, table: str) -> list[bytes]:
        """What the table holds, in the order of arrival."""
        return list(self._rows(table))

    def _rows(self, table: str) -> Iterator[bytes]:
        for (stored_table, _), lines in self.stored.items():
            if stored_table == table:
                yield from lines.splitlines(keepends=True)
