"""Delivery against a sink that fails: every row arrives once, whatever happens in between."""

import asyncio
import json
import logging
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcours_collector.delivery.backoff import Backoff
from parcours_collector.delivery.delivery import Delivery
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind
from tests.faulty_sink import FaultySink

T, D = RecordKind.TOUCHPOINTS, RecordKind.DEAD_LETTERS


def row(number: int, extra: str = "") -> bytes:
    return b'{"n":%d%s}\n' % (number, extra.encode())


def rows(numbers: Sequence[int]) -> bytes:
    return b"".join(row(number) for number in numbers)


def segment_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.wal"))


def deliver(wal: WriteAheadLog, sink: FaultySink, **options: float) -> Delivery:
    chosen = {"linger_seconds": 0.0, "max_backoff_seconds": 0.001, **options}
    delivery = Delivery(wal, sink, **chosen)  # type: ignore[arg-type]  # the bounds among them are whole numbers
    delivery.start()
    return delivery


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[WriteAheadLog]:
    wal = WriteAheadLog.open(folder)
    yield wal
    await wal.close()


async def test_rows_of_both_tables_arrive_in_the_order_of_the_log(tmp_path: Path) -> None:
    sink = FaultySink()
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1, 2])), (D, rows([3]))])
        await wal.append([(T, rows([4]))])
        delivery = deliver(wal, sink)
        assert await delivery.drain(30) == 0
        assert sink.rows("touchpoints") == [row(1), row(2), row(4)]
        assert sink.rows("dead_letters") == [row(3)]
        assert (delivery.counts.rows_delivered, delivery.lag_seconds) == (4, 0)
        assert wal.checkpoint.progress.committed == wal.durable


async def test_what_was_delivered_is_not_sent_again_after_a_restart(tmp_path: Path) -> None:
    sink = FaultySink()
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1]))])
        await deliver(wal, sink).drain(30)
    attempts = len(sink.attempts)
    async with opened(tmp_path) as wal:
        await deliver(wal, sink).drain(30)
    assert len(sink.attempts) == attempts


async def test_rows_that_trickle_in_wait_for_each_other(tmp_path: Path) -> None:
    sink = FaultySink()
    async with opened(tmp_path) as wal:
        delivery = deliver(wal, sink, linger_seconds=30)
        for number in range(20):
            await wal.append([(T, row(number))])
        assert not sink.attempts
        await delivery.drain(30)
        assert [attempt.lines for attempt in sink.attempts] == [rows(range(20))]


async def test_a_batch_keeps_to_its_bounds_and_an_oversize_record_goes_alone(tmp_path: Path) -> None:
    sink = FaultySink()
    async with opened(tmp_path) as wal:
        for first in range(0, 50, 5):
            await wal.append([(T, rows(range(first, first + 5)))])
        await wal.append([(T, rows(range(50, 90)))])
        await wal.append([(T, row(90, ',"x":"' + "x" * 5000 + '"'))])
        await wal.append([(T, row(91))])
        await deliver(wal, sink, max_batch_rows=12, max_batch_bytes=4000).drain(30)
        counts = [attempt.lines.count(b"\n") for attempt in sink.attempts]
        assert counts == [10, 10, 10, 10, 10, 40, 1, 1]


async def test_an_unavailable_sink_is_tried_with_the_same_bytes_until_it_takes_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FaultySink()
    sink.away = True
    enough = asyncio.Event()
    sink.on_insert = lambda: enough.set() if len(sink.attempts) >= 20 else None
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1, 2]))])
        delivery = deliver(wal, sink)
        await asyncio.wait_for(enough.wait(), 30)
        assert delivery.away_because == "it gives no answer"
        sink.away = False
        assert await delivery.drain(30) == 0
    assert len(set(sink.attempts)) == 1
    assert delivery.counts.retries >= 19
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING], "once each way"


async def test_an_insert_whose_answer_was_lost_is_stored_once(tmp_path: Path) -> None:
    sink = FaultySink()
    sink.faults = ["lost", "away", "lost"]
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1, 2]))])
        await deliver(wal, sink).drain(30)
    assert sink.rows("touchpoints") == [row(1), row(2)]


async def test_after_a_crash_the_sealed_batch_goes_out_again_as_it_was(tmp_path: Path) -> None:
    sink = FaultySink()
    sink.faults = ["crash"]
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1])), (T, rows([2]))])
        delivery = deliver(wal, sink)
        await asyncio.wait_for(sink.crashed.wait(), 30)
        await wal.append([(T, rows([3]))])
        await delivery.stop()
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([4]))])
        await deliver(wal, sink, max_batch_rows=1, max_batch_bytes=10).drain(30)
    assert sink.attempts[0] == sink.attempts[1]
    assert sink.rows("touchpoints") == [row(1), row(2), row(3), row(4)]


async def test_one_poison_row_in_a_thousand_becomes_a_dead_letter_and_the_rest_arrives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FaultySink()
    poison = (
        b'{"project":"shop","source":"site","id":"0199aaaa-0000-7000-8000-000000000001","name":"product_viewed",'
        b'"received_at":"2026-11-21T10:00:00.000001Z","revenue":"poison"}\n'
    )
    good = [row(number) for number in range(999)]
    async with opened(tmp_path) as wal:
        await wal.append([(T, b"".join(good[:400]))])
        await wal.append([(T, b"".join(good[400:700]) + poison + b"".join(good[700:]))])
        delivery = deliver(wal, sink)
        assert await delivery.drain(30) == 0
    assert sorted(sink.rows("touchpoints")) == sorted(good)
    (letter,) = map(json.loads, sink.rows("dead_letters"))
    assert letter.pop("id")
    assert letter == {
        "project": "shop",
        "source": "site",
        "event_id": "0199aaaa-0000-7000-8000-000000000001",
        "event_name": "product_viewed",
        "code": "refused_by_warehouse",
        "path": "/revenue",
        "detail": "ClickHouse refuses the row of touchpoints with error 27 (CANNOT_PARSE_INPUT_ASSERTION_FAILED).",
        "payload": poison.decode().rstrip("\n"),
        "received_at": "2026-11-21T10:00:00.000001Z",
        "origin": "delivery",
        "line": None,
    }
    assert (delivery.counts.rows_refused, delivery.counts.rows_delivered) == (1, 999)
    assert [record.getMessage() for record in caplog.records] == [
        "ClickHouse refused 1 of 1000 rows: they are in dead_letters."
    ], "told once, without the row"


@pytest.mark.parametrize(
    "poison",
    [
        b"poison",
        b"\xff\xfe poison",
        b'{"source": "\\ud800 poison"}',
        b'["poison"]',
        b"[" * 5000 + b"poison",
        b"\0poison",
    ],
)
async def test_a_row_that_cannot_be_read_at_all_becomes_a_dead_letter_too(tmp_path: Path, poison: bytes) -> None:
    sink = FaultySink()
    async with opened(tmp_path) as wal:
        await wal.append([(T, row(1) + poison + b"\n" + row(2))])
        await deliver(wal, sink).drain(30)
    assert sink.rows("touchpoints") == [row(1), row(2)]
    (letter,) = map(json.loads, sink.rows("dead_letters"))
    assert letter["payload"] == poison.decode("utf-8", "backslashreplace")
    assert letter["received_at"].endswith("Z")


async def test_a_dead_letter_that_is_refused_is_kept_in_the_log(tmp_path: Path) -> None:
    class RefusesLetters(FaultySink):
        async def insert(self, table: str, lines: bytes, token: str):  # type: ignore[no-untyped-def]  # as its parent's
            return await super().insert("touchpoints", lines, token)

    sink = RefusesLetters()
    enough = asyncio.Event()
    sink.on_insert = lambda: enough.set() if len(sink.attempts) >= 20 else None
    async with opened(tmp_path) as wal:
        await wal.append([(T, b"poison\n")])
        delivery = deliver(wal, sink)
        await asyncio.wait_for(enough.wait(), 30)
        assert "dead letter" in str(delivery.away_because)
        await delivery.stop()
        assert delivery.pending_bytes > 0


async def test_an_unexpected_failure_does_not_end_delivery(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = FaultySink()

    def fail_once() -> None:
        sink.on_insert = None
        raise RuntimeError("a defect")

    sink.on_insert = fail_once
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1]))])
        delivery = deliver(wal, sink)
        assert await delivery.drain(30) == 0
    assert delivery.counts.failures == 1
    assert sink.rows("touchpoints") == [row(1)]
    assert "a defect" in caplog.text


async def test_drain_gives_up_in_time_and_leaves_the_rest_in_the_log(tmp_path: Path) -> None:
    sink = FaultySink()
    sink.away = True
    async with opened(tmp_path) as wal:
        await wal.append([(T, rows([1]))])
        delivery = deliver(wal, sink, max_backoff_seconds=60)
        left = await asyncio.wait_for(delivery.drain(0.05), 30)
        assert left == wal.bytes_after(wal.checkpoint.progress.committed) > 0
    sink.away = False
    async with opened(tmp_path) as wal:
        assert await deliver(wal, sink).drain(30) == 0
    assert sink.rows("touchpoints") == [row(1)]


async def test_delivered_segments_are_removed_while_delivery_runs(tmp_path: Path) -> None:
    sink = FaultySink()
    wal = WriteAheadLog.open(tmp_path, segment_bytes=1000)
    delivery = deliver(wal, sink)
    for number in range(200):
        await wal.append([(T, row(number))])
    assert await delivery.drain(30) == 0
    assert len(segment_files(tmp_path)) == 1
    await wal.close()
    assert sink.rows("touchpoints") == [row(number) for number in range(200)]


async def test_damage_in_the_log_costs_the_damaged_record_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as wal:
        for number in range(10):
            await wal.append([(T, row(number))])
    (file,) = segment_files(tmp_path)
    content = bytearray(file.read_bytes())
    first = content.index(row(4))
    content[first] ^= 1
    content[first + 1] ^= 1  # a single wrong byte would be mended
    file.write_bytes(content)
    sink = FaultySink()
    async with opened(tmp_path) as wal:
        assert await deliver(wal, sink).drain(30) == 0
        assert wal.quarantined_records == 1
    assert sink.rows("touchpoints") == [row(number) for number in range(10) if number != 4]


@given(
    records=st.lists(st.tuples(st.sampled_from([T, D]), st.lists(st.booleans(), min_size=1, max_size=6)), max_size=10),
    faults=st.lists(st.sampled_from(["", "away", "lost", "crash"]), max_size=25),
    bounds=st.tuples(st.integers(1, 12), st.integers(1, 600)),
)
@settings(deadline=None, max_examples=80)
def test_every_row_arrives_once_as_itself_or_as_a_letter(
    records: list[tuple[RecordKind, list[bool]]], faults: list[str], bounds: tuple[int, int]
) -> None:
    logging.getLogger("parcours_collector.delivery").setLevel(logging.CRITICAL)  # hundreds of faults
    good: dict[RecordKind, set[bytes]] = {T: set(), D: set()}
    poisoned: set[str] = set()

    async def run(folder: Path) -> FaultySink:
        sink = FaultySink()
        number = 0
        async with opened(folder) as wal:
            for kind, healthy in records:
                lines = []
                for well in healthy:
                    number += 1
                    line = row(number, "" if well or kind is D else ',"poison":1')
                    lines.append(line)
                    if well or kind is D:
                        good[kind].add(line)
                    else:
                        poisoned.add(line.decode().rstrip("\n"))
                await wal.append([(kind, b"".join(lines))])
        sink.faults = list(faults)
        while True:
            sink.crashed.clear()
            async with opened(folder) as wal:
                delivery = deliver(wal, sink, max_batch_rows=bounds[0], max_batch_bytes=bounds[1])
                crash = asyncio.create_task(sink.crashed.wait())
                drain = asyncio.create_task(delivery.drain(30))
                await asyncio.wait([crash, drain], return_when=asyncio.FIRST_COMPLETED)
                crashed = crash.done() and not drain.done()
                for task in (crash, drain):
                    task.cancel()
                await asyncio.gather(crash, drain, return_exceptions=True)
                await delivery.stop()
                if not crashed:
                    assert delivery.pending_bytes == 0
                    return sink

    with tempfile.TemporaryDirectory() as name:
        sink = asyncio.run(run(Path(name)))
    logging.getLogger("parcours_collector.delivery").setLevel(logging.NOTSET)
    assert sorted(sink.rows("touchpoints")) == sorted(good[T])
    letters = sink.rows("dead_letters")
    ours = [line for line in letters if b'"origin": "delivery"' in line]
    assert sorted(json.loads(line)["payload"] for line in ours) == sorted(poisoned)
    assert sorted(line for line in letters if line not in ours) == sorted(good[D])


def test_pauses_double_up_to_the_cap_with_jitter() -> None:
    backoff = Backoff(0.1, 5.0)
    pauses = [backoff.next_seconds() for _ in range(2000)]
    assert all(0.05 <= pauses[0] <= 0.1 for _ in range(1))
    assert all(2.5 <= pause <= 5.0 for pause in pauses[6:])
    assert len(set(pauses[10:])) > 1000
    backoff.reset()
    assert backoff.next_seconds() <= 0.1
