"""The write-ahead log in ordinary life and on a failing disk."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from parcours_collector.errors import WalInUse, WalUnavailable
from parcours_collector.wal.checkpoint import Checkpoint, Progress
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import HEADER_BYTES, START, Position, RecordKind
from tests.faulty_disk import FaultyDisk

T, D = RecordKind.TOUCHPOINTS, RecordKind.DEAD_LETTERS


def payload(number: int) -> bytes:
    return b'{"n":%d}\n' % number


def payloads(wal: WriteAheadLog, after: Position = START) -> list[bytes]:
    return [record.payload for record in wal.read(after, max_bytes=1 << 30).records]


async def append_all(wal: WriteAheadLog, numbers: Iterable[int]) -> list[Position]:
    return [await wal.append([(T, payload(number))]) for number in numbers]


def segment_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.wal"))


async def test_what_was_appended_is_read_back_in_order_with_kind_lines_and_time(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path / "wal", clock=lambda: 1_800_000_000.25)
    await wal.append([(T, payload(1) + payload(2)), (D, payload(3))])
    end = await wal.append([(T, payload(4))])
    first, second, third = wal.read(START, max_bytes=1 << 20).records
    assert (first.kind, first.payload, first.lines) == (T, payload(1) + payload(2), 2)
    assert (second.kind, second.lines, second.appended_at_us) == (D, 1, 1_800_000_000_250_000)
    assert (third.end, wal.durable) == (end, end)
    await wal.close()


async def test_a_read_stops_at_its_bounds_and_gives_one_oversize_record_alone(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path)
    ends = await append_all(wal, range(4))
    big = await wal.append([(T, b"x" * 10_000 + b"\n")])
    after_big = await wal.append([(T, payload(5))])
    two = wal.read(START, max_bytes=2 * (HEADER_BYTES + len(payload(0))))
    assert [record.end for record in two.records] == ends[:2]
    assert two.end == ends[1]
    assert [record.end for record in wal.read(START, max_bytes=1 << 20, upto=ends[2]).records] == ends[:3]
    assert [record.end for record in wal.read(ends[3], max_bytes=100).records] == [big]
    assert wal.read(after_big, max_bytes=100).records == ()
    await wal.close()


async def test_the_same_range_gives_the_same_records_after_a_restart(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path, segment_bytes=200)
    ends = await append_all(wal, range(20))
    before = wal.read(ends[3], max_bytes=1 << 20, upto=ends[15])
    await wal.close()
    wal = WriteAheadLog.open(tmp_path, segment_bytes=200)
    await append_all(wal, range(20, 30))
    assert wal.read(ends[3], max_bytes=1 << 20, upto=ends[15]) == before
    assert payloads(wal) == [payload(number) for number in range(30)]
    await wal.close()


async def test_appends_that_meet_a_busy_disk_share_one_sync(tmp_path: Path) -> None:
    disk = FaultyDisk()
    wal = WriteAheadLog.open(tmp_path, disk=disk)
    disk.hold = held = threading.Event()
    first = asyncio.create_task(append_all(wal, [0]))
    await asyncio.to_thread(disk.holding.wait, 30)
    rest = [asyncio.create_task(append_all(wal, [number])) for number in range(1, 101)]
    await asyncio.sleep(0)
    assert wal.read(START, max_bytes=1 << 20).records == (), "a record was readable before its sync"
    disk.hold = None
    held.set()
    await asyncio.gather(first, *rest)
    assert disk.syncs == 2
    assert payloads(wal) == [payload(number) for number in range(101)]
    await wal.close()


async def test_a_sender_that_goes_away_does_not_take_its_neighbours_with_it(tmp_path: Path) -> None:
    disk = FaultyDisk()
    wal = WriteAheadLog.open(tmp_path, disk=disk)
    tasks = [asyncio.create_task(wal.append([(T, payload(number))])) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[2] == wal.durable
    await wal.close()


async def test_more_than_may_wait_for_the_disk_is_turned_away(tmp_path: Path) -> None:
    disk = FaultyDisk()
    wal = WriteAheadLog.open(tmp_path, disk=disk, max_pending_bytes=1000)
    disk.hold = held = threading.Event()
    tasks = [asyncio.create_task(wal.append([(T, b"x" * 400)]))]
    await asyncio.to_thread(disk.holding.wait, 30)
    tasks.append(asyncio.create_task(wal.append([(T, b"x" * 400)])))
    await asyncio.sleep(0)
    with pytest.raises(WalUnavailable):
        await wal.append([(T, b"x" * 400)])
    disk.hold = None
    held.set()
    await asyncio.gather(*tasks)
    await wal.append([(T, b"x" * 400)])
    await wal.close()


async def test_a_folder_open_in_another_process_is_refused_with_its_process_id(tmp_path: Path) -> None:
    holder = (
        "import sys; from pathlib import Path; from parcours_collector.wal.log import WriteAheadLog;"
        "wal = WriteAheadLog.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-c", holder, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(WalInUse, match=f"process {process.pid}"):
            WriteAheadLog.open(tmp_path)
        process.kill()
    await WriteAheadLog.open(tmp_path).close()


async def test_waiting_for_records_ends_with_the_next_append(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path)
    waiting = asyncio.create_task(wal.wait_for_records(wal.durable))
    await asyncio.sleep(0)
    assert not waiting.done()
    end = await wal.append([(T, payload(1))])
    await asyncio.wait_for(waiting, 5)
    assert wal.bytes_after(end) == 0
    await wal.close()


async def test_release_removes_whole_segments_and_their_age(tmp_path: Path) -> None:
    now = 1000.0
    wal = WriteAheadLog.open(tmp_path, segment_bytes=200, clock=lambda: now)
    assert wal.oldest_age_seconds == 0
    ends = await append_all(wal, range(10))
    now = 1060.0
    ends += await append_all(wal, range(10, 20))
    assert wal.oldest_age_seconds == 60
    files = segment_files(tmp_path)
    await wal.release(ends[9])
    assert wal.oldest_age_seconds == 0
    assert len(segment_files(tmp_path)) < len(files)
    assert payloads(wal, ends[9]) == [payload(number) for number in range(10, 20)]
    await wal.release(ends[-1])
    assert len(segment_files(tmp_path)) == 1, "the segment being written stays"
    assert wal.size_bytes == segment_files(tmp_path)[0].stat().st_size
    await wal.close()


async def test_released_segments_stay_as_long_as_they_are_retained(tmp_path: Path) -> None:
    now = 1000.0
    wal = WriteAheadLog.open(tmp_path, segment_bytes=100, retain_seconds=60, clock=lambda: now)
    ends = await append_all(wal, range(10))
    kept = len(segment_files(tmp_path))
    now = 1030.0
    await wal.release(ends[-1])
    assert len(segment_files(tmp_path)) == kept
    now = 1061.0
    await wal.release(ends[-1])
    assert len(segment_files(tmp_path)) == 1
    await wal.close()


@pytest.mark.parametrize("fault", ["full", "broken_sync"])
async def test_a_failing_disk_turns_appends_away_and_takes_them_again_without_a_restart(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FaultyDisk()
    wal = WriteAheadLog.open(tmp_path, disk=disk, mend_after_seconds=0.001)
    kept = await append_all(wal, range(3))
    setattr(disk, fault, True)
    refused = await asyncio.gather(*(wal.append([(T, payload(100 + n))]) for n in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, WalUnavailable) for outcome in refused)
    assert not wal.available
    with pytest.raises(WalUnavailable) as caught:
        await wal.append([(T, payload(200))])
    assert caught.value.http_status == 503
    assert payloads(wal) == [payload(number) for number in range(3)], "reading goes on"
    await wal.release(kept[-1])
    setattr(disk, fault, False)
    assert wal._mending is not None
    await asyncio.wait_for(wal._mending, 10)
    await append_all(wal, range(3, 6))
    assert payloads(wal, kept[-1]) == [payload(number) for number in range(3, 6)]
    await wal.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING], "once each way"
    wal = WriteAheadLog.open(tmp_path)
    assert payloads(wal, kept[-1]) == [payload(number) for number in range(3, 6)]
    assert wal.quarantined_records == 0
    await wal.close()


@pytest.mark.parametrize("fault", ["full", "broken_sync"])
async def test_what_was_refused_is_cut_back_before_the_log_goes_on(tmp_path: Path, fault: str) -> None:
    disk = FaultyDisk()
    wal = WriteAheadLog.open(tmp_path, disk=disk, mend_after_seconds=0.001)
    await append_all(wal, range(3))
    setattr(disk, fault, True)
    with pytest.raises(WalUnavailable):
        await wal.append([(T, payload(100))])
    setattr(disk, fault, False)
    assert wal._mending is not None
    await asyncio.wait_for(wal._mending, 10)
    await append_all(wal, range(3, 6))
    await wal.close()
    wal = WriteAheadLog.open(tmp_path)
    assert payloads(wal) == [payload(number) for number in range(6)]
    assert wal.quarantined_records == 0
    await wal.close()


async def test_progress_can_be_saved_on_a_full_disk(tmp_path: Path) -> None:
    disk = FaultyDisk()
    checkpoint = Checkpoint.open(tmp_path, disk)
    size = (tmp_path / "checkpoint").stat().st_size
    disk.full = True
    for offset in range(1, 6):
        checkpoint.save(Progress(Position(1, offset), Position(2, offset)))
    assert (tmp_path / "checkpoint").stat().st_size == size
    assert Checkpoint.open(tmp_path).progress == Progress(Position(1, 5), Position(2, 5))


def test_a_torn_checkpoint_gives_the_one_before_it(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(tmp_path)
    old, new = Progress(Position(1, 10)), Progress(Position(1, 20))
    checkpoint.save(old)
    before = (tmp_path / "checkpoint").read_bytes()
    checkpoint.save(new)
    after = (tmp_path / "checkpoint").read_bytes()
    changed = [at for at in range(len(after)) if before[at] != after[at]]
    for torn_at in changed[:-1]:
        (tmp_path / "checkpoint").write_bytes(after[: torn_at + 1] + before[torn_at + 1 :])
        assert Checkpoint.open(tmp_path).progress == old


async def test_a_damaged_checkpoint_is_put_aside_and_delivery_begins_at_the_oldest_segment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wal = WriteAheadLog.open(tmp_path)
    ends = await append_all(wal, range(3))
    wal.checkpoint.save(Progress(ends[1], ends[2]))
    await wal.close()
    (tmp_path / "checkpoint").write_bytes(os.urandom(8192))
    wal = WriteAheadLog.open(tmp_path)
    assert wal.checkpoint.progress == Progress()
    assert payloads(wal, wal.checkpoint.progress.committed) == [payload(number) for number in range(3)]
    assert "oldest segment" in caplog.text
    await wal.close()


async def test_a_reader_whose_segments_were_lost_misses_nothing_that_comes_later(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path)
    ends = await append_all(wal, range(3))
    wal.checkpoint.save(Progress(ends[2], ends[2]))
    await wal.close()
    for file in segment_files(tmp_path):
        file.unlink()
    wal = WriteAheadLog.open(tmp_path)
    await append_all(wal, [7])
    assert payloads(wal, wal.checkpoint.progress.committed) == [payload(7)]
    await wal.close()


async def test_a_closed_log_turns_appends_away(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path)
    last = asyncio.create_task(wal.append([(T, payload(1))]))
    await asyncio.sleep(0)
    await wal.close()
    assert (await last) == wal.durable
    with pytest.raises(WalUnavailable):
        await wal.append([(T, payload(2))])


async def test_what_waits_for_the_disk_when_a_segment_is_ended_is_still_in_it(tmp_path: Path) -> None:
    wal = WriteAheadLog.open(tmp_path / "wal")
    first, *_ = await append_all(wal, [1])
    waiting = [asyncio.create_task(wal.append([(T, payload(number))])) for number in (2, 3)]
    await asyncio.sleep(0)
    await wal.roll()
    assert {(await each).segment for each in waiting} == {first.segment}
    [later] = await append_all(wal, [4])
    assert later.segment > first.segment
    await wal.close()
