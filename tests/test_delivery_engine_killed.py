"""Delivery while the engine is killed in the middle of inserts and comes back on the same folder."""

import asyncio
import random
from pathlib import Path

from parcours_collector.delivery.delivery import Delivery
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.warehouse.client import connect_async
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.insert import Inserter, InsertOutcome
from parcours_collector.warehouse.migrations import migrate
from tests.delivered import append, count, touchpoints

KILLS = 5


async def test_every_row_is_stored_once_when_the_engine_is_killed_during_inserts_and_comes_back(
    project: str, tmp_path: Path
) -> None:
    moments = random.Random(11)
    folder = tmp_path / "engine"
    engine = EngineProcess.start(folder)

    class KillsDuring(Inserter):
        armed = False
        killed = asyncio.Event()

        async def insert(self, table: str, lines: bytes, token: str) -> InsertOutcome:
            if self.armed:
                self.armed = False
                asyncio.get_running_loop().call_later(moments.uniform(0.005, 0.06), self.kill)
            return await super().insert(table, lines, token)

        def kill(self) -> None:
            engine.kill()
            self.killed.set()

    wal = WriteAheadLog.open(tmp_path / "wal")
    inserter = KillsDuring(lambda: connect_async(engine.url), timeout_seconds=20)
    delivery = Delivery(wal, inserter, linger_seconds=0, max_batch_rows=1000, max_backoff_seconds=0.2)
    try:
        migrate(engine.url)
        delivery.start()
        for _ in range(KILLS):
            inserter.killed.clear()
            inserter.armed = True
            await append(wal, [touchpoints(project, 500) for _ in range(6)])
            await asyncio.wait_for(inserter.killed.wait(), 60)
            engine = await asyncio.to_thread(EngineProcess.start, folder)
        assert await delivery.drain(60) == 0
        assert count(engine.url, "touchpoints", project) == KILLS * 3000
        assert count(engine.url, "identity_persons", project) == KILLS * 3000
        assert delivery.counts.retries > 0
    finally:
        await delivery.stop()
        await inserter.close()
        await wal.close()
        engine.stop()
