"""The dead letters that wait in ClickHouse, of one source, and the mark that one has been replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.sql import read_sql

MAX_PAYLOAD_BYTES = 256 * 1024
"""Larger payloads are not read: a touchpoint is at most a quarter of that."""

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters: those of a source in a project, of one code and one name of touchpoint if given."""

    project: str
    source: str
    code: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that waits; `payload` is empty when it is larger than MAX_PAYLOAD_BYTES."""

    id: UUID
    code: str
    event_name: str
    payload: str


@dataclass(frozen=True, slots=True)
class WaitingCount:
    """How many letters wait: of the source, and of other sources of the project."""

    own: int
    of_others: int


class Letters:
    """The letters of a selection."""

    def __init__(self, client: Client, selection: Selection) -> None:
        self._client = client
        self._selection = selection

    def count(self) -> WaitingCount:
        """Return how many wait."""
        [(own, of_others)] = self._client.query(
            read_sql("replaying/waiting_count"), parameters=self._parameters()
        ).result_rows
        return WaitingCount(int(own), int(of_others))

    def after(self, last: Letter | None, most: int) -> list[Letter]:
        """Return the next letters in the order of their ids, at most `most`; from the first on after None."""
        found = self._client.query(
            read_sql("replaying/waiting"),
            parameters={
                **self._parameters(),
                "after": str(_FIRST if last is None else last.id),
                "most": most,
                "max_payload_bytes": MAX_PAYLOAD_BYTES,
            },
        )
        return [Letter(**row) for row in found.named_results()]

    def mark_replayed(self, letters: Sequence[Letter]) -> None:
        """Give letters the time of their replay; those that have one keep it."""
        if letters:
            self._client.command(
                read_sql("replaying/mark_replayed"),
                parameters={"project": self._selection.project, "ids": [str(letter.id) for letter in letters]},
            )

    def _parameters(self) -> dict[str, str | None]:
        chosen = self._selection
        return {"project": chosen.project, "source": chosen.source, "code": chosen.code, "name": chosen.name}
