"""Real processes for tests: an engine and a collector, each in a folder, stopped by their own process ids."""

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from parcours_collector.intake.registry import Registry


@dataclass(frozen=True)
class Sender:
    """A source with its key."""

    source: str
    project: str
    write_key: str


def add_source(data: Path, source: str, project: str) -> Sender:
    """Make a source in a collector's registry."""
    registry, write_key = Registry.read(data / "registry.json").with_source(source, project)
    registry.write(data / "registry.json")
    return Sender(source, project, write_key)


class CollectorProcess:
    """A real `parcours collector`."""

    def __init__(
        self,
        data: Path,
        clickhouse_url: str,
        *,
        port: int = 0,
        workers: int = 0,
        environment: dict[str, str] | None = None,
        most_files: tuple[int, int] | None = None,
    ) -> None:
        self.data = data
        self._log = (data / "collector.log").open("ab")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "parcours_collector", "collector", "--data", str(data), "--port", str(port)),
                *(("--workers", str(workers)) if workers else ()),
            ],
            env={**os.environ, "PARCOURS_CLICKHOUSE_URL": clickhouse_url, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=self._log,
            preexec_fn=most_files and partial(resource.setrlimit, resource.RLIMIT_NOFILE, most_files),  # noqa: PLW1509 - one system call
        )
        self.endpoint = self._wait_for_endpoint()
        self.port = int(self.endpoint.rsplit(":", 1)[1])

    def _wait_for_endpoint(self, timeout_seconds: float = 60.0) -> str:
        output = self._process.stdout
        assert output is not None
        readable, _, _ = select.select([output], [], [], timeout_seconds)
        line = output.readline().decode() if readable else ""
        if "listens on" not in line:
            self.kill()
            raise AssertionError(f"the collector did not start: {(self.data / 'collector.log').read_text()}")
        return line.split()[-1]

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM."""
        self._process.terminate()
        return self._closed()

    def reload(self) -> None:
        """SIGHUP: its workers are replaced."""
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> int:
        """SIGKILL."""
        self._process.kill()
        return self._closed()

    def _closed(self) -> int:
        status = self._process.wait(60)
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.stop()


def wait_until(condition: Callable[[], bool], timeout_seconds: float = 60.0, every_seconds: float = 0.05) -> None:
    """Wait for something that only another process knows and that can only be asked for."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(every_seconds)
