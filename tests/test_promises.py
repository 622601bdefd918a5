"""The promises of the whole, on real processes: what was acknowledged is stored once, whatever dies in between."""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from parcours import DropReason, Tracker
from parcours.touchpoints import ProductViewed
from parcours_collector.warehouse.client import ClickHouseUrl, connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from tests.running import CollectorProcess, Sender, add_source, wait_until

PROJECT = "default"

# The full form of these rigs runs behind `make rigs`: a minute without ClickHouse, twenty kills of the collector.
OUTAGE_SECONDS = float(os.environ.get("RIG_OUTAGE_SECONDS", "3"))
COLLECTOR_KILLS = int(os.environ.get("RIG_COLLECTOR_KILLS", "3"))
EVENTS = 50_000
EVENTS_PER_SECOND_DURING_OUTAGE = 2_000


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine that the test may stop."""
    with EngineProcess.start(tmp_path / "clickhouse") as engine:
        migrate(engine.url)
        yield engine


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "collector"
    folder.mkdir()
    return folder


class Emitter:
    """Emits numbered touchpoints through the SDK from a thread of its own."""

    def __init__(self, endpoint: str, sender: Sender, count: int, *, per_second: float | None = None) -> None:
        self.lost: list[DropReason] = []
        self.ids: list[str] = []
        self._count = count
        self._per_second = per_second
        self._tracker = Tracker(
            endpoint,
            sender.write_key,
            queue_max_count=count,
            queue_max_bytes=256 * 1024 * 1024,
            linger_seconds=0.01,
            batch_max_count=200,
            backoff_max_seconds=0.5,
            on_drop=lambda _touchpoint, reason: self.lost.append(reason),
        )
        self._thread = threading.Thread(target=self._emit)
        self._thread.start()

    def _emit(self) -> None:
        began = time.monotonic()
        for number in range(self._count):
            if self._per_second and number % 100 == 0:
                time.sleep(max(0.0, began + number / self._per_second - time.monotonic()))
            touchpoint = ProductViewed(product_id=f"p{number % 50}", price="799.00", currency="EUR")
            event_id = self._tracker.emit(touchpoint, anonymous_id=f"a{number % 1000}")
            assert event_id is not None
            self.ids.append(event_id)

    @property
    def delivered(self) -> int:
        return self._tracker.stats().delivered

    def finish(self) -> None:
        """Wait until everything is acknowledged."""
        self._thread.join()
        ledger = self._tracker.close(120)
        assert (ledger.delivered, self.lost) == (self._count, [])


def stored_ids(client: Client) -> list[uuid.UUID]:
    return [row[0] for row in client.query("SELECT id FROM touchpoints_resolved").result_rows]


def assert_each_once(client: Client, ids: list[str]) -> None:
    wait_until(lambda: client.query("SELECT uniqExact(id) FROM touchpoints").result_rows[0][0] >= len(ids), 120)
    assert sorted(stored_ids(client)) == sorted(uuid.UUID(one) for one in ids)


def test_a_collector_killed_while_50_000_touchpoints_are_sent_loses_and_doubles_nothing(
    own_engine: EngineProcess, data: Path
) -> None:
    sender = add_source(data, "shop-web", PROJECT)
    collector = CollectorProcess(data, own_engine.url)
    emitter = Emitter(collector.endpoint, sender, EVENTS)
    for kill in range(COLLECTOR_KILLS):
        share = (kill + 1) / (COLLECTOR_KILLS + 1)
        wait_until(lambda share=share: emitter.delivered >= share * EVENTS, 120, every_seconds=0.005)
        collector.kill()
        collector = CollectorProcess(data, own_engine.url, port=collector.port)
    with collector:
        emitter.finish()
        with connect(own_engine.url) as client:
            assert_each_once(client, emitter.ids)


def test_clickhouse_away_under_load_and_back_loses_and_doubles_nothing(own_engine: EngineProcess, data: Path) -> None:
    sender = add_source(data, "shop-web", PROJECT)
    port = ClickHouseUrl.parse(own_engine.url).port
    count = int((OUTAGE_SECONDS + 4) * EVENTS_PER_SECOND_DURING_OUTAGE)
    with CollectorProcess(data, own_engine.url) as collector:
        emitter = Emitter(collector.endpoint, sender, count, per_second=EVENTS_PER_SECOND_DURING_OUTAGE)
        wait_until(lambda: emitter.delivered >= EVENTS_PER_SECOND_DURING_OUTAGE, 120, every_seconds=0.005)
        own_engine.kill()
        before = emitter.delivered
        time.sleep(OUTAGE_SECONDS)
        acknowledged_meanwhile = emitter.delivered - before
        assert acknowledged_meanwhile > OUTAGE_SECONDS * EVENTS_PER_SECOND_DURING_OUTAGE / 2
        with EngineProcess.start(own_engine.data, port) as back:
            emitter.finish()
            with connect(back.url) as client:
                assert_each_once(client, emitter.ids)


def test_a_collector_that_starts_before_clickhouse_keeps_what_it_takes(own_engine: EngineProcess, data: Path) -> None:
    sender = add_source(data, "till", PROJECT)
    port = ClickHouseUrl.parse(own_engine.url).port
    own_engine.stop()
    with CollectorProcess(data, own_engine.url) as collector:
        emitter = Emitter(collector.endpoint, sender, 500)
        emitter.finish()
        with EngineProcess.start(own_engine.data, port) as back, connect(back.url) as client:
            assert_each_once(client, emitter.ids)
    assert "ClickHouse takes no rows" in (data / "collector.log").read_text()


def test_sigterm_delivers_what_is_in_the_log_before_the_end(own_engine: EngineProcess, data: Path) -> None:
    sender = add_source(data, "till", PROJECT)
    collector = CollectorProcess(data, own_engine.url, environment={"PARCOURS_DELIVERY__LINGER_SECONDS": "30"})
    emitter = Emitter(collector.endpoint, sender, 300)
    emitter.finish()
    assert collector.stop() == 0
    with connect(own_engine.url) as client:
        assert len(stored_ids(client)) == 300
