"""Celery with a real prefork worker on a real Redis: contexts reach tasks, and the end of a worker loses nothing.

Trackers linger for a minute: whatever arrives was flushed by the end of the process that emitted it.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from parcours.testing import FaultyCollector

pytest.importorskip("celery", reason="needs celery: install the dev extra")
pytest.importorskip("redis", reason="needs redis: install the dev extra")

ROOT = Path(__file__).resolve().parents[1]
END_SECONDS = 60


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of the test's own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server on PATH, such as Debian's package of that name")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with running(program, *options, folder=tmp_path_factory.mktemp("redis")) as process:
        deadline = time.monotonic() + END_SECONDS
        while not accepts(port):
            assert process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline
            time.sleep(0.01)  # another process: there is nothing to wait for but its answer
        yield f"redis://127.0.0.1:{port}/0"


def accepts(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(*command: str, folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in a file, asked to end and waited for."""
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(END_SECONDS)


@pytest.fixture(scope="module")
def run(broker: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Mapping[str, Any]], int, int]:
    """What the collector has after worker and site have ended, how often it came twice, and how many were held."""
    folder = tmp_path_factory.mktemp("worker")
    with FaultyCollector() as collector:
        environment = {
            "BROKER": broker,
            "PARCOURS_ENDPOINT": collector.endpoint,
            "PARCOURS_WRITE_KEY": collector.write_key,
            "PYTHONPATH": str(ROOT),
        }
        options = ("worker", "--pool", "prefork", "--concurrency", "2", "--without-mingle", "--without-gossip")
        worker = (sys.executable, "-m", "celery", "--app", "tests.integration_apps.celery_shop", *options)
        with running(*worker, folder=folder, **environment):
            site = subprocess.run(
                [sys.executable, "-m", "tests.integration_apps.celery_site"],
                cwd=ROOT,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert site.returncode == 0, site.stderr + (folder / "output.txt").read_text()
        return list(collector.touchpoints.values()), collector.duplicates, int(site.stdout)


def of(run: tuple[list[Mapping[str, Any]], int, int], order_id: str) -> list[Mapping[str, Any]]:
    return [sent for sent in run[0] if sent["properties"].get("order_id") == order_id]


def test_what_each_process_emitted_is_delivered_once_by_its_end(
    run: tuple[list[Mapping[str, Any]], int, int],
) -> None:
    sent, duplicates, held = run
    pids = [one["properties"]["pid"] for one in sent if one["name"] == "held"]
    assert len(pids) == held
    assert len(set(pids)) == 2
    assert duplicates == 0
    assert len(sent) == held + 8


@pytest.mark.parametrize(
    ("order_id", "names"),
    [
        ("direct", ["charged"]),
        ("eager", ["charged"]),
        ("onward", ["charged", "shipped"]),
        ("retried", ["refund_tried", "refund_tried"]),
    ],
)
def test_a_task_knows_who_it_works_for(
    order_id: str, names: list[str], run: tuple[list[Mapping[str, Any]], int, int]
) -> None:
    found = of(run, order_id)
    assert sorted(sent["name"] for sent in found) == names
    for sent in found:
        assert sent["ids"] == {"user_id": "u1"}
        assert sent["context"] == {"campaign": {"source": "news"}}
        assert sent["consent"] == {"analytics": True}


def test_a_task_that_fails_leaves_its_context_to_no_other(run: tuple[list[Mapping[str, Any]], int, int]) -> None:
    (failed,) = of(run, "failed")
    assert failed["ids"] == {"user_id": "u2"}
    (nobody,) = of(run, "nobody")
    assert "ids" not in nobody
    assert not [sent for sent in run[0] if sent["name"] == "held" and "ids" in sent]
