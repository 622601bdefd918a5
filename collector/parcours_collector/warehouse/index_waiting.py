"""Whether anything waits for the journey index.

What it lacks is mended by the statements that read it, which costs them their analysis; when it lacks nothing, a
statement can do without.
"""

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.texts import question_text

WAITING = "waiting"
"""The parts of statements that mend what the index lacks."""


def lacks_nothing(client: Client) -> bool:
    """Return whether the index holds every touchpoint that is stored, under whom it is now.

    A statement that is asked thereafter without `WAITING` says what was so when this looked, or later.
    """
    ((changes,),) = client.query(read_sql("questions/waiting_changes")).result_rows
    if changes:
        return False
    ((is_whole,),) = client.query(question_text("walks_checked")).result_rows
    return bool(is_whole)
