"""The engine as a process of its own, for `parcours up`, tests and benchmarks. Does not import chdb."""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from parcours_collector.errors import OperatorError
from parcours_collector.warehouse.embedded.folder import READY_FILE


class EngineFailed(OperatorError):
    """The engine's process ended, or did not answer in time, before it was ready."""

    tag = "engine_failed"
    remedy = "Read its message above; `parcours clickhouse --data DIR` shows the same."


class EngineProcess:
    """A running `parcours clickhouse`. It ends with this process, even if this process is killed.

    Example:
        with EngineProcess.start(folder) as engine:
            client = connect(engine.url)
    """

    def __init__(self, process: subprocess.Popen[bytes], data: Path, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        ready = dict(line.split("=", 1) for line in (data / READY_FILE).read_text(encoding="utf-8").splitlines())
        self.data = data
        self.url = ready["PARCOURS_CLICKHOUSE_URL"]
        """`http://default:password@127.0.0.1:port`, for `warehouse.client.connect`."""
        self.analyst_url = ready["PARCOURS_CLICKHOUSE_ANALYST_URL"]
        """The same for the user who can only read."""

    @classmethod
    def start(
        cls, data: Path, port: int = 0, *, options: Sequence[str] = (), timeout_seconds: float = 60.0
    ) -> EngineProcess:
        """Start an engine and return when it answers.

        Args:
            data: its folder; made when missing, one engine a folder.
            port: 0 for any free one.
            options: more command-line options, such as `("--max-memory-bytes", "1000000000")`.
            timeout_seconds: how long it may take to open the folder.

        Raises:
            EngineFailed: it ended, or was not ready in time; the message is its own.
        """
        data = data.resolve()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as the process
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "parcours_collector.warehouse.embedded"),
                *("--data", str(data), "--port", str(port), "--stop-with-parent", *options),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches who started it, who stops it last
        )
        if not _answered(process, timeout_seconds):
            process.kill()
            process.wait()
            said = _text(errors)
            _close(process, errors)
            raise EngineFailed(said or f"The engine on {data} was not ready within {timeout_seconds:g} s.")
        return cls(process, data, errors)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def stop(self, timeout_seconds: float = 30.0) -> int:
        """End it as SIGTERM does: running queries are cancelled, the folder is closed. Returns its exit status."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._closed()

    def kill(self) -> int:
        """End it as `kill -9` does; what was acknowledged is there at the next start."""
        self._process.kill()
        return self._closed()

    def _closed(self) -> int:
        status = self._process.wait()
        _close(self._process, self._errors)
        return status

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _answered(process: subprocess.Popen[bytes], timeout_seconds: float) -> bool:
    output = process.stdout
    if output is None:
        return False
    deadline = time.monotonic() + timeout_seconds
    readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
    # One line when it is ready, the end of the pipe when it has failed.
    return bool(readable) and bool(output.readline())


def _close(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, errors):
        if pipe is not None:
            pipe.close()


def _text(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace").strip().removeprefix("parcours clickhouse: ")
