"""Several workers on one port: none is refused while they are replaced or die, each row is stored once, one stitches.

The long form (`make rigs`) replaces the workers five times under load, the suite's once.
"""

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
import pytest
import structlog
from click.testing import Result
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from parcours import Tracker
from parcours_collector.commands.root import app
from parcours_collector.errors import InvalidSettings, WalInUse
from parcours_collector.wal.folders import has_segments
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind
from tests.events import event
from tests.running import CollectorProcess, Sender, add_source, wait_until
from tests.touchpoint_rows import row, touch

REPLACEMENTS = int(os.environ.get("RIG_REPLACEMENTS", "1"))
PAUSE_SECONDS = 0.005


@dataclass
class Load:
    """Raw requests from raw sockets: no retry, no pool, and everything that goes wrong is written down."""

    endpoint: str
    sender: Sender
    acknowledged: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    closed_politely: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.endpoint.removeprefix("http://").split(":")
        return host, int(port)

    async def send(self, *, kept_alive: bool) -> None:
        """Send one touchpoint after the other, on one connection while it is kept, until `stop`."""
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self.stop.is_set():
            sent = event()
            try:
                streams = streams or await asyncio.open_connection(*self.address)
                status, closes = await self._ask(*streams, orjson.dumps([sent]), kept_alive=kept_alive)
                if status == 200:
                    self.acknowledged.append(sent["id"])
                else:
                    self.failures.append(f"status {status}")
                if closes:
                    self.closed_politely += kept_alive
                    streams[1].close()
                    streams = None
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
                streams = None
            await asyncio.sleep(PAUSE_SECONDS)
        if streams is not None:
            streams[1].close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, *, kept_alive: bool
    ) -> tuple[int, bool]:
        connection = "keep-alive" if kept_alive else "close"
        head = (
            f"POST /v1/touchpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.sender.write_key}\r\n"
            f"Content-Type: application/json\r\nConnection: {connection}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"Content-Length: (\d+)", head)
        assert length is not None
        await reader.readexactly(int(length[1]))
        return int(head.split()[1]), "connection: close" in head.lower()


def metrics(endpoint: str, query: str = "") -> str:
    with urllib.request.urlopen(f"{endpoint}/metrics{query}", timeout=10) as answer:
        return str(answer.read(), "utf-8")


def reading(text: str, series: str) -> float:
    """The value of a series, its labels written as they are shown; 0 when it is not there."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def log_of(collector: CollectorProcess) -> str:
    return (collector.data / "collector.log").read_text()


def workers_of(collector: CollectorProcess) -> list[psutil.Process]:
    return sorted(psutil.Process(collector.pid).children(), key=lambda process: process.pid)


def stored(clickhouse: Client, project: str) -> list[str]:
    rows = clickhouse.query(
        "SELECT toString(id) FROM touchpoints_resolved WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    return [row[0] for row in rows]


@dataclass(frozen=True)
class Fleet:
    collector: CollectorProcess
    sender: Sender


@pytest.fixture(scope="module")
def fleet(clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two workers, for all tests of this module that leave two."""
    data = tmp_path_factory.mktemp("fleet")
    sender = add_source(data, "shop-web", f"test-{uuid.uuid4().hex[:12]}")
    with CollectorProcess(data, clickhouse_url, workers=2) as collector:
        yield Fleet(collector, sender)


async def test_workers_are_replaced_under_load_and_no_request_is_refused_or_lost(
    fleet: Fleet, clickhouse: Client
) -> None:
    collector, sender = fleet.collector, fleet.sender
    load = Load(collector.endpoint, sender)
    lost: list[object] = []
    with Tracker(
        collector.endpoint, sender.write_key, linger_seconds=0.01, on_drop=lambda *dropped: lost.append(dropped)
    ) as tracker:
        senders = [asyncio.create_task(load.send(kept_alive=number % 2 == 0)) for number in range(8)]
        ids: list[str | None] = []
        counted = 0.0
        for round_number in range(1, REPLACEMENTS + 1):
            before = {process.pid for process in workers_of(collector)}
            collector.reload()
            while log_of(collector).count("replaced_workers") < round_number:
                ids.append(tracker.track("page_viewed", anonymous_id="a1"))
                now = reading(
                    await asyncio.to_thread(metrics, collector.endpoint), 'parcours_requests_total{status="200"}'
                )
                assert now >= counted, "a counter fell"
                counted = now
                await asyncio.sleep(0.05)
            assert not before & {process.pid for process in workers_of(collector)}
        load.stop.set()
        await asyncio.gather(*senders)
        report = await asyncio.to_thread(tracker.close, 30)
    assert load.failures == []
    assert load.closed_politely >= 4 * REPLACEMENTS, "every kept connection was told that it ends"
    assert (lost, report.delivered) == ([], len(ids))
    assert "parcours_turned_away_total{" not in metrics(collector.endpoint)
    sent = sorted([*load.acknowledged, *(one for one in ids if one)])
    assert len(sent) > 100 * REPLACEMENTS
    await asyncio.to_thread(wait_until, lambda: len(stored(clickhouse, sender.project)) >= len(sent))
    assert sorted(stored(clickhouse, sender.project)) == sent
    text = metrics(collector.endpoint)
    accepted = reading(text, 'parcours_touchpoints_total{outcome="accepted",source="shop-web"}')
    assert accepted == len(sent), "what former workers counted stays counted"


def test_connections_are_spread_over_the_workers(fleet: Fleet) -> None:
    host, port = fleet.collector.endpoint.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection((host, int(port))))
        wait_until(lambda: reading(metrics(fleet.collector.endpoint), "parcours_connections") >= 101)
        each = metrics(fleet.collector.endpoint, "?each")
        series = re.compile(r'^parcours_connections\{worker="[01]-.*?"\} (\S+)$', re.MULTILINE)
        held = [float(value) for value in series.findall(each)]
        assert len(held) == 2
        assert min(held) >= 25, "of 101, by chance fewer than 25 once in ten million times"


def test_a_killed_worker_is_started_again_while_its_neighbour_takes_its_connections_and_stitches(
    fleet: Fleet, clickhouse: Client
) -> None:
    collector, sender = fleet.collector, fleet.sender
    leading = re.compile(r'^parcours_stitching_leader\{worker="\d-(\d+)"\} 1.0$', re.MULTILINE)
    wait_until(lambda: len(leading.findall(metrics(collector.endpoint, "?each"))) == 1)
    (leader,) = leading.findall(metrics(collector.endpoint, "?each"))
    before = metrics(collector.endpoint)
    os.kill(int(leader), signal.SIGKILL)
    taken = [accept(collector, sender) for _ in range(60)]
    wait_until(lambda: reading(metrics(collector.endpoint), "parcours_workers") == 2)
    after = metrics(collector.endpoint)
    assert reading(after, "parcours_worker_deaths_total") == reading(before, "parcours_worker_deaths_total") + 1
    series = 'parcours_touchpoints_total{outcome="accepted",source="shop-web"}'
    assert reading(after, series) >= reading(before, series) + 60, "a death takes nothing back that was shown"
    assert f"pid={leader}" in log_of(collector).split("worker_died")[1]
    wait_until(lambda: set(taken) <= set(stored(clickhouse, sender.project)))
    wait_until(lambda: leading.findall(metrics(collector.endpoint, "?each")) not in ([], [leader]))


def accept(collector: CollectorProcess, sender: Sender) -> str:
    """Send a touchpoint on a connection of its own, once; return its id."""
    sent = event()
    request = urllib.request.Request(
        f"{collector.endpoint}/v1/touchpoints",
        data=orjson.dumps([sent]),
        headers={"Authorization": f"Bearer {sender.write_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert orjson.loads(answer.read())["accepted"] == 1
    return str(sent["id"])


def test_a_file_in_the_current_folder_is_no_module_of_the_workers(tmp_path: Path) -> None:
    (tmp_path / "orjson.py").write_text('raise SystemExit("run instead of the library")')
    add_source(tmp_path, "app", "shop")
    parcours = Path(sys.executable).with_name("parcours")
    with subprocess.Popen(
        [parcours, "collector", "--data", tmp_path, "--port", "0", "--workers", "1"],
        cwd=tmp_path,
        env={**os.environ, "PARCOURS_CLICKHOUSE_URL": "http://nobody:nothing@127.0.0.1:9"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert b"listens on" in process.stdout.readline()
        process.terminate()
        assert process.wait(60) == 0


def test_a_second_collector_on_the_port_is_refused_though_workers_share_it(fleet: Fleet, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "parcours_collector", "collector", "--workers", "2", "--data", str(tmp_path)),
            *("--port", str(fleet.collector.port), "--clickhouse-url", "http://127.0.0.1:1"),
        ],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"Port {fleet.collector.port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_when_what_a_replacement_reads_is_broken_the_former_workers_go_on_and_end_with_their_supervisor(
    tmp_path: Path,
) -> None:
    sender = add_source(tmp_path, "till", "default")
    settings = tmp_path / "parcours.toml"
    settings.write_text("")
    environment = {"PARCOURS_CONFIG": str(settings), "PARCOURS_SHUTDOWN_SECONDS": "0"}
    collector = CollectorProcess(tmp_path, "http://127.0.0.1:1", workers=1, environment=environment)
    (worker,) = workers_of(collector)
    settings.write_text("no_such_setting = 1")
    collector.reload()
    wait_until(lambda: "replaced=0" in log_of(collector))
    assert workers_of(collector) == [worker]
    assert "worker_not_replaced" in log_of(collector)
    accept(collector, sender)
    collector.kill()
    worker.wait(30)
    assert "worker_stopped" in log_of(collector)


async def leave_log(folder: Path, project: str, count: int) -> list[str]:
    """Write a log as a worker leaves it that ended without ClickHouse; return the ids of its touchpoints."""
    log = WriteAheadLog.open(folder)
    ids = []
    for number in range(count):
        one = touch("page_viewed", number, anonymous_id="a1")
        ids.append(str(one.id))
        line = orjson.dumps(row(one, project), option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
        await log.append([(RecordKind.TOUCHPOINTS, line)])
    await log.close()
    return ids


async def test_logs_that_other_numbers_of_workers_left_are_delivered(
    clickhouse: Client, clickhouse_url: str, project: str, tmp_path: Path
) -> None:
    wal = tmp_path / "wal"
    ids = [one for name in ("", "0", "1", "7") for one in await leave_log(wal / name, project, 20)]
    with CollectorProcess(tmp_path, clickhouse_url, workers=1) as one:

        def left() -> list[Path]:
            return [folder for folder in (wal, wal / "1", wal / "7") if has_segments(folder)]

        await asyncio.to_thread(wait_until, lambda: len(stored(clickhouse, project)) >= len(ids) and not left())
        assert reading(metrics(one.endpoint), "parcours_wal_orphan_bytes") == 0
        # The line follows the removal of the last segment.
        await asyncio.to_thread(wait_until, lambda: log_of(one).count("orphan_delivered") >= 3)
        assert log_of(one).count("orphan_delivered") == 3, "its own it takes up as it was"
    assert sorted(stored(clickhouse, project)) == sorted(ids)


@pytest.fixture
def logs_as_they_were() -> Iterator[None]:
    """A command that runs in this process writes its log as it is set; the suite's own is put back."""
    handlers, level, configuration = logging.root.handlers[:], logging.root.level, structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**configuration)


def drain(folder: Path, clickhouse_url: str) -> Result:
    return CliRunner().invoke(app, ["drain", str(folder), "--clickhouse-url", clickhouse_url])


@pytest.mark.usefixtures("logs_as_they_were")
async def test_a_volume_that_was_left_is_drained_and_one_that_is_held_is_not_touched(
    clickhouse: Client, clickhouse_url: str, project: str, tmp_path: Path
) -> None:
    ids = await leave_log(tmp_path / "wal" / "3", project, 5)
    holder = WriteAheadLog.open(tmp_path / "wal" / "3")
    held = await asyncio.to_thread(drain, tmp_path, clickhouse_url)
    assert isinstance(held.exception, WalInUse)
    assert f"process {os.getpid()}" in str(held.exception)
    await holder.close()
    done = await asyncio.to_thread(drain, tmp_path, clickhouse_url)
    assert (done.exit_code, done.stdout) == (0, f"Everything in {tmp_path} is in ClickHouse.\n")
    assert sorted(stored(clickhouse, project)) == sorted(ids)
    assert not has_segments(tmp_path / "wal" / "3")
    again = await asyncio.to_thread(drain, tmp_path / "wal", clickhouse_url)
    assert again.exit_code == 0
    nothing = await asyncio.to_thread(drain, tmp_path / "nowhere", clickhouse_url)
    assert isinstance(nothing.exception, InvalidSettings)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("logs_as_they_were")
async def test_a_drain_that_runs_out_of_time_says_what_is_left_and_goes_on_later(
    clickhouse_url: str, project: str, tmp_path: Path
) -> None:
    await leave_log(tmp_path / "wal", project, 5)
    done = await asyncio.to_thread(
        CliRunner().invoke, app, ["drain", str(tmp_path), "--clickhouse-url", clickhouse_url, "--timeout-seconds", "0"]
    )
    assert done.exit_code == 1
    assert "bytes are left" in done.stdout
    assert (await asyncio.to_thread(drain, tmp_path, clickhouse_url)).exit_code == 0
