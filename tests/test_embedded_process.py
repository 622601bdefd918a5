"""The engine as a process: started, refused, stopped, killed, orphaned."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from parcours_collector.warehouse.embedded.folder import READY_FILE
from parcours_collector.warehouse.embedded.process import EngineFailed, EngineProcess
from tests.embedded_fixtures import Door

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "parcours_collector.warehouse.embedded", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


def test_a_stopped_engine_is_found_as_it_was_left(tmp_path: Path) -> None:
    data = tmp_path / "a folder?with &odd %41 names"
    urls = []
    for start in range(3):
        with EngineProcess.start(data) as engine:
            urls.append(engine.url)
            door = Door(engine.url)
            if start == 1:
                assert door.ask("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n").status == 200
                assert door.ask("CREATE DATABASE other").status == 200
                assert door.ask("CREATE VIEW other.seen AS SELECT * FROM kept").status == 200
                assert door.ask("INSERT INTO kept SELECT number FROM numbers(10)").status == 200
            if start == 2:
                assert door.rows("SELECT sum(n) FROM other.seen") == ["45"]
                assert door.rows("SELECT engine FROM system.databases WHERE name = 'default'") == ["Atomic"]
                assert door.ask("SELECT * FROM `/etc/hostname`").code == 60
        assert engine.stop() == 0
        assert not (data / READY_FILE).exists()
    assert len({url.rsplit(":", 1)[0] for url in urls}) == 1, "the password is kept"


def test_acknowledged_rows_survive_kill_9(tmp_path: Path) -> None:
    engine = EngineProcess.start(tmp_path / "data")
    door = Door(engine.url)
    assert door.ask("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n").status == 200
    acknowledged: list[int] = []

    def write() -> None:
        for number in range(100_000):
            try:
                answer = door.ask(f"{number}\n", query="INSERT INTO kept FORMAT CSV")
            except OSError:
                return
            if answer.status == 200:
                acknowledged.append(number)
                enough.set() if number == 30 else None

    enough = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(30)
    assert engine.kill() == -signal.SIGKILL
    writer.join(30)
    with EngineProcess.start(tmp_path / "data") as again:
        kept = {int(line) for line in Door(again.url).rows("SELECT n FROM kept")}
    assert kept >= set(acknowledged)
    assert len(kept) <= len(acknowledged) + 1


def test_passwords_are_private_and_never_printed(tmp_path: Path) -> None:
    with EngineProcess.start(tmp_path / "data") as engine:
        for path in [tmp_path / "data" / READY_FILE, *(tmp_path / "data" / "private").glob("*.*")]:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE((tmp_path / "data" / "private").stat().st_mode) == 0o700
        command = psutil.Process(engine.pid).cmdline()
        assert Door(engine.url).password not in " ".join(command)
        assert len(Door(engine.url).password) >= 32
        assert Door(engine.url).password != Door(engine.analyst_url).password
        listening = [one.laddr for one in psutil.Process(engine.pid).net_connections() if one.status == "LISTEN"]
        assert [address.ip for address in listening] == ["127.0.0.1"]


def test_a_folder_in_use_is_refused_with_the_holder_named(tmp_path: Path) -> None:
    with EngineProcess.start(tmp_path / "data") as engine:
        refused = run("--data", str(tmp_path / "data"), "--port", "0")
        assert refused.returncode == 2
        assert f"already open in process {engine.pid}" in refused.stderr
        assert "--data" in refused.stderr
        with pytest.raises(EngineFailed, match=f"process {engine.pid}"):
            EngineProcess.start(tmp_path / "data")
        assert Door(engine.url).ask("SELECT 1").text == "1\n"


def test_a_port_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("--data", str(tmp_path / "data"), "--port", str(port))
    assert refused.returncode == 2
    assert f"Port {port} of 127.0.0.1 is in use" in refused.stderr
    assert "--port 0" in refused.stderr


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run("--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert refused.returncode == 1
    assert "cannot open" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order_with_queries_running(tmp_path: Path, number: signal.Signals) -> None:
    engine = EngineProcess.start(tmp_path / "data")
    door = Door(engine.url)
    codes: list[int] = []
    asking = threading.Thread(target=lambda: codes.append(_code_or_cut(door)))
    asking.start()
    while door.rows("SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%'") != ["2"]:
        time.sleep(0.05)
    os.kill(engine.pid, number)
    asking.join(30)
    assert engine.stop() == 0
    assert codes[0] in {394, -1}
    with EngineProcess.start(tmp_path / "data") as again:
        assert Door(again.url).ask("SELECT 1").text == "1\n"


def test_a_request_that_is_ended_between_two_steps_takes_no_further_one(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.embedded.ended", str(tmp_path / "data"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["394 closed", "394 closed", "CancelledError closed"], done.stderr
    assert done.returncode == 0, done.stderr


def _code_or_cut(door: Door) -> int:
    try:
        return door.ask(ENDLESS).code
    except OSError:
        return -1


def test_it_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from parcours_collector.warehouse.embedded.process import EngineProcess\n"
        f"engine = EngineProcess.start(Path({str(tmp_path / 'data')!r}))\n"
        "print(engine.pid, flush=True); time.sleep(600)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    engine = psutil.Process(int(supervisor.stdout.readline()))
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    assert psutil.wait_procs([engine], timeout=30)[1] == []
    with EngineProcess.start(tmp_path / "data") as again:
        assert Door(again.url).ask("SELECT 1").text == "1\n"


def test_it_is_started_by_name_and_says_where_it_is(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "parcours_collector.warehouse.embedded", "--data", str(tmp_path), "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = dict(pair.split("=", 1) for pair in (tmp_path / READY_FILE).read_text().splitlines())
        assert int(ready["PARCOURS_CLICKHOUSE_PID"]) == process.pid
        assert f"http://127.0.0.1:{Door(ready['PARCOURS_CLICKHOUSE_URL']).port}" in line
        assert Door(ready["PARCOURS_CLICKHOUSE_URL"]).password not in line
        assert Door(ready["PARCOURS_CLICKHOUSE_URL"]).ask("SELECT 1").text == "1\n"
        process.terminate()
        assert process.wait(30) == 0


def test_an_engine_on_every_address_is_announced_at_one_that_answers(tmp_path: Path) -> None:
    with EngineProcess.start(tmp_path / "data", options=("--host", "0.0.0.0", "--allowed-host", "warehouse")) as engine:
        door = Door(engine.url)
        assert door.host == "127.0.0.1"
        assert door.ask("SELECT 1", headers={"Host": "warehouse:8123"}).text == "1\n"
        assert door.ask("SELECT 1", headers={"Host": "elsewhere:8123"}).code == 497
