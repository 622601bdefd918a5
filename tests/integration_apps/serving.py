"""Servers of tests: a real process on a free port, asked over HTTP, ended by its pid."""

import http.client
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from parcours.testing import FaultyCollector

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
_ADDRESS = re.compile(r"http://127\.0\.0\.1:([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Door:
    """Where a collector takes touchpoints, and the key for it."""

    endpoint: str
    write_key: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    cookies: list[str]


@dataclass(slots=True)
class Server:
    process: subprocess.Popen[str]
    port: int = 0
    output: list[str] = field(default_factory=list)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask on a connection of its own, as a browser that wants a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Accept": "text/html,*/*;q=0.8", **named})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return Answer(answer.status, body, answer.headers.get_all("Set-Cookie") or [])

    def end(self) -> None:
        """Ask it to end, as an operator would, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(START_SECONDS)


@contextmanager
def serving(
    command: Sequence[str], collector: FaultyCollector | Door, *, folder: Path = ROOT, **environment: str
) -> Iterator[Server]:
    """Run a server until it is ended, and wait for its address."""
    named: Mapping[str, str] = {
        **os.environ,
        "PARCOURS_ENDPOINT": collector.endpoint,
        "PARCOURS_WRITE_KEY": collector.write_key,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=named,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = Server(process)
    found: queue.SimpleQueue[int] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(server, found), daemon=True)
    reader.start()
    try:
        server.port = found.get(timeout=START_SECONDS)
        assert server.port, "".join(server.output)
        yield server
    finally:
        if process.poll() is None:
            server.end()
        reader.join(START_SECONDS)


def _read(server: Server, found: "queue.SimpleQueue[int]") -> None:
    assert server.process.stdout is not None
    with server.process.stdout as lines:
        for line in lines:
            server.output.append(line)
            if match := _ADDRESS.search(line):
                found.put(int(match[1]))
    found.put(0)
