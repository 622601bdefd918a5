"""Every fault of the matrix: what was acknowledged is stored once, and what was refused is a dead letter once."""

import asyncio
import os
import random
import shutil
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from parcours import Tracker
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import START, RecordKind
from parcours_collector.warehouse.client import ClickHouseUrl, connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from tests.faults.ledger import Kept, Traffic, Verdict, judge, new_id, post, touchpoint
from tests.faults.matrix import record
from tests.faults.proxy import FaultProxy, InsertFault
from tests.running import CollectorProcess, Sender, add_source, wait_until

LONG = os.environ.get("FAULTS_LONG") == "1"
_CALM = {
    "PARCOURS_STITCHING__INTERVAL_SECONDS": "0",
    "PARCOURS_DELIVERY__LINGER_SECONDS": "0.02",
    "PARCOURS_DELIVERY__MAX_BACKOFF_SECONDS": "0.1",
}


def rounds(short: int, long: int) -> int:
    return long if LONG else short


@dataclass
class Engine:
    """An engine that can be killed and comes back on the same folder and port."""

    process: EngineProcess
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = ClickHouseUrl.parse(self.process.url).port

    def kill(self) -> None:
        self.process.kill()

    def come_back(self) -> None:
        self.process = EngineProcess.start(self.process.data, self.port)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(EngineProcess.start(tmp_path_factory.mktemp("engine")))
    migrate(engine.process.url)
    yield engine
    engine.process.stop()


@pytest.fixture
def proxy(engine: Engine) -> Iterator[FaultProxy]:
    with FaultProxy(engine.port) as proxy:
        yield proxy


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "collector"
    folder.mkdir()
    return folder


@pytest.fixture
def sender(data: Path) -> Sender:
    return add_source(data, "shop-web", f"faults-{uuid.uuid4().hex[:12]}")


def collector(data: Path, engine: Engine, proxy: FaultProxy, *, port: int = 0, **settings: str) -> CollectorProcess:
    return CollectorProcess(data, proxy.url(engine.process.url), port=port, environment={**_CALM, **settings})


def verdict_of(engine: Engine, sender: Sender, kept: Kept) -> Verdict:
    with connect(engine.process.url) as client:
        return judge(client, sender.project, kept)


def test_the_collector_is_killed_at_random_points(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender
) -> None:
    moments, count = random.Random(7), rounds(3, 200)
    running = collector(data, engine, proxy)
    traffic = Traffic(running.endpoint, sender)
    for _ in range(count):
        traffic.wait_for(40)
        time.sleep(moments.uniform(0, 0.15))
        running.kill()
        running = collector(data, engine, proxy, port=running.port)
    kept = traffic.finish()
    with running:
        record("SIGKILL of the collector at random points", count, verdict_of(engine, sender, kept))


def test_clickhouse_is_killed_in_the_middle_of_an_insert(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender
) -> None:
    count = rounds(2, 25)
    proxy.hook = engine.kill
    with collector(data, engine, proxy) as running:
        traffic = Traffic(running.endpoint, sender)
        for _ in range(count):
            traffic.wait_for(80)
            before = proxy.done[InsertFault.HOOK]
            proxy.faults.append(InsertFault.HOOK)
            wait_until(lambda before=before: proxy.done[InsertFault.HOOK] > before)
            traffic.wait_for(80)
            engine.come_back()
        kept = traffic.finish()
        record("SIGKILL of ClickHouse in the middle of an insert", count, verdict_of(engine, sender, kept))


@pytest.mark.parametrize(
    "fault",
    [
        InsertFault.LOST_ANSWER,
        InsertFault.TRUNCATED_ANSWER,
        InsertFault.RESET_BEFORE,
        InsertFault.UNAVAILABLE,
        InsertFault.TOO_MANY_PARTS,
    ],
    ids=lambda fault: fault.name.lower(),
)
def test_every_second_insert_fails(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender, fault: InsertFault
) -> None:
    count = rounds(4, 60)
    proxy.faults.extend([fault, None] * count)
    with collector(data, engine, proxy) as running:
        traffic = Traffic(running.endpoint, sender)
        wait_until(lambda: proxy.done[fault] >= count, 300)
        kept = traffic.finish()
        record(fault.value, count, verdict_of(engine, sender, kept))


def test_an_hours_outage_outlasts_every_window_of_deduplication(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender
) -> None:
    """Shortened: what an hour does to exactly-once is that tokens are forgotten, so they are, all of them."""
    with collector(data, engine, proxy) as running:
        traffic = Traffic(running.endpoint, sender)
        traffic.wait_for(200)
        # Stored, and the answer lost: then the outage. What is sent again after it finds no token any more.
        proxy.faults.extend([InsertFault.LOST_ANSWER] * 2)
        wait_until(lambda: not proxy.faults)
        proxy.always = InsertFault.UNAVAILABLE
        traffic.wait_for(400)
        with connect(engine.process.url) as client:
            _forget_tokens(client)
        proxy.always = None
        kept = traffic.finish()
        record("an outage longer than the window of tokens, after a lost response", 1, verdict_of(engine, sender, kept))


def log_is_unavailable(endpoint: str) -> bool:
    with urllib.request.urlopen(f"{endpoint}/metrics", timeout=10) as answer:
        return "\nparcours_wal_unavailable 1" in answer.read().decode()


def test_the_disk_is_full_and_freed_again(engine: Engine, proxy: FaultProxy, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        sender = add_source(disk, "shop-web", f"faults-{uuid.uuid4().hex[:12]}")
        count = rounds(1, 5)
        with collector(disk, engine, proxy, PARCOURS_WAL__SEGMENT_BYTES="1048576") as running:
            traffic = Traffic(running.endpoint, sender, batch=200, pause_seconds=0)
            traffic.wait_for(200)
            for _ in range(count):
                ballast = disk / "ballast"
                with ballast.open("wb") as file:
                    file.write(bytes(max(0, shutil.disk_usage(disk).free - 1_000_000)))
                proxy.always = InsertFault.UNAVAILABLE
                # Not by its words: they are written to the disk that is full.
                wait_until(lambda: log_is_unavailable(running.endpoint), 120)
                before = traffic.attempts
                wait_until(lambda before=before: traffic.attempts > before + 3)
                # The log alone has filled the rest: delivery makes room, without a restart.
                proxy.always = None
                ballast.unlink()
                traffic.wait_for(400)
            kept = traffic.finish()
            record("a full disk, freed again", count, verdict_of(engine, sender, kept))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_byte_of_the_log_is_flipped_in_every_region(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender
) -> None:
    """Regions: magic, checksum, header, payload, of one record in the middle and the last; both checkpoint slots."""
    kept, count = Kept(), 0
    proxy.always = InsertFault.UNAVAILABLE
    with collector(data, engine, proxy) as running:
        for number in range(0, 60, 20):
            batch = [touchpoint(number + place) for place in range(20)]
            kept.take(batch, post(running.endpoint, sender, batch))
        running.kill()
    (log,) = sorted((data / "wal").glob("*.wal"))[-1:]
    whole = log.read_bytes()
    starts = [at for at in range(len(whole)) if whole.startswith(b"\xf0PW1", at)]
    places = [
        start + offset for start in (starts[len(starts) // 2], starts[-1]) for offset in (1, 5, 9, 13, 17, 25, 33, 100)
    ]
    places.append(len(whole) - 2)
    for at in places if LONG else places[::3]:
        log.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        # Whoever reads it finds all of it; the last reader delivers.
        read = asyncio.run(_records(data / "wal", data / "copy"))
        assert read == len(starts), f"byte {at}"
        count += 1
    checkpoint = data / "wal" / "checkpoint"
    if checkpoint.exists():
        slots = bytearray(checkpoint.read_bytes())
        for at in range(0, len(slots), 4096):
            slots[at] ^= 0xFF
            count += 1
        checkpoint.write_bytes(slots)
    proxy.always = None
    with collector(data, engine, proxy):
        record("a flipped byte in every region of the log", count, verdict_of(engine, sender, kept))


def test_the_log_ends_in_a_torn_write_of_every_length(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender
) -> None:
    kept = Kept()
    proxy.always = InsertFault.UNAVAILABLE
    with collector(data, engine, proxy) as running:
        batch = [touchpoint(place) for place in range(20)]
        kept.take(batch, post(running.endpoint, sender, batch))
        running.kill()
    (log,) = sorted((data / "wal").glob("*.wal"))[-1:]
    whole = log.read_bytes()
    lengths = range(1, min(len(whole), 2_000), 7 if LONG else 331)
    for length in lengths:
        # A write that never ended, of which no sender was told.
        log.write_bytes(whole + whole[:length])
        asyncio.run(_records(data / "wal", data / "copy"))
    proxy.always = None
    with collector(data, engine, proxy):
        record("a torn write at the end of the log", len(lengths), verdict_of(engine, sender, kept))


def test_the_same_segment_is_delivered_twice(engine: Engine, proxy: FaultProxy, data: Path, sender: Sender) -> None:
    kept = Kept()
    proxy.always = InsertFault.UNAVAILABLE
    with collector(data, engine, proxy) as running:
        for number in range(0, 100, 20):
            batch = [touchpoint(number + place) for place in range(20)]
            kept.take(batch, post(running.endpoint, sender, batch))
        running.kill()
    shutil.copytree(data / "wal", data / "before")
    proxy.always = None
    for turn in range(2):
        with collector(data, engine, proxy):
            verdict = verdict_of(engine, sender, kept)
        shutil.rmtree(data / "wal")
        shutil.copytree(data / "before", data / "wal")
        if turn:
            # The tokens are known: nothing more was stored, duplicates that a view would hide included.
            with connect(engine.process.url) as client:
                rows = client.query(
                    "SELECT count() FROM touchpoints WHERE project = {project:String}",
                    parameters={"project": sender.project},
                ).result_rows
            assert rows == [(len(kept.acknowledged),)]
    record("the same segment delivered twice", 2, verdict)


def test_the_client_retries_across_midnight_with_a_new_sent_at_on_another_node_after_the_window(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender, tmp_path: Path
) -> None:
    kept, other = Kept(), tmp_path / "other"
    shutil.copytree(data, other)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight - timedelta(milliseconds=20)
    batch = [
        touchpoint(place, id=new_id(), occurred_at=f"{at + timedelta(milliseconds=place):%Y-%m-%dT%H:%M:%S.%f}Z")
        for place in range(40)
    ]
    window = {"PARCOURS_HTTP__DUPLICATE_WINDOW_EVENTS": "0"}
    count = 0
    with collector(data, engine, proxy, **window) as first, collector(other, engine, proxy, **window) as second:
        for wrong_by in (0, -3_600, 3_600, -86_400):
            for node in (first, second):
                # A stale or future sent_at moves the corrected time to another day; the id stays.
                kept.take(
                    batch, post(node.endpoint, sender, batch, sent_at=datetime.now(UTC) + timedelta(seconds=wrong_by))
                )
                count += 1
        record(
            "the client retries: across midnight, new sent_at, other node, after the window",
            count,
            verdict_of(engine, sender, kept),
        )


def test_the_sdk_with_its_spool_through_kills_on_both_sides(
    engine: Engine, proxy: FaultProxy, data: Path, sender: Sender, tmp_path: Path
) -> None:
    kept, count = Kept(), rounds(1, 10)
    running = collector(data, engine, proxy)
    proxy.hook = engine.kill
    tracker = Tracker(
        running.endpoint, sender.write_key, spool=str(tmp_path / "spool"), backoff_max_seconds=0.2, linger_seconds=0.01
    )
    for _ in range(count):
        for number in range(500):
            event_id = tracker.track("product_viewed", {"product_id": f"p{number}"}, anonymous_id=f"a{number % 50}")
            assert event_id is not None
            kept.acknowledged.add(event_id)
        proxy.faults.append(InsertFault.HOOK)
        running.kill()
        before = proxy.done[InsertFault.HOOK]
        running = collector(data, engine, proxy, port=running.port)
        wait_until(lambda before=before: proxy.done[InsertFault.HOOK] > before)
        engine.come_back()
    assert tracker.close(120).lost == 0
    with running:
        record("the SDK with a spool, both sides killed", count, verdict_of(engine, sender, kept))


def _forget_tokens(client: Client) -> None:
    """Push every token out of the windows, as an hour of other inserts would."""
    for table in ("touchpoints", "dead_letters"):
        client.command(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 1")
        client.command(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 10000")


async def _records(folder: Path, copy: Path) -> int:
    """How many records a copy of a log gives, opened as a collector would."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    (copy / "lock").unlink(missing_ok=True)
    log = WriteAheadLog.open(copy)
    try:
        chunk = log.read(START, max_bytes=1 << 30)
        return sum(record.kind in RecordKind for record in chunk.records)
    finally:
        await log.close()
