"""The log says what went wrong and where, and nobody stands in it."""

import asyncio
import logging
import socket
from pathlib import Path

import orjson
import pytest

from parcours_collector.logs import configure_logs
from tests.running import CollectorProcess, add_source

CANARY = "card-of-zoe-123456"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers])
    monkeypatch.setattr(root, "level", root.level)


@pytest.mark.parametrize("form", ["console", "json"])
def test_an_exception_is_told_by_its_class_and_place_without_messages_and_values(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(form)  # type: ignore[arg-type]
    held = f'{{"loyalty_card": "{CANARY}"}}'
    try:
        try:
            int(held)
        except ValueError as error:
            raise RuntimeError(f"cannot read {held}") from error
    except RuntimeError:
        logging.getLogger("somebody's library").exception("it failed")
    said = capsys.readouterr().err
    assert CANARY not in said
    if form == "json":
        said = orjson.loads(said)["exception"]
    assert "int(held)" in said
    assert said.index("RuntimeError") < said.index("ValueError")


def test_a_task_that_nobody_awaited_is_told_without_its_exception(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("console")

    async def fail() -> None:
        raise RuntimeError(CANARY)

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task

    asyncio.run(forget())
    said = capsys.readouterr().err
    assert "Task exception was never retrieved" in said
    assert CANARY not in said


def test_a_request_that_is_not_http_leaves_neither_key_nor_payload_in_the_log(tmp_path: Path) -> None:
    source = add_source(tmp_path, "till", "shop")
    key = source.write_key.encode()
    requests = (
        b"POST /v1/touchpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + key
        + b"\0\r\nContent-Length: 2\r\n\r\n[]",
        b"POST /v1/touchpoints?write_key=" + key + b"\xc3\xa9 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
        b"POST /v1/touchpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + key
        + b'\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]{"ids":{"loyalty_card":"'
        + CANARY.encode()
        + b'"}}\r\n\r\n',
    )
    with CollectorProcess(tmp_path, "http://nobody:nothing@127.0.0.1:9") as running:
        for request in requests:
            with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
        assert running.stop() == 0
    log = (tmp_path / "collector.log").read_bytes()
    assert key not in log
    assert CANARY.encode() not in log
