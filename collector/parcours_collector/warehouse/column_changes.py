"""Give a property a column, or take it away: recorded first, so that a migration finishes what a crash left."""

from collections.abc import Iterator

from clickhouse_connect.driver.client import Client

from parcours_collector.errors import OperatorError
from parcours_collector.warehouse.hot_columns import HotColumn, InvalidColumn, record_column, recorded_columns
from parcours_collector.warehouse.migrations import make_columns_and_views
from parcours_collector.warehouse.sql import read_sql


class FillingFailed(OperatorError):
    """ClickHouse cannot store a column in parts that were stored before."""

    tag = "filling_failed"
    remedy = "Queries are right meanwhile, and slower. Mend the cause, then run the same command again."


def add_column(client: Client, column: HotColumn) -> bool:
    """Make a column and show it in the views; return whether it is new. Its old rows are filled by `fill_column`.

    Raises:
        InvalidColumn: The property has a column of another type.
    """
    for held in recorded_columns(client):
        if held.is_wanted and held.column.name == column.name:
            if held.column.kind is not column.kind:
                raise InvalidColumn(
                    f"{column.name} is a column of type {held.column.kind}.",
                    remedy=f"`parcours columns remove {column.touchpoint}.{column.key}` first.",
                )
            make_columns_and_views(client)
            return False
    client.command(column.drop)  # what a removal that did not end may have left, perhaps of another type
    record_column(client, column, is_wanted=True)
    make_columns_and_views(client)
    return True


def remove_column(client: Client, column: HotColumn) -> None:
    """Take a column from the views and the table; the properties stay.

    Raises:
        InvalidColumn: There is no such column.
    """
    for held in recorded_columns(client):
        if held.is_wanted and held.column.name == column.name:
            record_column(client, held.column, is_wanted=False)
            make_columns_and_views(client)
            return
    raise InvalidColumn(f"There is no column {column.name}.")


def fill_column(client: Client, column: HotColumn) -> Iterator[int]:
    """Store a column in the parts that were stored before it; yield how many are left, at last 0. The caller waits.

    Raises:
        FillingFailed: ClickHouse says that it cannot; it goes on trying.
    """
    client.command(column.fill)
    while True:
        ((under_way, parts_left, failure),) = client.query(
            read_sql("columns/filling"), parameters={"column": column.name}
        ).result_rows
        if failure:
            raise FillingFailed(f"{column.name} is not filled: {str(failure)[:300]}")
        yield int(parts_left) or int(under_way)
        if not under_way:
            return


def active_parts(client: Client) -> int:
    """How many parts there are to fill at most."""
    return int(client.query(read_sql("columns/active_parts")).result_rows[0][0])


def storing_parts(client: Client) -> dict[str, int]:
    """In how many of them each column is stored; the others compute it when they are read."""
    return {str(name): int(parts) for name, parts in client.query(read_sql("columns/storing_parts")).result_rows}
