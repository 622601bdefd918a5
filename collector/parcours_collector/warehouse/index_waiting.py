"""Whether anything waits for the journey index.

What it lacks is mended by the statements that read it, which costs them their analysis; when it lacks nothing, a
statement can do without.
"""

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.texts import question_text

WAITING = "waiting"
"""The parts of statements that mend what the index lacks."""

_MOST_REMEMBERED = 64
_whole_before: set[str] = set()
"""States in which an index was looked through and lacked nothing; one holds as long as parts and people do."""


def lacks_nothing(client: Client) -> bool:
    """Return whether the index holds every touchpoint that is stored, under whom it is now.

    A statement that is asked thereafter without `WAITING` says what was so when this looked, or later. Looking reads a
    few columns of all rows, once for each state of the index.
    """
    ((changes, _, state, is_shown),) = client.query(read_sql("questions/index_state")).result_rows
    if changes:
        return False
    if is_shown and state in _whole_before:
        return True
    ((is_whole,),) = client.query(question_text("walks_checked")).result_rows
    if is_whole and is_shown and _state_still(client) == state:
        if len(_whole_before) >= _MOST_REMEMBERED:
            _whole_before.clear()
        _whole_before.add(state)
    return bool(is_whole)


def _state_still(client: Client) -> str:
    ((_, _, state, _),) = client.query(read_sql("questions/index_state")).result_rows
    return str(state)
