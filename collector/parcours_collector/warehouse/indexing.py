"""Keep the journey index: every walk as arrays in the order of time, so that questions about walks sort no events.

It has two tables: by identifier, and by person for those who have several. People are moved by stitching and never by a
run here; a person's row says of which identifiers it was made, and is read only while these are the person's.

What the index lacks stands in its changes, written with every insert; the view `walks_indexed` reads both and is exact
at every moment, so nothing here is urgent: a run moves changes into the index and makes reading cheap again. Runs may
die, overlap and be repeated: rows are computed from `touchpoints` as it is, and changes are only forgotten after that.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from parcours_collector.warehouse.sql import read_sql

_MOST_ROWS_AT_ONCE = 1_000_000
_REBUILD_FROM_ROWS = 3_000_000
"""So many changes touch most of the index: it is written anew, by shares of identifiers."""
_SHARE_ROWS = 4_000_000
_GREATEST_NUMBER = 2**64 - 1
_BITS_BELOW_PART = 54
_LINGER_SECONDS = 5.0
"""How long changes stay after they were written: a question that began before the run reads the rows from before it."""


@dataclass(frozen=True, slots=True)
class IndexRun:
    """What one run did.

    Attributes:
        changes: Changes it moved into the index.
        rebuilt: Whether the index was written anew from all touchpoints.
        seconds: How long it took.
    """

    changes: int
    rebuilt: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """How many touchpoints of persons the index and the table hold, and whether they are the same ones."""

    indexed: int
    stored: int
    same: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    parts: tuple[str, ...]
    rows: int
    version: int


class JourneyIndex:
    """Moves changes into the index; remembers which of them are written and may be forgotten."""

    def __init__(self, client: Client, *, linger_seconds: float = _LINGER_SECONDS) -> None:
        """Prepare with a client of the migrated database."""
        self._client = client
        self._linger_seconds = linger_seconds
        self._written: list[tuple[float, str]] = []
        self._gathered_after = -1
        self._has_all_nodes = False
        self._marks_are_looked_at = False

    def refresh(self, *, least_rows: int = 1, said: Callable[[str], None] = lambda _: None) -> IndexRun:
        """Write the changes that wait into the index, unless they are fewer than `least_rows`; gather who was moved.

        Memory is bounded: a run takes a million changes at a time, and spills what it groups beyond 1 GB.
        """
        started = time.monotonic()
        self._forget_written()
        if not self._has_all_nodes:
            # An earlier version that still ran after the migration has indexed names without noting them.
            self._client.command(read_sql("indexing/nodes_all"))
            self._has_all_nodes = True
        waiting = self._waiting(None)
        if 0 < waiting.rows < least_rows:
            return IndexRun(0, False, time.monotonic() - started)
        if waiting.rows >= _REBUILD_FROM_ROWS:
            return self.rebuild(said=said)
        has_gathered = not waiting.rows and self._gather_moved()
        changes = 0
        while (batch := self._waiting(_MOST_ROWS_AT_ONCE)).parts:
            parameters = {"parts": list(batch.parts), "version": batch.version}
            self._client.command(read_sql("indexing/nodes"), parameters=parameters)
            self._client.command(read_sql("indexing/apply"), parameters=parameters)
            self._gather(batch.version)
            self._mark_written(batch.parts)
            changes += batch.rows
            said(f"{changes:,} changes of {waiting.rows:,}")
        if changes or has_gathered or not self._marks_are_looked_at:
            self._mend_marks()
        self._forget_written()
        return IndexRun(changes, False, time.monotonic() - started)

    def rebuild(self, *, said: Callable[[str], None] = lambda _: None) -> IndexRun:
        """Write the whole index anew from `touchpoints`, by shares of the identifiers that fit in memory."""
        started = time.monotonic()
        waiting = self._waiting(None)
        ((touchpoints, version, _),) = self._client.query(read_sql("indexing/beginning")).result_rows
        self._client.command(read_sql("indexing/nodes_all"))
        ranges = _ranges(self._client.query(read_sql("indexing/spread")).result_rows, _SHARE_ROWS)
        for number, (least, greatest) in enumerate(ranges, 1):
            parameters = {"version": version, "least": least, "greatest": greatest}
            self._client.command(read_sql("indexing/rebuild"), parameters=parameters)
            said(f"share {number} of {len(ranges)}")
        of_people = self._client.query(read_sql("indexing/people_spread")).result_rows
        shares = 1 + int(touchpoints) // _SHARE_ROWS
        people = _ranges(of_people, 1 + sum(identifiers for _, identifiers in of_people) // shares)
        for number, (least, greatest) in enumerate(people, 1):
            self._gather(version, least=least, greatest=greatest)
            said(f"people, share {number} of {len(people)}")
        self._mend_marks()
        self._mark_written(waiting.parts)
        self._forget_written()
        return IndexRun(waiting.rows, True, time.monotonic() - started)

    def settle(self) -> None:
        """Forget what is written, once no question can still be reading the rows from before it."""
        if self._written:
            time.sleep(max(0.0, self._written[-1][0] + self._linger_seconds - time.monotonic()))
            self._forget_written()

    def check(self) -> IndexCheck:
        """Compare the index with the table, touchpoint by touchpoint."""
        ((indexed, stored),) = self._client.query(read_sql("indexing/check")).result_rows
        return IndexCheck(int(indexed[0]), int(stored[0]), tuple(indexed) == tuple(stored))

    def _gather_moved(self) -> bool:
        """Gather the people whom a stitching has moved since the last look; return False if there was none."""
        ((_, version, moved_by),) = self._client.query(read_sql("indexing/beginning")).result_rows
        if moved_by <= self._gathered_after:
            return False
        self._gather(version)
        self._gathered_after = moved_by
        return True

    def _gather(self, version: int, *, least: int = 0, greatest: int = _GREATEST_NUMBER) -> None:
        """Write the walks of people of several identifiers who are not what their rows say, after `version`."""
        self._client.command(
            read_sql("indexing/walks"), parameters={"version": version, "least": least, "greatest": greatest}
        )

    def _mend_marks(self) -> None:
        """Mark anew whose row is a walk by itself, where stitching has joined or parted people since it was written."""
        ((are_right,),) = self._client.query(read_sql("indexing/marks_checked")).result_rows
        if not are_right:
            self._client.command(read_sql("indexing/marks_mended"))
        self._marks_are_looked_at = True

    def _waiting(self, most_rows: int | None) -> _Waiting:
        written = {part for _, part in self._written}
        parts: list[str] = []
        total, newest = 0, 0
        for name, rows, version in self._client.query(read_sql("indexing/parts")).result_rows:
            newest = int(version)
            if name in written or (most_rows is not None and parts and total + rows > most_rows):
                continue
            parts.append(str(name))
            total += int(rows)
        return _Waiting(tuple(parts), total, newest)

    def _mark_written(self, parts: tuple[str, ...]) -> None:
        self._written.extend((time.monotonic(), part) for part in parts)

    def _forget_written(self) -> None:
        now, kept = time.monotonic(), []
        for at, part in self._written:
            if now - at < self._linger_seconds:
                kept.append((at, part))
                continue
            try:
                self._client.command(read_sql("indexing/drop_part"), parameters={"part": part})
            except ClickHouseError:
                continue  # another run has dropped it; or it is found again by the next one
        self._written = kept


def _ranges(held_by_part: Sequence[Sequence[int]], most: int) -> list[tuple[int, int]]:
    """Return ranges of identifiers or people, all numbers in all, that hold about `most` each.

    By ranges of the sort key what one share writes holds no row of another's, and is read without a merge. They are not
    of equal width: a touchpoint lies at the least of its identifiers, and so does a person: low numbers hold more.

    Args:
        held_by_part: How much each part of 1,024 holds that holds any, in order.
        most: More than that begins another range.
    """
    begins, held = [0], 0
    for part, holds in held_by_part:
        if held and held + holds > most:
            begins.append(int(part) << _BITS_BELOW_PART)
            held = 0
        held += int(holds)
    return list(zip(begins, [begin - 1 for begin in begins[1:]] + [_GREATEST_NUMBER], strict=True))
