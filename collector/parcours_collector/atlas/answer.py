"""An answer of the atlas: its rows, the SQL that gives them, and its parameters.

Whoever doubts a number runs `sql` with `parameters` in any ClickHouse client and gets the same rows.

A question that reads the journey index is asked without the part that mends what the index lacks, when it lacks
nothing: that part is up to half of the statement. `sql` keeps it, and so is right at any time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar, overload

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.index_waiting import WAITING, are_still_kept, is_still, moves_now, state_at_rest
from parcours_collector.warehouse.texts import parts_of, question_text

Row = TypeVar("Row")

_WALKED = "walked"
"""The part of a statement that goes through walks, where it can also read what is kept."""
_CHECKED = "checked"
"""What lets each of the two stand aside for the other."""
NOT_KEPT = ("kept", _CHECKED)
"""What a statement does without that can only go through walks."""


@dataclass(frozen=True, slots=True)
class Answer(Sequence[Row], Generic[Row]):
    """The rows of an answer, as a sequence, and how they were asked for.

    Attributes:
        rows: Frozen dataclasses, in the order that the question states.
        sql: The statement, with its server-side parameters as `{name:Type}`; it is right at any time.
        parameters: Their values.
    """

    rows: tuple[Row, ...]
    sql: str
    parameters: Mapping[str, Any]

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        """Return a row, or several."""
        return self.rows[index]

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        """Go through the rows."""
        return iter(self.rows)

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows as columns, as `pandas.DataFrame` and `polars.DataFrame` take them; empty without rows."""
        if not self.rows:
            return {}
        names = [field.name for field in fields(self.rows[0])]  # type: ignore[arg-type]
        return {name: [getattr(row, name) for row in self.rows] for name in names}


def ask(
    client: Client,
    question: str,
    row: Callable[..., Row],
    parameters: Mapping[str, Any],
    *,
    without: tuple[str, ...] = (),
) -> Answer[Row]:
    """Run `sql/questions/QUESTION.sql` and return its rows as `row` makes them of the columns, in their order.

    Args:
        client: A client of the migrated database.
        question: Which.
        row: Makes a row of its values.
        parameters: Of the statement.
        without: Parts and members of unions that change nothing, as `warehouse.texts.view_text` leaves them out.
    """
    sql = question_text(question, without)
    rows = _rows_at_rest(client, question, parameters, without)
    if rows is None:
        rows = client.query(sql, parameters=dict(parameters)).result_rows
    return Answer(tuple(row(*values) for values in rows), sql, dict(parameters))


def ask_kept(client: Client, question: str, row: Callable[..., Row], parameters: Mapping[str, Any]) -> Answer[Row]:
    """Ask as `ask` does, of the moves that are kept where these are right, else of the walks."""
    rows = _rows_kept(client, question, parameters)
    if rows is None:
        return ask(client, question, row, parameters, without=NOT_KEPT)
    return Answer(tuple(row(*values) for values in rows), question_text(question), dict(parameters))


def _rows_kept(client: Client, question: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]] | None:
    """Return the rows by the moves that are kept; None if these are not everybody's as they are, or are no longer."""
    before = state_at_rest(client)
    moves = None if before is None else moves_now(client, before)
    if before is None or moves is None or not moves.kept_run:
        return None
    asked = {**parameters, "kept_run": moves.kept_run}
    rows = client.query(question_text(question, (_WALKED, _CHECKED)), parameters=asked).result_rows
    return rows if are_still_kept(client, before) else None


def _rows_at_rest(
    client: Client, question: str, parameters: Mapping[str, Any], without: tuple[str, ...]
) -> Sequence[Sequence[Any]] | None:
    """Return the rows by the statement that mends nothing; None if it does not read the index, or that lacks anything.

    A run of the index, or a stitching, between looking and reading would show walks from before and after side by side.
    """
    if WAITING not in parts_of(question):
        return None
    at_rest = question_text(question, (*without, WAITING))
    if at_rest == question_text(question, without) or (before := state_at_rest(client)) is None:
        return None
    rows = client.query(at_rest, parameters=dict(parameters)).result_rows
    return rows if is_still(client, before) else None
