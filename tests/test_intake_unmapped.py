"""The door for what a source could not turn into a touchpoint, over real HTTP, onto a real log."""

import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web

from parcours_collector.intake.admission import Admission
from parcours_collector.intake.intake import Intake
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.metrics import Metrics
from parcours_collector.intake.routes import Doors
from parcours_collector.settings import HttpSettings, WalSettings
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import Position, RecordKind

from .running import add_source


class Door:
    """A collector's doors in this process, and what its log holds."""

    def __init__(self, endpoint: str, log: WriteAheadLog, write_key: str) -> None:
        self.endpoint = endpoint
        self.log = log
        self.write_key = write_key

    async def post(
        self, path: str, body: bytes, *, media: str = "application/json", key: str | None = None
    ) -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {key or self.write_key}", "Content-Type": media}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.endpoint + path, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def keep(self, *letters: object) -> tuple[int, dict[str, object]]:
        return await self.post("/v1/dead-letters", orjson.dumps(list(letters)))

    def kept(self) -> list[dict[str, object]]:
        records = self.log.read(Position(0, 0), max_bytes=1 << 24).records
        rows = [record.payload.splitlines() for record in records if record.kind is RecordKind.DEAD_LETTERS]
        return [json.loads(row) for row in itertools.chain.from_iterable(rows)]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    sender = add_source(tmp_path, "crm", "shop")
    settings = HttpSettings(max_body_bytes=20_000, max_inflated_bytes=20_000)
    keys = KeyRing(tmp_path / "registry.json")
    log = WriteAheadLog.open(tmp_path / "wal")
    intake = Intake(settings=settings, keys=keys, log=log, plan=None)
    metrics = Metrics(intake=intake, log=log)
    admission = Admission(log=log, http=settings, wal=WalSettings())
    doors = Doors(settings=settings, keys=keys, intake=intake, log=log, metrics=metrics, admission=admission)
    runner = web.AppRunner(doors.application(), auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Door(f"http://127.0.0.1:{runner.addresses[0][1]}", log, sender.write_key)
    await runner.cleanup()
    await log.close()


def letter(**fields: object) -> dict[str, object]:
    return {
        "payload": {"user": "u-1", "timestamp": "yesterday"},
        "code": "unmapped_row",
        "path": "/timestamp",
        "detail": "this is no time",
        "line": 17,
        "origin": "import",
    } | fields


async def test_a_row_that_does_not_map_is_kept_whole_with_its_line_and_reason(door: Door) -> None:
    assert await door.keep(letter(event_name="page_viewed")) == (200, {"kept": 1, "rejected": []})
    [row] = door.kept()
    assert json.loads(str(row["payload"])) == {"user": "u-1", "timestamp": "yesterday"}
    assert {name: row[name] for name in ("project", "source", "code", "path", "line", "origin", "event_name")} == {
        "project": "shop",
        "source": "crm",
        "code": "unmapped_row",
        "path": "/timestamp",
        "line": 17,
        "origin": "import",
        "event_name": "page_viewed",
    }


async def test_no_clear_address_reaches_the_log_from_any_part_of_a_letter(door: Door) -> None:
    address = "roger@example.com"
    await door.keep(
        letter(payload={"Email": address, "note": f"call {address} or +33612345678"}, detail=f"not {address}"),
        letter(payload=f"1;{address};+33612345678", event_id=address, event_name=address, path=f"/{address}"),
    )
    first, second = door.kept()
    for row in (first, second):
        assert address not in json.dumps(row)
        assert "33612345678" not in json.dumps(row)
    assert "email_sha256:" in str(first["payload"])


async def test_a_letter_sent_again_is_the_same_letter_and_a_row_alike_on_another_line_is_another(door: Door) -> None:
    await door.keep(letter(), letter(line=18))
    await door.keep(letter())
    ids = [row["id"] for row in door.kept()]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        (letter(line=0), "invalid_envelope", "/line"),
        (letter(line=True), "invalid_envelope", "/line"),
        (letter(line=2**63), "invalid_envelope", "/line"),
        (letter(code="accepted"), "invalid_envelope", "/code"),
        (letter(origin="intake"), "invalid_envelope", "/origin"),
        (letter(detail="x" * 1025), "invalid_envelope", "/detail"),
        (letter(project="other"), "invalid_envelope", "/project"),
        ("text", "not_an_object", ""),
    ],
)
async def test_a_letter_that_is_none_is_refused_and_its_neighbours_are_kept(
    door: Door, wrong: object, code: str, path: str
) -> None:
    status, answer = await door.keep(letter(line=1), wrong, letter(line=3))
    assert (status, answer["kept"]) == (200, 2)
    [refused] = answer["rejected"]  # type: ignore[misc] # the answer is JSON
    assert (refused["index"], refused["code"], refused["path"]) == (1, code, path)
    assert [row["line"] for row in door.kept()] == [1, 3]


async def test_lines_of_ndjson_are_letters_and_a_broken_one_costs_only_itself(door: Door) -> None:
    body = orjson.dumps(letter()) + b"\n{broken\n" + orjson.dumps(letter(line=19)) + b"\n"
    status, answer = await door.post("/v1/dead-letters", body, media="application/x-ndjson")
    assert (status, answer["kept"]) == (200, 2)


async def test_the_door_has_the_same_lock_and_the_same_limits_as_that_of_touchpoints(door: Door) -> None:
    assert (await door.post("/v1/dead-letters", b"[]", key="pwk_none"))[0] == 401
    assert (await door.post("/v1/dead-letters", b"[" + b" " * 20_000 + b"]"))[0] == 413
    assert (await door.post("/v1/dead-letters", b"{"))[0] == 400
    assert door.kept() == []


async def test_a_key_is_told_whose_it_is(door: Door) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(
            f"{door.endpoint}/v1/source", headers={"Authorization": f"Bearer {door.write_key}"}
        ) as answer:
            assert await answer.json() == {"source": "crm", "project": "shop"}
        async with session.get(f"{door.endpoint}/v1/source") as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    ("imported", "origin", "line"),
    [
        ({"line": 7}, "import", 7),
        ({"line": True}, "intake", None),
        ({"line": -1}, "intake", None),
        ("7", "intake", None),
    ],
)
async def test_a_refused_touchpoint_of_an_import_says_which_line_it_came_from(
    door: Door, imported: object, origin: str, line: int | None
) -> None:
    event = {"id": "x", "name": "page_viewed", "context": {"import": imported}}
    await door.post("/v1/touchpoints", orjson.dumps([event]))
    [row] = door.kept()
    assert (row["origin"], row["line"]) == (origin, line)
