"""Everybody's metrics, and what workers that have ended had counted.

What is shown was kept first: a worker that is killed can take nothing back that a scrape has seen, so that no counter
falls while the supervisor lives.
"""

from collections.abc import Iterable, Mapping

from parcours_collector.measures.board import Board
from parcours_collector.measures.snapshot import Key, Snapshot, exposition, joined, labelled, lasting, snapshot_of


class Gathering:
    """The metrics of a supervisor and of its workers, those that have ended included."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._ended: dict[Key, float] = {}

    def retire(self, last: Snapshot) -> None:
        """Keep what a worker had counted when it ended."""
        self._ended = joined([self._ended, lasting(last)])

    def together(self, workers: Iterable[Snapshot]) -> bytes:
        """Return the text of all as one."""
        return exposition(joined([*workers, self._ended, self._own()]))

    def each(self, workers: Mapping[str, Snapshot]) -> bytes:
        """Return the text of each by itself: with a label `worker`, of those that have ended `ended`."""
        parts = {**workers, "ended": self._ended, "supervisor": self._own()}
        return exposition(
            {
                key: value
                for name, snapshot in parts.items()
                for key, value in labelled(snapshot, "worker", name).items()
            }
        )

    def _own(self) -> Snapshot:
        return snapshot_of(self._board.families())
