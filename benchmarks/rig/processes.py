"""Processes under measurement: started, waited for, charged for their CPU time, ended by their own ids."""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

ROOT = Path(__file__).parents[2]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process: user and system, all threads, also of those that have ended."""
    if sys.platform == "linux":
        # The kernel's clock of that process, as clock_getcpuclockid(3) names it: exact where times() counts in 10 ms.
        return time.clock_gettime(~pid << 3 | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


class Server:
    """A process that prints one line ending in the address that it listens on, and serves until SIGTERM."""

    def __init__(
        self, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None, timeout_seconds: float = 60.0
    ) -> None:
        """Start `python ARGUMENTS` and return when it listens.

        Raises:
            RuntimeError: It ended or said nothing in time; the message is what it wrote.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**clean_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        output = self._process.stdout
        assert output is not None
        readable, _, _ = select.select([output], [], [], timeout_seconds)
        line = output.readline().decode().strip() if readable else ""
        if not line:
            self.stop()
            raise RuntimeError(f"{' '.join(arguments)} did not start: {self._said}")
        self.url = line.split()[-1]
        """`http://127.0.0.1:port`."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def stop(self) -> None:
        """End it as SIGTERM does; a minute later, as SIGKILL does."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        if not self._errors.closed:
            self._errors.seek(0)
            self._said = self._errors.read().decode(errors="replace")
            self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def clean_environment() -> dict[str, str]:
    """Return this environment without a developer's own settings of Parcours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PARCOURS_")}
