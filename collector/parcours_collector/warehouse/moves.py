"""Keep the moves of the network, so that whoever asks for them while nothing happens need not go through all walks.

They are kept beside a hash of the walks that make them, and are read only while the walks are these, nothing waits, and
as many rows are there as were written: an answer does not depend on whether, or when, they were kept.
"""

import secrets
from collections.abc import Iterator
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.index_waiting import WAITING, IndexState, moves_now, state_at_rest
from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.texts import question_text

NODES = ("name", "channel", "name_channel")
"""What a node of the moves that are kept may be."""

_MOST_ROWS = 1_000_000
"""More are not kept: a network of so many moves is nothing that anybody looks at."""
_WALKED_AT_REST = (WAITING, "kept", "checked")


class _KeptMove(NamedTuple):
    node: str
    project: str
    is_of_all: bool
    from_node: str
    to_node: str
    passages: int
    people: int
    median_seconds: float


def keep_moves(client: Client) -> bool:
    """Keep the moves as they are; return False if something waits for the index, or it was written or merged meanwhile.

    Going through all walks takes what a question for them takes, for each kind of node, each project, and all of them.
    """
    before = state_at_rest(client)
    moves = None if before is None else moves_now(client, before)
    if before is None or moves is None:
        return False
    if moves.kept_run:
        return True
    told = list(_moves(client))
    if len(told) > _MOST_ROWS or not _is_still_at_rest(client, before):
        return False
    run = 1 + secrets.randbits(63)
    how_many = _KeptMove("", "", False, "", "", len(told), 0, 0.0)
    rows = [(run, moves.walks_hash, *move) for move in [*told, how_many]]
    client.insert("journey_moves", rows, column_names=["run", "walks_hash", *_KeptMove._fields])
    if not _is_still_at_rest(client, before):
        client.command(read_sql("keeping/drop_run"), parameters={"run": run})
        return False
    for (partition_id,) in client.query(read_sql("keeping/others"), parameters={"run": run}).result_rows:
        client.command(read_sql("keeping/drop"), parameters={"partition_id": partition_id})
    return True


def _moves(client: Client) -> Iterator[_KeptMove]:
    """Go through all walks for the moves of each project, and of all of them together."""
    projects = [str(project) for (project,) in client.query(read_sql("keeping/projects")).result_rows]
    for node in NODES:
        for project in projects:
            yield from (told := _walked(client, node, project))
            if len(projects) == 1:
                yield from (move._replace(project="", is_of_all=True) for move in told)
        if len(projects) != 1:
            yield from _walked(client, node, None)


def _walked(client: Client, node: str, project: str | None) -> list[_KeptMove]:
    asked = {"node": node, "project": project, "from_at": None, "to_at": None, "max_gap_seconds": None}
    rows = client.query(
        question_text("transitions", _WALKED_AT_REST), parameters={**asked, "limit": _MOST_ROWS + 1}
    ).result_rows
    return [
        _KeptMove(node, project or "", project is None, from_node, to_node, passages, people, median_seconds)
        for from_node, to_node, passages, people, _, median_seconds in rows
    ]


def _is_still_at_rest(client: Client, before: IndexState) -> bool:
    now = state_at_rest(client)
    return now is not None and now.state == before.state
