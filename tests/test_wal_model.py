"""A model of the log under appends, failures, crashes that lose unsynced writes, releases and restarts."""

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from parcours_collector.errors import WalUnavailable
from parcours_collector.wal.checkpoint import Progress
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import Position, RecordKind
from tests.faulty_disk import FaultyDisk


class LogMachine(RuleBasedStateMachine):
    """Acknowledged records are read back in order, whatever happened; refused ones may only survive a crash."""

    @initialize(segment_bytes=st.integers(60, 400))
    def begin(self, segment_bytes: int) -> None:
        logging.getLogger("parcours_collector.wal").setLevel(logging.CRITICAL)  # hundreds of faults
        self.folder = Path(tempfile.mkdtemp())
        self.segment_bytes = segment_bytes
        self.runner = asyncio.Runner()
        self.acknowledged: list[tuple[bytes, Position]] = []
        self.refused: set[bytes] = set()
        self.number = 0
        self.released = 0
        self.open()

    def open(self) -> None:
        self.disk = FaultyDisk()

        async def run() -> WriteAheadLog:
            return WriteAheadLog.open(
                self.folder, segment_bytes=self.segment_bytes, disk=self.disk, mend_after_seconds=0.0005
            )

        self.wal = self.runner.run(run())

    async def append(self, group: list[int]) -> None:
        payloads = []
        for size in group:
            self.number += 1
            payloads.append(b"%d " % self.number + b"x" * size)
        outcomes = await asyncio.gather(
            *(self.wal.append([(RecordKind.TOUCHPOINTS, payload)]) for payload in payloads), return_exceptions=True
        )
        for payload, outcome in zip(payloads, outcomes, strict=True):
            if isinstance(outcome, Position):
                self.acknowledged.append((payload, outcome))
            else:
                assert isinstance(outcome, WalUnavailable)
                self.refused.add(payload)

    @rule(group=st.lists(st.integers(0, 80), min_size=1, max_size=5))
    def append_many(self, group: list[int]) -> None:
        self.runner.run(self.append(group))

    @rule(group=st.lists(st.integers(0, 80), min_size=1, max_size=3), fault=st.sampled_from(["full", "broken_sync"]))
    def append_to_a_failing_disk(self, group: list[int], fault: str) -> None:
        setattr(self.disk, fault, True)
        self.runner.run(self.append(group))
        assert not self.wal.available

    @rule()
    def mend_the_disk(self) -> None:
        self.disk.full = self.disk.broken_sync = False

        async def run() -> None:
            if self.wal._mending is not None:
                await asyncio.wait_for(self.wal._mending, 30)

        self.runner.run(run())
        assert self.wal.available

    @rule(keep=st.floats(0, 1))
    def crash(self, keep: float) -> None:
        """End without closing: the log's thread, descriptor and lock go, and so does a part of what was not synced."""
        if self.wal._mending is not None:
            self.wal._mending.cancel()
        self.wal._thread.shutdown(wait=True)
        self.disk.lose_unsynced(keep)
        self.wal._writer.close()
        self.wal._lock.release()
        self.open()

    @rule()
    def restart(self) -> None:
        self.disk.full = self.disk.broken_sync = False
        self.runner.run(self.wal.close())
        self.open()

    @precondition(lambda self: len(self.acknowledged) > self.released)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.released = data.draw(st.integers(self.released + 1, len(self.acknowledged)))
        position = self.acknowledged[self.released - 1][1]
        self.wal.checkpoint.save(Progress(position, position))
        self.runner.run(self.wal.release(position))

    @invariant()
    def acknowledged_records_are_there_once_and_in_order(self) -> None:
        if not hasattr(self, "wal"):
            return
        committed = self.wal.checkpoint.progress.committed
        read = [record.payload for record in self.wal.read(committed, max_bytes=1 << 30).records]
        assert len(set(read)) == len(read)
        assert [payload for payload in read if payload not in self.refused] == [
            payload for payload, _ in self.acknowledged[self.released :]
        ]
        assert self.wal.quarantined_records == 0

    def teardown(self) -> None:
        if not hasattr(self, "wal"):
            return
        self.disk.full = self.disk.broken_sync = False
        self.runner.run(self.wal.close())
        self.runner.close()
        logging.getLogger("parcours_collector.wal").setLevel(logging.NOTSET)
        shutil.rmtree(self.folder)


TestLog = pytest.mark.timeout(120)(LogMachine.TestCase)
TestLog.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
