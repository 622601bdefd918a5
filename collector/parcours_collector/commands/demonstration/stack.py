"""A running `parcours up` in a process of its own, as any script would start it."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from parcours_collector.commands.up import ENVIRONMENT_FILE
from parcours_collector.errors import OperatorError

LOG_FILE = "parcours.log"


class StackFailed(OperatorError):
    """`parcours up` ended before it was ready."""

    tag = "stack_failed"


class Stack:
    """Everything on this machine, until the end of a `with` block. It ends with this process, even if it is killed."""

    def __init__(self, data: Path, *, port: int, clickhouse_port: int) -> None:
        """Start, and wait until it is ready.

        Args:
            data: Folder of the log, the keys and the engine.
            port: Of the collector; 0 = any free one.
            clickhouse_port: Of the engine; 0 = any free one.

        Raises:
            StackFailed: It ended before it was ready; the message is its own.
        """
        data.mkdir(parents=True, exist_ok=True)
        self._log = (data / LOG_FILE).open("a+b")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "parcours_collector", "up", "--data", str(data), "--port", str(port)),
                *("--clickhouse-port", str(clickhouse_port), "--stop-with-parent"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop it in order
        )
        self.lines = self._announced()
        values = dict(line.split("=", 1) for line in (data / ENVIRONMENT_FILE).read_text("utf-8").splitlines())
        self.endpoint = values["PARCOURS_ENDPOINT"]
        self.clickhouse_url = values["PARCOURS_CLICKHOUSE_URL"]

    def _announced(self) -> list[str]:
        lines = []
        for line in self._process.stdout or ():
            lines.append(line.decode().rstrip())
            if lines[-1].startswith("keys"):
                return lines
        self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()
        raise StackFailed(said[-1].removeprefix("parcours: ") if said else "`parcours up` ended without a word.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()
