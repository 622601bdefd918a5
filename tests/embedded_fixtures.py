"""One embedded engine for a test module, and a bare HTTP client that hides nothing of an answer.

The clients of clickhouse-connect are here too.
"""

import http.client
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.embedded.process import EngineProcess


def read_statements(name: str) -> tuple[str, ...]:
    """The statements of a file of `tests/embedded`, without its first, which is a comment."""
    text = (Path(__file__).parent / "embedded" / name).read_text(encoding="utf-8")
    return tuple(text.removesuffix("\n").split("\n---\n"))[1:]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        return int(self.headers.get("X-ClickHouse-Exception-Code", "0"))

    @property
    def summary(self) -> dict[str, str]:
        return json.loads(self.headers["X-ClickHouse-Summary"])


class Door:
    """Sends one request a call, each on a connection of its own."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.user, self.password = parts.username or "", unquote(parts.password or "")

    def ask(
        self,
        sql: str | bytes = b"",
        *,
        method: str = "POST",
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
        **params: str | int,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        sent = {"X-ClickHouse-User": self.user, "X-ClickHouse-Key": self.password} if signed else {}
        body = sql.encode() if isinstance(sql, str) else sql
        try:
            connection.request(method, f"{path}?{urlencode(params)}", body or None, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def rows(self, sql: str, **params: str | int) -> list[str]:
        answer = self.ask(sql, **params)
        assert answer.status == 200, answer.text
        return answer.text.splitlines()

    def wait_until(self, query_id: str, *, running: bool, seconds: float = 20.0) -> None:
        """Wait for the engine to have, or no longer have, a query of this id; asks it twenty times a second."""
        sql = "SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], {id:String})"
        deadline = time.monotonic() + seconds
        while (self.rows(sql, param_id=query_id) != ["0"]) is not running:
            assert time.monotonic() < deadline, f"query {query_id} {'never ran' if running else 'still runs'}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess.start(tmp_path_factory.mktemp("engine") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def door(engine: EngineProcess) -> Door:
    return Door(engine.url)


@pytest.fixture(scope="module")
def analyst(engine: EngineProcess) -> Door:
    return Door(engine.analyst_url)


def arguments(door: Door) -> dict[str, object]:
    return {"host": door.host, "port": door.port, "username": door.user, "password": door.password}


@pytest.fixture(params=["lz4", "zstd", "gzip", False], ids=str)
def client(door: Door, request: pytest.FixtureRequest) -> Iterator[Client]:
    with clickhouse_connect.get_client(
        **arguments(door), compress=request.param, autogenerate_session_id=False
    ) as connected:
        yield connected


@pytest.fixture
async def async_client(door: Door) -> AsyncIterator[AsyncClient]:
    async with await clickhouse_connect.get_async_client(**arguments(door)) as connected:
        yield connected
