"""The dictionaries that views read, made again at every migration.

A dictionary reads its table as a user of its own: `default` without a password, which the embedded engine and many
servers have. Where that is refused, the dictionary is made again with the user that migrates.
"""

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.warehouse.client import ClickHouseUrl
from parcours_collector.warehouse.sql import read_sql

DICTIONARIES = ("person_of", "owner_of", "project_settings", "kind_of")
"""Every dictionary; none reads another."""

_PLACE_OF_CREDENTIALS = "/* credentials */"
_CREDENTIALS = "USER %(username)s PASSWORD %(password)s"
"""Quoted by the client library: ClickHouse takes no server-side parameters in a dictionary's source."""
_AUTHENTICATION_FAILED = 516


def make_dictionaries(client: Client, where: ClickHouseUrl) -> None:
    """Make every dictionary again, and see that each can be loaded.

    Args:
        client: A client of the database that has their tables.
        where: Whose user they read as, if `default` may not.
    """
    for name in DICTIONARIES:
        text = read_sql(f"dictionaries/{name}")
        client.command(text)
        try:
            reload_dictionary(client, name)
        except DatabaseError as error:
            if error.code != _AUTHENTICATION_FAILED:
                raise
            client.command(
                text.replace(_PLACE_OF_CREDENTIALS, _CREDENTIALS),
                parameters={"username": where.username, "password": where.password},
            )
            reload_dictionary(client, name)


def reload_dictionary(client: Client, name: str) -> None:
    """Let a dictionary read its table now."""
    client.command("SYSTEM RELOAD DICTIONARY {name:Identifier}", parameters={"name": name})
