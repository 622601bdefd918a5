"""Whether anything waits for the journey index.

What it lacks is mended by the statements that read it, which costs them their analysis; when it lacks nothing, a
statement can do without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.texts import question_text

WAITING = "waiting"
"""The parts of statements that mend what the index lacks."""

_ACCESS_DENIED = 497
_MOST_REMEMBERED = 64
_found_before: dict[tuple[str, str, str], Sequence[Any]] = {}
"""Of states in which an index was looked through, by question, what was found: that holds as long as the state does."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """What the index was in at one moment.

    Attributes:
        changes: Stored, stored again or removed since they were written into the index.
        state: Tells the parts of the index and the load of the dictionary of people from any others: between two
            moments of one state nothing of the index was written, whatever came to wait for it.
        moves: Tells the parts of the moves that are kept from any others.
        may_be_remembered: No later load of the dictionary can be taken for this one.
    """

    changes: int
    state: str
    moves: str
    may_be_remembered: bool


def state_at_rest(client: Client) -> IndexState | None:
    """Return what the index is in if it lacks nothing; None if it lacks something, or if that is not to be learned.

    Nothing is missing when no change waits and every walk is of those who are one person now. That is looked for in a
    few columns of all rows, once for each state. Whoever asks a statement without `WAITING` looks again afterwards
    (`is_still`): then its answer is that of the moment at which this looked.
    """
    found = state_now(client)
    if found is None or found.changes:
        return None
    told = _looked_through(client, "walks_checked", found, is_still)
    return found if told is not None and told[0] else None


@dataclass(frozen=True, slots=True)
class MovesNow:
    """Which walks there are, and which keeping has the moves that they make; 0 = none."""

    walks_hash: int
    kept_run: int


def moves_now(client: Client, found: IndexState) -> MovesNow | None:
    """Return what `moves_checked` says of an index that is in this state; None if it is no longer."""
    told = _looked_through(client, "moves_checked", found, are_still_kept)
    return None if told is None else MovesNow(int(told[0]), int(told[1]))


def is_still(client: Client, before: IndexState) -> bool:
    """Return whether nothing of the index, and nobody's person, has changed since."""
    now = state_now(client)
    return now is not None and now.state == before.state


def are_still_kept(client: Client, before: IndexState) -> bool:
    """Return whether, besides, the moves that are kept are the same ones."""
    now = state_now(client)
    return now is not None and (now.state, now.moves) == (before.state, before.moves)


def state_now(client: Client) -> IndexState | None:
    """Return what the index is in; None to whoever may not see the engine's parts and dictionaries."""
    try:
        ((changes, state, moves, may_be_remembered),) = client.query(read_sql("questions/index_state")).result_rows
    except DatabaseError as error:
        if error.code != _ACCESS_DENIED:
            raise
        return None
    return IndexState(int(changes), str(state), str(moves), bool(may_be_remembered))


def _looked_through(
    client: Client, question: str, found: IndexState, is_same: Callable[[Client, IndexState], bool]
) -> Sequence[Any] | None:
    """Look through the index, once for each state; None if that has changed meanwhile."""
    state = (question, found.state, found.moves if is_same is are_still_kept else "")
    told = _found_before.get(state)
    if told is None:
        ((*told,),) = client.query(question_text(question)).result_rows
        if not is_same(client, found):
            return None
        if found.may_be_remembered:
            if len(_found_before) >= _MOST_REMEMBERED:
                _found_before.clear()
            _found_before[state] = told
    return told
