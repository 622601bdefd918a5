"""`kill -9` at any moment loses no acknowledged record: proved with a real process."""

import asyncio
import random
import subprocess
import sys
import threading
from pathlib import Path

from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import START, RecordKind

ROUNDS = 8

APPENDER = """
import asyncio, itertools, sys
from pathlib import Path
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind

async def main():
    wal = WriteAheadLog.open(Path(sys.argv[1]), segment_bytes=50_000)
    numbers = itertools.count(int(sys.argv[2]))
    async def task():
        for number in numbers:
            line = b"%d\\n" % number
            await wal.append([(RecordKind.TOUCHPOINTS, line), (RecordKind.DEAD_LETTERS, line)])
            sys.stdout.write(f"{number}\\n")
            sys.stdout.flush()
    await asyncio.gather(*(task() for _ in range(20)))

asyncio.run(main())
"""


def append_until_killed(folder: Path, first: int, kill_after: int) -> set[int]:
    """Run the appender, kill it once it has acknowledged `kill_after` numbers; return those it acknowledged."""
    acknowledged: set[int] = set()
    with subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(folder), str(first)], stdout=subprocess.PIPE, text=True
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith("\n"):
                acknowledged.add(int(line))
            if len(acknowledged) == kill_after:
                process.kill()
        watchdog.cancel()
    assert len(acknowledged) >= kill_after
    return acknowledged


def read_numbers(folder: Path) -> dict[RecordKind, list[int]]:
    async def run() -> dict[RecordKind, list[int]]:
        wal = WriteAheadLog.open(folder)
        numbers: dict[RecordKind, list[int]] = {kind: [] for kind in RecordKind}
        for record in wal.read(START, max_bytes=1 << 30).records:
            numbers[record.kind].append(int(record.payload))
        assert wal.quarantined_records == 0
        await wal.close()
        return numbers

    return asyncio.run(run())


def test_every_acknowledged_record_is_there_after_each_kill(tmp_path: Path) -> None:
    moments = random.Random(7)
    acknowledged: set[int] = set()
    for number in range(ROUNDS):
        acknowledged |= append_until_killed(tmp_path, number * 1_000_000, moments.randrange(1, 1500))
        for read in read_numbers(tmp_path).values():
            assert len(read) == len(set(read))
            assert acknowledged <= set(read)
