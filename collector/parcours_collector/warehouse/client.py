"""The one place where clickhouse-connect is configured: a URL in, a client out.

`PARCOURS_CLICKHOUSE_URL` is `http://user:password@host:port` (or `https`); the database is always `parcours`. A server,
a cluster and the embedded engine are reached the same way. Nothing here knows what is stored.
"""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect import common
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from parcours_collector.errors import (
    InvalidSettings,
    OperatorError,
    WarehouseNotMigrated,
    WarehouseTooOld,
    WarehouseUnreachable,
)

DATABASE = "parcours"
OLDEST_SERVER = (25, 8)
"""The oldest ClickHouse whose functions, settings and parameterized views the SQL of this version uses."""

_UNKNOWN_DATABASE = 81

# Session ids serialise a client's queries; every statement of ours stands alone.
common.set_setting("autogenerate_session_id", False)
# Its log repeats what it raises; whoever catches the error decides what is said.
for _name in ("clickhouse_connect", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class ClickHouseUrl:
    """Where ClickHouse answers, and as whom; `redacted` is the form that may be shown."""

    host: str
    port: int
    username: str
    password: str
    secure: bool

    @classmethod
    def parse(cls, url: str) -> "ClickHouseUrl":
        """Read `http://user:password@host:port`; raise InvalidSettings when it is something else."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidSettings(
                "PARCOURS_CLICKHOUSE_URL is not an http or https URL.",
                remedy="Write it as http://user:password@host:8123.",
            )
        secure = parts.scheme == "https"
        return cls(
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            secure=secure,
        )

    @property
    def redacted(self) -> str:
        """The URL without its password."""
        return f"{'https' if self.secure else 'http'}://{self.username}@{self.host}:{self.port}"


def connect(url: str, *, database: str = DATABASE, timeout_seconds: float = 300.0) -> Client:
    """Return a blocking client.

    Args:
        url: `http://user:password@host:port`.
        database: The database that unqualified names mean; `default` before the first migration.
        timeout_seconds: How long one answer may take.

    Raises:
        InvalidSettings: The URL cannot be read.
        WarehouseUnreachable: Nobody answers there, or not to this user.
        WarehouseNotMigrated: It has no such database.
        WarehouseTooOld: The server is older than OLDEST_SERVER.
    """
    where = ClickHouseUrl.parse(url)
    try:
        client = clickhouse_connect.get_client(**_arguments(where, database, timeout_seconds))
    except ClickHouseError as error:
        raise _unreachable(where, error) from error
    _refuse_old(where, client.server_version)
    return client


async def connect_async(url: str, *, database: str = DATABASE, timeout_seconds: float = 300.0) -> AsyncClient:
    """Return an asyncio client; arguments and errors are those of `connect`."""
    where = ClickHouseUrl.parse(url)
    try:
        client = await clickhouse_connect.get_async_client(**_arguments(where, database, timeout_seconds))
    except ClickHouseError as error:
        raise _unreachable(where, error) from error
    _refuse_old(where, client.server_version)
    return client


def _arguments(where: ClickHouseUrl, database: str, timeout_seconds: float) -> dict[str, Any]:
    """Return what both kinds of client are made with."""
    return {
        "host": where.host,
        "port": where.port,
        "username": where.username,
        "password": where.password,
        "secure": where.secure,
        "database": database,
        "send_receive_timeout": int(timeout_seconds),
        "compress": "lz4",
        "tz_mode": "aware",
    }


def _refuse_old(where: ClickHouseUrl, version: str | None) -> None:
    if version is None or tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        needed = ".".join(map(str, OLDEST_SERVER))
        raise WarehouseTooOld(f"ClickHouse at {where.redacted} is version {version}; Parcours needs {needed} or newer.")


def _unreachable(where: ClickHouseUrl, error: ClickHouseError) -> OperatorError:
    if isinstance(error, DatabaseError) and error.code == _UNKNOWN_DATABASE:
        return WarehouseNotMigrated(
            f"ClickHouse at {where.redacted} has no database {DATABASE} yet (UNKNOWN_DATABASE)."
        )
    if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
        return WarehouseUnreachable(
            f"ClickHouse at {where.redacted} refused the connection ({error.name or error.code or 'no reason given'}).",
            remedy="Check the user and the password in PARCOURS_CLICKHOUSE_URL.",
        )
    return WarehouseUnreachable(f"ClickHouse does not answer at {where.redacted}.")
