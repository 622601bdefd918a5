"""An append answers only after `fdatasync` covered its bytes: watched at the system calls of the real `Disk`.

What a page cache keeps survives `kill -9` but no power loss, so that no test with processes and files can miss a sync.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcours_collector.wal.disk import Disk
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind

APPENDERS = 8
ROUNDS = 5


class SystemCalls:
    """Lets `os.write` and `os.fdatasync` through, and knows which bytes of which file a sync that returned covers."""

    def __init__(self) -> None:
        self._write = os.write
        self._fdatasync = os.fdatasync
        self._written: dict[int, bytes] = {}
        self.synced: dict[int, bytes] = {}
        self.calls: list[str] = []
        self.let_sync_return = threading.Event()
        self.let_sync_return.set()
        self.sync_is_called = threading.Event()

    def write(self, descriptor: int, content: bytes) -> int:
        count = self._write(descriptor, content)
        file = self._file(descriptor)
        self._written[file] = self._written.get(file, b"") + bytes(content[:count])
        self.calls.append("write")
        return count

    def fdatasync(self, descriptor: int) -> None:
        file = self._file(descriptor)
        covered = self._written.get(file, b"")
        self.sync_is_called.set()
        assert self.let_sync_return.wait(30)
        self._fdatasync(descriptor)
        self.synced[file] = covered
        self.calls.append("fdatasync")

    def covers(self, payload: bytes) -> bool:
        return any(payload in content for content in self.synced.values())

    @staticmethod
    def _file(descriptor: int) -> int:
        return os.fstat(descriptor).st_ino


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemCalls]:
    watched = SystemCalls()
    monkeypatch.setattr(os, "write", watched.write)
    monkeypatch.setattr(os, "fdatasync", watched.fdatasync)
    yield watched
    watched.let_sync_return.set()


def payload(appender: int, round_: int) -> bytes:
    return b'{"appender":%d,"round":%d}\n' % (appender, round_)


async def test_every_append_resolves_after_a_sync_of_its_own_bytes(tmp_path: Path, calls: SystemCalls) -> None:
    wal = WriteAheadLog.open(tmp_path, segment_bytes=600)

    async def append(appender: int) -> None:
        for round_ in range(ROUNDS):
            line = payload(appender, round_)
            await wal.append([(RecordKind.TOUCHPOINTS, line)])
            assert calls.covers(line), "an append resolved before its bytes were synced"

    await asyncio.gather(*(append(appender) for appender in range(APPENDERS)))
    assert len(calls.synced) > 1, "the log went on in a new segment"
    await wal.close()


async def test_nothing_resolves_while_the_sync_has_not_returned(tmp_path: Path, calls: SystemCalls) -> None:
    wal = WriteAheadLog.open(tmp_path)
    calls.let_sync_return.clear()
    appends = [asyncio.create_task(wal.append([(RecordKind.TOUCHPOINTS, payload(n, 0))])) for n in range(APPENDERS)]
    assert await asyncio.to_thread(calls.sync_is_called.wait, 10), "nothing was synced"
    done, _ = await asyncio.wait(appends, timeout=0.1)
    assert not done
    calls.let_sync_return.set()
    await asyncio.gather(*appends)
    assert all(calls.covers(payload(n, 0)) for n in range(APPENDERS))
    await wal.close()


def test_the_disk_syncs_the_descriptor_it_is_given_after_what_was_written_to_it(
    tmp_path: Path, calls: SystemCalls
) -> None:
    disk = Disk()
    descriptor, other = disk.create(tmp_path / "1.wal"), disk.create(tmp_path / "2.wal")
    disk.write(descriptor, b"one\n")
    disk.write(other, b"two\n")
    disk.sync(descriptor)
    assert calls.calls == ["write", "write", "fdatasync"]
    assert calls.synced == {(tmp_path / "1.wal").stat().st_ino: b"one\n"}
    disk.close(descriptor)
    disk.close(other)
