"""Delivery into the real engine: counted without FINAL, so that no merge hides what was stored twice."""

import asyncio
import uuid
from pathlib import Path

import pytest

from parcours_collector.delivery.delivery import Delivery
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import START
from parcours_collector.warehouse.client import connect, connect_async
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.insert import Inserted, Inserter, InsertOutcome, Refused, Unavailable
from parcours_collector.warehouse.migrations import migrate
from tests.delivered import append, count, touchpoint, touchpoints


async def test_the_same_insert_twice_is_stored_once_in_every_partition_and_view(
    clickhouse_url: str, project: str
) -> None:
    inserter = Inserter(lambda: connect_async(clickhouse_url))
    lines = touchpoints(project, 500)
    for _ in range(3):
        assert await inserter.insert("touchpoints", lines, f"{project}-token") == Inserted()
    await inserter.close()
    assert count(clickhouse_url, "touchpoints", project) == 500
    assert count(clickhouse_url, "identity_persons", project) == 500


async def test_what_an_insert_is_answered_for_is_synced_in_every_table_that_it_writes(tmp_path: Path) -> None:
    with EngineProcess.start(tmp_path) as engine:
        migrate(engine.url)
        inserter = Inserter(lambda: connect_async(engine.url))
        with connect(engine.url) as client:

            def syncs() -> int:
                (found,) = client.query("SELECT sum(value) FROM system.events WHERE event = 'FileSync'").result_rows
                return int(found[0])

            before = syncs()
            assert await inserter.insert("touchpoints", touchpoint("shop"), "token") == Inserted()
            stored = client.query(
                "SELECT uniqExact(table) FROM system.parts WHERE database = 'parcours' AND rows > 0 "
                "AND table NOT IN ('schema_migrations', 'touchpoint_kinds')"
            ).result_rows
            assert stored == [(3,)], "the touchpoint, its identifier, and a change for the journey index"
            assert syncs() - before >= 3
        await inserter.close()


async def test_inserts_at_the_same_time_send_their_own_rows_each(clickhouse_url: str, project: str) -> None:
    inserter = Inserter(lambda: connect_async(clickhouse_url))
    batches = [touchpoints(project, 100 + number) for number in range(8)]
    outcomes = await asyncio.gather(
        *(inserter.insert("touchpoints", lines, f"{project}-{number}") for number, lines in enumerate(batches))
    )
    await inserter.close()
    assert outcomes == [Inserted()] * 8
    assert count(clickhouse_url, "touchpoints", project) == sum(range(100, 108))


async def test_rows_and_the_engine_are_told_apart_when_an_insert_fails(clickhouse_url: str, project: str) -> None:
    inserter = Inserter(lambda: connect_async(clickhouse_url))

    async def outcome(**changes: object) -> InsertOutcome:
        lines = touchpoint(project) + touchpoint(project, **changes) + touchpoint(project)
        return await inserter.insert("touchpoints", lines, uuid.uuid4().hex)

    for field, value in [
        ("id", "not-a-uuid"),
        ("occurred_at", "yesterday"),
        ("revenue", "a lot"),
        ("revenue", "123456789012345678901234567890.5"),
        ("consent", {"analytics": "maybe"}),
        ("ids", {"anonymous_id": "no-list"}),
        ("currency", None),
    ]:
        match await outcome(**{field: value}):
            case Refused(field=found):
                assert found == field
            case other:
                pytest.fail(f"{field}={value!r}: {other}")
    assert isinstance(await inserter.insert("touchpoints", b"no json\n", uuid.uuid4().hex), Refused)
    match await outcome(a_new_column=1):
        case Unavailable(remedy=remedy):
            assert "parcours migrate" in remedy
        case other:
            pytest.fail(str(other))
    match await inserter.insert("no_such_table", touchpoint(project), uuid.uuid4().hex):
        case Unavailable(reason=reason, remedy=remedy):
            assert "60" in reason
            assert "parcours migrate" in remedy
        case other:
            pytest.fail(str(other))
    await inserter.close()
    assert count(clickhouse_url, "touchpoints", project) == 0


async def test_one_poison_row_in_a_thousand_leaves_999_and_a_dead_letter_even_across_a_crash(
    clickhouse_url: str, project: str, tmp_path: Path
) -> None:
    class CrashesAfter(Inserter):
        left = 7
        crashed = asyncio.Event()

        async def insert(self, table: str, lines: bytes, token: str) -> InsertOutcome:
            outcome = await super().insert(table, lines, token)
            self.left -= 1
            if self.left == 0:
                self.crashed.set()
                await asyncio.Event().wait()
            return outcome

    poison = touchpoint(project, revenue="a lot", id="00000000-0000-7000-8000-000000000001")
    wal = WriteAheadLog.open(tmp_path)
    await append(wal, [touchpoints(project, 400), touchpoints(project, 300) + poison + touchpoints(project, 299)])
    crashing = CrashesAfter(lambda: connect_async(clickhouse_url))
    delivery = Delivery(wal, crashing, linger_seconds=0)
    delivery.start()
    await asyncio.wait_for(crashing.crashed.wait(), 60)
    await delivery.stop()
    await crashing.close()
    await wal.close()

    wal = WriteAheadLog.open(tmp_path)
    inserter = Inserter(lambda: connect_async(clickhouse_url))
    delivery = Delivery(wal, inserter, linger_seconds=0)
    delivery.start()
    assert await delivery.drain(60) == 0
    await inserter.close()
    await wal.close()
    assert count(clickhouse_url, "touchpoints", project) == 999
    with connect(clickhouse_url) as client:
        letters = client.query(
            "SELECT code, path, event_id, payload, origin FROM dead_letters WHERE project = {project:String}",
            parameters={"project": project},
        ).result_rows
    assert letters == [
        (
            "refused_by_warehouse",
            "/revenue",
            "00000000-0000-7000-8000-000000000001",
            poison.decode().rstrip("\n"),
            "delivery",
        )
    ]


async def test_a_log_that_was_delivered_is_stored_once_when_its_checkpoint_is_lost_before_the_commit(
    clickhouse_url: str, project: str, tmp_path: Path
) -> None:
    wal = WriteAheadLog.open(tmp_path)
    await append(wal, [touchpoints(project, 50) for _ in range(4)])
    batch = wal.read(START, max_bytes=1 << 30)
    for _ in range(2):
        inserter = Inserter(lambda: connect_async(clickhouse_url))
        delivery = Delivery(wal, inserter, linger_seconds=0)
        delivery.start()
        assert await delivery.drain(60) == 0
        await inserter.close()
        wal.checkpoint.save(type(wal.checkpoint.progress)(START, batch.end))
    await wal.close()
    assert count(clickhouse_url, "touchpoints", project) == 200


async def test_delivery_waits_for_an_engine_that_starts_late_and_for_its_migrations(
    project: str, tmp_path: Path
) -> None:
    wal = WriteAheadLog.open(tmp_path / "wal")
    await append(wal, [touchpoints(project, 100)])
    where = "http://default:x@127.0.0.1:1"
    attempted: asyncio.Queue[InsertOutcome] = asyncio.Queue()

    class Tells(Inserter):
        async def insert(self, table: str, lines: bytes, token: str) -> InsertOutcome:
            outcome = await super().insert(table, lines, token)
            attempted.put_nowait(outcome)
            return outcome

    inserter = Tells(lambda: connect_async(where))
    delivery = Delivery(wal, inserter, linger_seconds=0, max_backoff_seconds=0.1)
    delivery.start()
    assert isinstance(await asyncio.wait_for(attempted.get(), 60), Unavailable)
    with await asyncio.to_thread(EngineProcess.start, tmp_path / "engine") as engine:
        where = engine.url
        while "UNKNOWN_DATABASE" not in str(delivery.away_because):
            await asyncio.wait_for(attempted.get(), 60)
        await asyncio.to_thread(migrate, where)
        assert await delivery.drain(60) == 0
        assert count(where, "touchpoints", project) == 100
        await inserter.close()
    await wal.close()
