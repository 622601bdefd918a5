"""Erase a person from the log, the warehouse and the quarantine, and look whether anything of them is left."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from parcours_collector.delivery.delivery import Delivery
from parcours_collector.delivery.orphans import drain
from parcours_collector.errors import OperatorError, WalInUse
from parcours_collector.forgetting.person import Forgotten, Held, count_held
from parcours_collector.forgetting.writings import LEAST_SEARCHED_CHARS, naming_pattern, writings
from parcours_collector.wal.folders import has_segments, log_folders
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.warehouse.client import connect_async
from parcours_collector.warehouse.dictionaries import reload_dictionary
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.insert import Inserter
from parcours_collector.warehouse.sql import read_sql, statements

TABLES = (
    "touchpoints",
    "dead_letters",
    "identity_edges",
    "identity_persons",
    "identity_cuts",
    "identity_moves",
    "touchpoint_owners",
)
_MOST_SEARCHED_AT_ONCE = 200
"""Of values in one search of a column: ClickHouse takes 255."""
_LOOK_AGAIN_SECONDS = 0.2


class LogNotDelivered(OperatorError):
    """The log still holds touchpoints from before: ClickHouse does not take them."""

    tag = "log_not_delivered"
    remedy = "Bring ClickHouse back and run the same command again: the person is kept out already."


@dataclass(frozen=True, slots=True)
class Remains:
    """What a search found of a person: rows by table and column, and files by name. Both must be empty."""

    rows: dict[str, int]
    files: tuple[str, ...]
    searched_columns: int
    searched_files: int


def empty_logs(root: Path, clickhouse_url: str, timeout_seconds: float) -> None:
    """Return when nothing that was appended before is in any log under `root`; running collectors are waited for.

    Raises:
        LogNotDelivered: ClickHouse takes nothing, or not in this time.
    """
    deadline = time.monotonic() + timeout_seconds
    held = {folder: _segments(folder) for folder in log_folders(root) if has_segments(folder)}
    for folder in [*held]:
        try:
            asyncio.run(_deliver(folder, clickhouse_url, deadline - time.monotonic()))
        except WalInUse:
            continue
        except TimeoutError:
            raise LogNotDelivered(f"The log in {folder} was not delivered within {timeout_seconds:g} s.") from None
        del held[folder]
    # A running collector begins a new segment when it sees the list, and removes the old ones once delivered.
    for folder, before in held.items():
        while before & _segments(folder):
            if time.monotonic() > deadline:
                raise LogNotDelivered(f"The log in {folder} was not delivered within {timeout_seconds:g} s.")
            time.sleep(_LOOK_AGAIN_SECONDS)


def _segments(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.wal")}


async def _deliver(folder: Path, clickhouse_url: str, timeout_seconds: float) -> None:
    log = WriteAheadLog.open(folder)
    inserter = Inserter(lambda: connect_async(clickhouse_url))
    try:
        async with asyncio.timeout(timeout_seconds):
            await drain(log, Delivery(log, inserter, linger_seconds=0))
    finally:
        await inserter.close()
        await log.close()


def erase(client: Client, person: Forgotten, said: Callable[[str], None]) -> Held:
    """Delete every row of a person and wait until it is done; return how many there were.

    Args:
        client: A client of the migrated database.
        person: Whom.
        said: Told of each table when it is done.
    """
    held = count_held(client, person)
    for statement in statements(read_sql("forgetting/hurry_removal")):
        client.command(statement)
    letters = client.query(read_sql("forgetting/letters_of_person"), parameters=person.parameters).result_rows
    owned = client.query(read_sql("forgetting/touchpoints_owned"), parameters=person.parameters).result_rows
    parameters = {
        **person.parameters,
        "letters": [str(letter) for (letter,) in letters],
        "owned": [str(touchpoint) for (touchpoint,) in owned],
    }
    # The walks they stand in leave the index whole; what is left of them is read from the table.
    walks = client.query(read_sql("forgetting/walks_of_person"), parameters=person.parameters).result_rows
    for table in TABLES:
        client.command(read_sql(f"forgetting/erase_{table}"), parameters=parameters)
        said(table)
    if walks:
        client.insert("journey_index_changes", walks, column_names=["project", "identifier", "id", "received_at"])
        concerned = {**person.parameters, "walks": sorted({identifier for _, identifier, *_ in walks})}
        client.command(read_sql("forgetting/forget_moves"))
        for table in ("journey_index", "journey_walks"):
            client.command(read_sql(f"forgetting/erase_{table}"), parameters=concerned)
        JourneyIndex(client, linger_seconds=0).refresh()
        said("journey_index")
    for statement in statements(read_sql("forgetting/push_out_mutations")):
        client.command(statement)
    for dictionary in ("person_of", "owner_of"):
        reload_dictionary(client, dictionary)
    return held


def await_removal(client: Client, timeout_seconds: float) -> int:
    """Wait until what the deletions replaced is off the disk; return how many parts are not."""
    deadline = time.monotonic() + timeout_seconds
    while left := int(client.query(read_sql("forgetting/inactive_parts")).result_rows[0][0]):
        if time.monotonic() > deadline:
            return left
        time.sleep(_LOOK_AGAIN_SECONDS)
    return 0


def clear_quarantine(root: Path, person: Forgotten) -> int:
    """Remove quarantined bytes of the logs in which the person stands; return how many files."""
    removed = 0
    names_them = re.compile(naming_pattern(value for _, value in person.identifiers), re.ASCII)
    for path in sorted(root.rglob("quarantine/*")):
        if path.is_file() and names_them.search(path.read_bytes().decode("utf-8", "replace")):
            path.unlink()
            removed += 1
    return removed


def search(client: Client, person: Forgotten, data: Path) -> Remains:
    """Look for a person in every text column of every table and in every file of the data folder."""
    values = [form for _, value in person.identifiers if len(value) >= LEAST_SEARCHED_CHARS for form in writings(value)]
    rows: dict[str, int] = {}
    held = count_held(client, person)
    rows.update({table: getattr(held, table) for table in TABLES if getattr(held, table)})
    columns = client.query(read_sql("forgetting/text_columns")).result_rows
    for table, column in columns:
        found = 0
        for begins in range(0, len(values), _MOST_SEARCHED_AT_ONCE):
            # Names of our own tables and columns, as the database gives them; values are parameters.
            found += client.query(
                f"SELECT count() FROM parcours.`{table}` "  # noqa: S608
                f"WHERE multiSearchAny(toString(`{column}`), {{values:Array(String)}})",
                parameters={"values": values[begins : begins + _MOST_SEARCHED_AT_ONCE]},
            ).result_rows[0][0]
        if found:
            rows[f"{table}.{column}"] = int(found)
    # The engine removes folders while we look: what is gone holds nobody.
    files = sorted(Path(folder) / name for folder, _, names in os.walk(data) for name in names)
    holding = tuple(str(path.relative_to(data)) for path in files if _file_holds(path, values))
    return Remains(rows, holding, len(columns), len(files))


def _file_holds(path: Path, values: Iterable[str]) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False  # it went away meanwhile
    return any(value.encode("utf-8", "surrogatepass") in content for value in values)
