"""The log on a file system that is really full. Needs the right to mount one; a fake disk shows the same elsewhere."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcours_collector.errors import WalUnavailable
from parcours_collector.wal.checkpoint import Progress
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import Position, RecordKind

FILLINGS = 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


async def test_a_full_disk_refuses_keeps_what_was_acknowledged_and_recovers_once_it_is_released(
    small_disk: Path,
) -> None:
    wal = WriteAheadLog.open(small_disk / "wal")
    number = 0
    for _ in range(FILLINGS):
        acknowledged: list[tuple[int, Position]] = []
        while True:
            number += 1
            try:
                end = await wal.append([(RecordKind.TOUCHPOINTS, b"%d " % number + b"x" * 50_000)])
            except WalUnavailable:
                break
            acknowledged.append((number, end))
        chunk = wal.read(wal.checkpoint.progress.committed, max_bytes=1 << 30)
        assert [int(record.payload.split()[0]) for record in chunk.records] == [n for n, _ in acknowledged]
        assert len(acknowledged) > 50
        wal.checkpoint.save(Progress(acknowledged[-1][1], acknowledged[-1][1]))
        await wal.release(acknowledged[-1][1])
        assert wal._mending is not None
        await asyncio.wait_for(wal._mending, 30)
    await wal.close()
    wal = WriteAheadLog.open(small_disk / "wal")
    assert wal.read(wal.checkpoint.progress.committed, max_bytes=1 << 30).records == ()
    assert wal.quarantined_records == 0
    await wal.close()
