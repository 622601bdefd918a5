"""What intake measures: how fast it answers, and what became of requests and touchpoints."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from prometheus_client import Counter

from parcours_collector.intake.intake import Intake
from parcours_collector.measures.board import Board, Reading, bounded
from parcours_collector.measures.snapshot import CONTENT_TYPE, exposition, snapshot_of
from parcours_collector.wal.log import WriteAheadLog

Exposition = Callable[[bool], Awaitable[bytes]]
"""The text of the metrics of all workers, together or, if so asked, of each by itself."""


class Metrics:
    """The metrics of one collector's doors, on the board of its process."""

    content_type = CONTENT_TYPE

    def __init__(
        self,
        *,
        intake: Intake,
        log: WriteAheadLog,
        board: Board | None = None,
        turned_away: Mapping[tuple[str, str], int] | None = None,
        whole: Exposition | None = None,
    ) -> None:
        """Put the doors' measures on a board.

        Args:
            intake: What it has counted.
            log: How large and old it is.
            board: Of this process.
            turned_away: Requests by source and reason.
            whole: Gives the text of all workers; without it the text is this process' own.
        """
        self.board = board or Board()
        self._latency = self.board.histogram("parcours_acknowledgement_seconds")
        self._requests = self.board.counter("parcours_requests_total")
        self._by_status: dict[int, Counter] = {}  # looking a label up takes longer than counting
        self._whole = whole
        self.board.read(lambda: _of_intake(intake, {} if turned_away is None else turned_away))
        self.board.read(lambda: _of_log(log))

    def acknowledged(self, seconds: float) -> None:
        """Count a batch that is on disk."""
        self._latency.observe(seconds)

    def answered(self, status: int) -> None:
        """Count an answer."""
        counted = self._by_status.get(status)
        if counted is None:
            counted = self._by_status[status] = self._requests.labels(str(status))
        counted.inc()

    async def exposition(self, *, each: bool = False) -> bytes:
        """Return all metrics as text: of all workers together, or of each by itself."""
        if self._whole is not None:
            return await self._whole(each)
        return exposition(snapshot_of(self.board.families()))


def _of_intake(intake: Intake, turned_away: Mapping[tuple[str, str], int]) -> Iterator[Reading]:
    for outcome, counts in (("accepted", intake.accepted), ("duplicate", intake.duplicate)):
        by_source = [((source, outcome), count) for source, count in counts.items()]
        yield from _by_source("parcours_touchpoints_total", by_source)
    yield from _by_source("parcours_rejected_total", intake.rejected.items())
    yield from _by_source("parcours_warned_total", intake.warned.items())
    yield from _by_source("parcours_turned_away_total", turned_away.items())


def _by_source(name: str, counts: Iterable[tuple[tuple[str, str], int]]) -> Iterator[Reading]:
    for labels, count in bounded(tuple(counts)):
        yield Reading(name, count, labels)


def _of_log(log: WriteAheadLog) -> Iterator[Reading]:
    yield Reading("parcours_wal_bytes", log.size_bytes)
    yield Reading("parcours_wal_oldest_seconds", log.oldest_age_seconds)
    yield Reading("parcours_wal_unavailable", float(not log.available))
    yield Reading("parcours_wal_quarantined_bytes", log.quarantined_bytes)
    yield Reading("parcours_wal_mended_records_total", log.mended_records)
