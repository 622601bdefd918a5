"""Keep the moves of the network, so that whoever asks for them while nothing happens need not go through all walks.

They are kept beside a hash of the walks that make them, and are read only while the walks are these and nothing waits:
an answer never depends on whether, or when, they were kept.
"""

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.index_waiting import moves_now, state_at_rest
from parcours_collector.warehouse.sql import read_sql

NODES = ("name", "channel", "name_channel")
"""What a node of the moves that are kept may be."""


def keep_moves(client: Client) -> bool:
    """Keep the moves as they are; return False if something waits for the index, or came while this went through it.

    Going through all walks takes what a question for them takes, for each kind of node, each project, and all of them.
    """
    before = state_at_rest(client)
    if before is None:
        return False
    moves = moves_now(client, before)
    if moves is None:
        return False
    if moves.are_kept:
        return True
    projects = [str(project) for (project,) in client.query(read_sql("keeping/projects")).result_rows]
    of_one = [(project, [0]) for project in projects]
    for project, is_of_all in [(projects[0], [0, 1])] if len(projects) == 1 else [*of_one, (None, [1])]:
        for node in NODES:
            asked = {"walks_hash": moves.walks_hash, "node": node, "project": project, "is_of_all": is_of_all}
            client.command(read_sql("keeping/moves"), parameters=asked)
    now = state_at_rest(client)
    are_whole = now is not None and now.state == before.state
    if are_whole:
        client.command(read_sql("keeping/all_kept"), parameters={"walks_hash": moves.walks_hash})
    useless = {"walks_hash": moves.walks_hash, "are_whole": are_whole}
    for (partition_id,) in client.query(read_sql("keeping/useless"), parameters=useless).result_rows:
        client.command(read_sql("keeping/drop"), parameters={"partition_id": partition_id})
    return are_whole
